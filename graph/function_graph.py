"""The function graph: who can feed whom. The only module that knows igraph."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from igraph import Graph, set_random_number_generator
from numpy.typing import NDArray

from simkit.graph.below_threshold import is_below
from simkit.graph.communities import community_names
from simkit.graph.edge_rules import AffinityRule, EdgeRule
from simkit.graph.embed import Embedder
from simkit.graph.graph_file import NO_COMMUNITY, GraphError, StoredGraph, read_graph, write_graph
from simkit.graph.graph_summary import Summary, summarise
from simkit.graph.linked import Feeds, Linked, joined, linked
from simkit.graph.parameters import Parameter, inputs_of, outputs_of
from simkit.graph.prepared import Prepared
from simkit.graph.prepared_folder import PreparedFolder
from simkit.graph.same_rule import check_rule
from simkit.graph.stored_edges import EdgeColumns, Places, edge_columns, places_of, stored_feeds
from simkit.traces.functions import Function

__all__ = ["Feed", "FunctionGraph", "GraphError", "Summary", "drawing_as_seeded"]

DEFAULT_RULE: EdgeRule = AffinityRule()
_SEED = 20251115
"""Of what igraph draws: the same graph has the same communities and the same picture."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One output of a function that can serve as one input of another."""

    output: str
    """Path of the output; empty for the whole result, where none is declared."""
    input: str
    """Name of the argument that takes it."""
    score: float
    """In (0, 1]."""


