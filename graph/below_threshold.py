"""Edges that a graph's own rule would make if its threshold were lower."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simkit.graph.affinity import Affinity
from simkit.graph.edge_rules import AffinityRule, EdgeRule, PapersRule
from simkit.graph.edges import INFERRED_ALLOWANCE
from simkit.graph.embed import Embedder
from simkit.graph.graph_file import StoredGraph
from simkit.graph.linked import Feeds, Linked, joined, linked
from simkit.graph.parameters import outputs_of
from simkit.graph.prepared import Prepared
from simkit.graph.stored_edges import stored_feeds

REACH = 0.8
"""Candidates score more than this share of the threshold: those far below it are many and weak.
For the demo's catalog there are then a quarter to half as many candidates as edges."""


def is_below(stored: StoredGraph) -> NDArray[np.bool_]:
    """For each edge of *stored* whether its rule alone would not have made it."""
    return stored.score <= _bars(stored)[stored.source]


def strongest_below(
    stored: StoredGraph, embedder: Embedder, affinity: Affinity | None, *, most: int
) -> Linked:
    """The *most* strongest edges that *stored* does not have, as they score too low.

    Args:
        embedder: What the graph was built with; *affinity* likewise, None for the paper's rule
            (see `simkit.graph.same_rule.weights_of`).

    Returns:
        Edges that the caps on a function's edges leave room for. Feeds name parameters by
        their index in `outputs_of` and `inputs_of` the graph's functions.

    Takes as long as building the graph did.
    """
    if most < 1:
        return none_below()
    prepared = Prepared(stored.functions, embedder)
    caps = {"max_out_edges": stored.max_out_edges, "max_in_edges": stored.max_in_edges}
    found = _lower_rule(stored, affinity).feeds(prepared, max_out_edges=stored.max_out_edges)
    own = stored_feeds(stored, *prepared.places())
    new = _too_weak(found.at(~_among(found, own)), stored)
    # Above all others, what is there keeps its place, and the others what room there is.
    own = Feeds(own.source, own.target, own.output, own.input, own.score + 1)
    within = linked(joined(own, new), **caps)
    room = np.flatnonzero(within.score <= 1)
    best = room[np.argsort(-within.score[room], kind="stable")[:most]]
    return linked(new.at(_among(new, _ends(within, best))), **caps)


def none_below() -> Linked:
    """No edges."""
    nothing = np.zeros(0, np.int64)
    feeds = Feeds(nothing, nothing, nothing, nothing, np.zeros(0))
    return Linked(nothing, nothing, np.zeros(0), np.zeros(1, np.int64), feeds)


def _lower_rule(stored: StoredGraph, affinity: Affinity | None) -> EdgeRule:
    lower = stored.threshold * REACH
    return PapersRule(lower) if affinity is None else AffinityRule(affinity, lower)


def _is_papers(stored: StoredGraph) -> bool:
    return stored.scorer == PapersRule().name


def _bars(stored: StoredGraph) -> NDArray[np.float64]:
    """For each function the score that its edges out exceed."""
    bars = np.full(len(stored.functions), stored.threshold)
    if _is_papers(stored):
        guessed = [one.function for one in outputs_of(stored.functions) if one.inferred]
        bars[guessed] = max(0.0, stored.threshold - INFERRED_ALLOWANCE)
    return bars


def _too_weak(feeds: Feeds, stored: StoredGraph) -> Feeds:
    """Those of edges whose strongest feed is no edge by the rule; others were capped or refused."""
    pairs, pair = np.unique(_pairs(feeds), return_inverse=True)
    best = np.zeros(len(pairs))
    np.maximum.at(best, pair, feeds.score)
    return feeds.at(best[pair] <= _bars(stored)[feeds.source])


def _pairs(ends: Feeds | Linked) -> NDArray[np.int64]:
    """Source and target as one number."""
    return (ends.source << 32) | ends.target


def _among(feeds: Feeds, others: Feeds) -> NDArray[np.bool_]:
    return np.isin(_pairs(feeds), _pairs(others))


def _ends(edges: Linked, positions: NDArray[np.int64]) -> Feeds:
    """The strongest feed of each edge at *positions*."""
    return edges.feeds.at(edges.feed_starts[:-1][positions])
