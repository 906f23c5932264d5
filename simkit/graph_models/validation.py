"""The edges of a graph, and candidates for it, before a model scores them and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simkit.candidates_of import local_embedder
from simkit.config import ConfigError
from simkit.graph.affinity_file import load_affinity
from simkit.graph.below_threshold import none_below, strongest_below
from simkit.graph.embed import EmbedderUnavailable
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.linked import Linked
from simkit.graph.parameters import inputs_of, outputs_of
from simkit.graph.same_rule import weights_of
from simkit.graph.validation.cut import Cut, accepted_below, edges_kept, room_below
from simkit.graph.validation.questions import EdgeQuestion, EdgeScores

_ASKED_FOR_ONE = 3
"""Candidates that are asked about for each that may join; a model refuses some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A graph, and edges below its threshold that could join it."""

    graph: FunctionGraph
    below: Linked
    share: float
    """Of the edges in the end, those that may be from below the threshold."""
    problem: str = ""
    """Why there are no candidates though some are wanted."""

    def questions(self) -> list[EdgeQuestion]:
        """About every edge, in the order of `FunctionGraph.targets`, then every candidate."""
        return [*_about_edges(self.graph), *_about_candidates(self.graph, self.below)]

    def decided(self, scores: Sequence[EdgeScores | None], cut: Cut) -> Validated:
        """What becomes of the graph.

        Args:
            scores: In the order of `questions`. An edge without any stays; a candidate does not
                join.
        """
        graph, below = self.graph, self.below
        edges = len(graph.targets)
        kept = edges_kept(scores[:edges], cut)
        low = int(np.count_nonzero(kept & graph.below_threshold))
        room = room_below(self.share, above=int(np.count_nonzero(kept)) - low, below=low)
        joins = accepted_below(scores[edges:], below.score, cut, room=room)
        added = below.feeds.at(np.repeat(joins, np.diff(below.feed_starts)))
        return Validated(
            graph=graph.with_edges(kept, added),
            edges=edges,
            kept=int(np.count_nonzero(kept)),
            candidates=len(below),
            joined=int(np.count_nonzero(joins)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """A graph with the edges that a model accepts."""

    graph: FunctionGraph
    edges: int
    """That it had before."""
    kept: int
    """Of them."""
    candidates: int
    """From below the threshold that the model was asked about."""
    joined: int
    """Of them."""


def propose(graph: FunctionGraph, *, share: float, affinity: Path | None = None) -> Proposal:
    """The strongest candidates below the threshold of *graph*, three for each that may join.

    None where a provider has the embedder of the graph, or it is not installed.

    Args:
        share: In [0, 1); see `Proposal`.
        affinity: File of the weights that the graph was built with; None for simkit's own.

    Raises:
        AffinityError: The file of weights cannot be used.
        GraphError: The graph was built with other weights.
    """
    weights = weights_of(graph.stored, None if affinity is None else load_affinity(affinity))
    low = int(np.count_nonzero(graph.below_threshold))
    room = room_below(share, above=len(graph.targets) - low, below=low)
    if not room:
        return Proposal(graph=graph, below=none_below(), share=share)
    try:
        embedder = local_embedder(graph)
    except (ConfigError, EmbedderUnavailable) as error:
        return Proposal(graph=graph, below=none_below(), share=share, problem=str(error))
    most = _ASKED_FOR_ONE * room
    below = strongest_below(graph.stored, embedder, weights, most=most)
    return Proposal(graph=graph, below=below, share=share)


def _about_edges(graph: FunctionGraph) -> Iterator[EdgeQuestion]:
    ends = zip(graph.sources.tolist(), graph.targets.tolist(), strict=True)
    for edge, (source, target) in enumerate(ends):
        yield EdgeQuestion(
            source=graph.functions[source],
            target=graph.functions[target],
            feeds=tuple((feed.output, feed.input) for feed in graph.feeds_of_edge(edge)),
        )


def _about_candidates(graph: FunctionGraph, below: Linked) -> Iterator[EdgeQuestion]:
    outputs, inputs = outputs_of(graph.functions), inputs_of(graph.functions)
    starts = below.feed_starts.tolist()
    for edge in range(len(below)):
        feeds = below.feeds.at(np.arange(starts[edge], starts[edge + 1]))
        yield EdgeQuestion(
            source=graph.functions[below.source[edge]],
            target=graph.functions[below.target[edge]],
            feeds=tuple(
                (outputs[given].path, inputs[taken].path)
                for given, taken in zip(feeds.output.tolist(), feeds.input.tolist(), strict=True)
            ),
            is_candidate=True,
        )