class FunctionGraph:
    """Functions, and directed edges from each to those it can feed; does not change.

    The compressed rows are what walks read: the successors of function *i* are
    ``targets[row_starts[i]:row_starts[i + 1]]``, strongest first, and ``scores`` and
    ``sources`` run alongside. A position in them is an edge.
    """

    def __init__(self, stored: StoredGraph) -> None:
        self.functions: tuple[Function, ...] = stored.functions
        self.sources: NDArray[np.int64] = stored.source
        self.targets: NDArray[np.int64] = stored.target
        self.scores: NDArray[np.float64] = stored.score
        self.row_starts: NDArray[np.int64] = np.searchsorted(
            stored.source, np.arange(len(self.functions) + 1)
        )
        self.stored = stored
        """What the file holds: the feeds as columns, and how the graph was built."""

    @classmethod
    def build(
        cls,
        functions: Sequence[Function],
        embedder: Embedder,
        *,
        rule: EdgeRule = DEFAULT_RULE,
        max_out_edges: int = 30,
        max_in_edges: int = 60,
        folder: PreparedFolder | None = None,
    ) -> FunctionGraph:
        """Link *functions* by what they give and take, as *rule* says; see `linked` for the rest.

        The same functions, embedder, rule and numbers always give the same graph. Most of the
        time goes into embedding what is not cached. What is worked out of each function by
        itself is left in *folder*, so that `extended` need not look at it again.

        Raises:
            GraphError: There are no functions, or two have the same name.
            ValueError: A number is out of range.
        """
        _check_names(functions)
        prepared = Prepared(functions, embedder, folder=folder)
        feeds = rule.feeds(prepared, max_out_edges=max_out_edges)
        edges = linked(feeds, max_out_edges=max_out_edges, max_in_edges=max_in_edges)
        return cls(
            StoredGraph(
                scorer=rule.name,
                embedder=embedder.name,
                threshold=rule.threshold(embedder),
                max_out_edges=max_out_edges,
                max_in_edges=max_in_edges,
                functions=tuple(functions),
                **_columns(functions, edges, *prepared.places()),
            )
        )

    def extended(
        self,
        functions: Sequence[Function],
        embedder: Embedder,
        *,
        rule: EdgeRule = DEFAULT_RULE,
        folder: PreparedFolder | None = None,
    ) -> FunctionGraph:
        """This graph with *functions* after its own, linked to them and to each other.

        What was linked before is not looked at again, so the cost is that of the new functions
        (and of naming the communities) where *folder* has what `build`, or an earlier call of
        this, left there. Edges are those of a graph built at once, but for the rarity of words,
        which is that of all functions now, and for edges that the caps had dropped and would
        now keep.

        Raises:
            GraphError: A name is taken, or the graph was made with another rule, other weights or
                another embedder.
        """
        stored = self.stored
        check_rule(stored, rule, embedder)
        together = (*self.functions, *functions)
        _check_names(together)
        first_new = len(self.functions)
        prepared = Prepared(together, embedder, folder=folder, first_new=first_new)
        new = rule.feeds(prepared, first_new=first_new, max_out_edges=stored.max_out_edges)
        outputs, inputs = prepared.places()
        feeds = joined(stored_feeds(stored, outputs, inputs), new)
        return self._with(together, feeds, outputs, inputs)

    def with_edges(self, kept: NDArray[np.bool_], added: Feeds) -> FunctionGraph:
        """This graph with those of its edges that *kept* marks, and those that *added* makes.

        Functions stay, communities are found anew, and so the domains that they name.

        Args:
            added: Of edges that this graph does not have and its caps leave room for;
                parameters by their index in `outputs_of` and `inputs_of` the functions.
        """
        stored = self.stored
        outputs = places_of(outputs_of(self.functions))
        inputs = places_of(inputs_of(self.functions))
        feeds = stored_feeds(stored, outputs, inputs).at(
            np.repeat(kept, np.diff(stored.feed_starts))
        )
        return self._with(self.functions, joined(feeds, added), outputs, inputs)

    def _with(
        self,
        functions: tuple[Function, ...],
        feeds: Feeds,
        outputs: Places,
        inputs: Places,
    ) -> FunctionGraph:
        """*functions* with the edges that *feeds* make, by the rule and the caps of this graph."""
        stored = self.stored
        edges = linked(feeds, max_out_edges=stored.max_out_edges, max_in_edges=stored.max_in_edges)
        columns = _columns(functions, edges, outputs, inputs)
        return FunctionGraph(replace(stored, functions=functions, **columns))

    @classmethod
    def load(
        cls, path: Path, *, scorer: str | None = None, embedder: str | None = None
    ) -> FunctionGraph:
        """The graph that `save` wrote to *path*.

        Args:
            scorer: What must have scored its edges, where that matters: when they are to be
                joined by others. *embedder* likewise.

        Raises:
            GraphError: The file is missing, damaged, of another version or no graph, or
                another scorer or embedder made it.
        """
        stored = read_graph(path)
        for what, wanted, found in (
            ("scorer", scorer, stored.scorer),
            ("embedder", embedder, stored.embedder),
        ):
            if wanted not in (None, found):
                raise GraphError(
                    f"{path} was built with the {what} {found!r}, not {wanted!r}: their scores "
                    f"do not compare. Ask for {found!r}, or build the graph again."
                )
        return cls(stored)

    def save(self, path: Path) -> None:
        """Write functions and edges to one file, whole or not at all; same graph, same bytes.

        Raises:
            GraphError: The file cannot be written.
        """
        write_graph(self.stored, path)

    def successors(self, function: int) -> NDArray[np.int64]:
        """Indexes of the functions that *function* can feed, strongest first."""
        return self.targets[self.row_starts[function] : self.row_starts[function + 1]]

    def feeds(self, source: int, target: int) -> tuple[Feed, ...]:
        """Which outputs of *source* feed which inputs of *target*, strongest first."""
        found = np.flatnonzero(self.successors(source) == target)
        return self.feeds_of_edge(int(self.row_starts[source] + found[0])) if len(found) else ()

    def feeds_of_edge(self, edge: int) -> tuple[Feed, ...]:
        """Likewise, of the edge at a position in `targets`; never empty."""
        stored = self.stored
        return tuple(
            Feed(
                stored.output_paths[stored.feed_output[feed]],
                stored.input_names[stored.feed_input[feed]],
                float(stored.feed_score[feed]),
            )
            for feed in range(stored.feed_starts[edge], stored.feed_starts[edge + 1])
        )

    def community(self, function: int) -> str:
        """The name of a function's community; empty for a function without an edge."""
        number = int(self.stored.communities[function])
        return "" if number == NO_COMMUNITY else self.stored.community_names[number]

    def domain(self, function: int) -> str:
        """What the catalog says a function's domain is, else the name of its community."""
        return self.functions[function].domain or self.community(function)

    @cached_property
    def igraph(self) -> Graph:
        """The graph with all that is known of each function and edge; made when first asked for.

        Edges come in the order of `targets`, with ``score``, ``below_threshold`` and ``feeds``
        (as text, e.g. ``"sku -> product; price -> budget"``). Vertices have ``name``,
        ``original_name``, ``domain``, ``source``, ``community``, ``inputs`` and ``outputs``
        (how many, of those that can be linked) and ``outputs_origin``.
        """
        functions, indexes = self.functions, range(len(self.functions))
        graph = _skeleton(len(functions), self.sources, self.targets)
        graph.vs["name"] = [function.name for function in functions]
        graph.vs["original_name"] = [one.original_name or one.name for one in functions]
        graph.vs["domain"] = [self.domain(index) for index in indexes]
        graph.vs["source"] = [function.source for function in functions]
        graph.vs["community"] = [self.community(index) for index in indexes]
        graph.vs["inputs"] = _counted(inputs_of(functions), len(functions))
        graph.vs["outputs"] = _counted(outputs_of(functions), len(functions))
        graph.vs["outputs_origin"] = [function.outputs_origin for function in functions]
        graph.es["score"] = self.scores.tolist()
        graph.es["below_threshold"] = self.below_threshold.tolist()
        graph.es["feeds"] = self._feeds_as_text()
        return graph

    @cached_property
    def below_threshold(self) -> NDArray[np.bool_]:
        """For each edge whether it scores too low for the rule, and is there as a model
        accepts it."""
        return is_below(self.stored)

    def links(self) -> Graph:
        """Which functions are joined, either way round: undirected, each pair once, ``score``
        the sum of both ways."""
        return _undirected(len(self.functions), self.sources, self.targets, self.scores)

    def summary(self) -> Summary:
        """The shape of this graph in numbers."""
        return summarise(self)

    def _feeds_as_text(self) -> list[str]:
        stored = self.stored
        outputs = [stored.output_paths[index] for index in stored.feed_output.tolist()]
        inputs = [stored.input_names[index] for index in stored.feed_input.tolist()]
        feeds = [f"{gives} -> {takes}" for gives, takes in zip(outputs, inputs, strict=True)]
        starts = stored.feed_starts.tolist()
        return ["; ".join(feeds[start:end]) for start, end in pairwise(starts)]


@contextmanager
def drawing_as_seeded() -> Iterator[None]:
    """Inside, igraph draws the same numbers each time, and afterwards from Python's `random`,
    as it does by default. For one thread at a time: the generator is igraph's only one."""
    set_random_number_generator(random.Random(_SEED))
    try:
        yield
    finally:
        set_random_number_generator(random)


class _Columns(EdgeColumns):
    """The fields of `StoredGraph` that follow from functions and edges."""

    communities: NDArray[np.int64]
    community_names: tuple[str, ...]


def _columns(
    functions: Sequence[Function], edges: Linked, outputs: Places, inputs: Places
) -> _Columns:
    communities = _communities(len(functions), edges)
    names = [function.name for function in functions]
    count = int(communities.max()) + 1
    return _Columns(
        communities=communities,
        community_names=tuple(community_names(names, communities.tolist(), count)),
        **edge_columns(edges, outputs, inputs),
    )


def _communities(functions: int, edges: Linked) -> NDArray[np.int64]:
    """The community of each function, largest first, by Leiden's method (arXiv 1810.08473)."""
    joined = _undirected(functions, edges.source, edges.target, edges.score)
    with drawing_as_seeded():
        found = joined.community_leiden(
            objective_function="modularity", weights="score", n_iterations=10
        )
    members, sizes = np.asarray(found.membership, np.int64), np.asarray(found.sizes())
    alone = np.asarray(joined.degree()) == 0
    order = np.argsort(-sizes, kind="stable")
    rank = np.empty(len(sizes), np.int64)
    rank[order] = np.arange(len(sizes))
    # A function without an edge is a community of one to Leiden, and so comes after all others.
    return np.where(alone, NO_COMMUNITY, rank[members])


def _skeleton(functions: int, sources: NDArray[np.int64], targets: NDArray[np.int64]) -> Graph:
    pairs = np.stack([sources, targets], axis=1)
    return Graph(n=functions, edges=pairs, directed=True)


def _undirected(
    functions: int,
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
    scores: NDArray[np.float64],
) -> Graph:
    graph = _skeleton(functions, sources, targets)
    graph.es["score"] = scores.tolist()
    graph.to_undirected(mode="collapse", combine_edges="sum")
    return graph


def _counted(parameters: Sequence[Parameter], functions: int) -> list[int]:
    owners = [parameter.function for parameter in parameters]
    counts: list[int] = np.bincount(np.array(owners, np.int64), minlength=functions).tolist()
    return counts


def _check_names(functions: Sequence[Function]) -> None:
    if not functions:
        raise GraphError("A graph needs at least one function; the catalogs gave none.")
    name, times = Counter(function.name for function in functions).most_common(1)[0]
    if times > 1:
        raise GraphError(
            f"{times} functions are called {name!r}; names must be unique in a graph. "
            "Read all catalogs in one go, which renames what clashes."
        )
