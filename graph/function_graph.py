"""The function graph: who can feed whom. The only module that knows igraph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import igraph
import numpy as np
from numpy.typing import NDArray

from simkit.graph.edges import similarity_edges
from simkit.graph.embed import Embedder
from simkit.graph.graph_file import GraphError, StoredGraph, read_graph, write_graph
from simkit.graph.parameters import inputs_of, outputs_of
from simkit.traces.functions import Function

__all__ = ["FunctionGraph", "GraphError", "Link", "Summary"]

_HUBS = 10
"""Functions named in a summary for being fed by the most others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Why one function leads to another."""

    score: float
    """Cosine of the texts of the output and the input, in (0, 1]."""
    output: str
    """Path of the output that feeds; empty when the whole result, by inference."""
    input: str
    """Name of the argument that is fed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The shape of a graph in numbers."""

    functions: int
    edges: int
    mean_out_degree: float
    isolated: int
    """Functions with no edge, in or out: no walk longer than one comes by them."""
    components: tuple[int, ...]
    """Sizes of the weakly connected components, largest first, isolated functions too."""
    hubs: tuple[tuple[str, int], ...]
    """The names that most functions lead to, and how many; most first, then by name."""
    domains: Mapping[str, int]
    """Functions in each domain, most first, then by name."""
    cross_domain_share: float
    """Edges between two domains, as a share of all; 0 without edges."""


class FunctionGraph:
    """Functions, and directed edges from each to those it can feed; does not change.

    The compressed rows are what walks read: the successors of function *i* are
    ``targets[row_starts[i]:row_starts[i + 1]]``, strongest first, and ``scores`` runs
    alongside.
    """

    def __init__(self, stored: StoredGraph) -> None:
        self.functions: tuple[Function, ...] = stored.functions
        self.embedder = stored.embedder
        """Name of the embedder behind the scores."""
        self.min_cosine = stored.min_cosine
        source = np.asarray(stored.source, np.int64)
        self.row_starts: NDArray[np.int64] = np.searchsorted(
            source, np.arange(len(self.functions) + 1)
        )
        self.targets: NDArray[np.int64] = np.asarray(stored.target, np.int64)
        self.scores: NDArray[np.float64] = np.asarray(stored.score, np.float64)
        self.igraph = igraph.Graph(
            n=len(self.functions),
            edges=list(zip(stored.source, stored.target, strict=True)),
            directed=True,
            vertex_attrs={
                "name": [function.name for function in self.functions],
                "domain": [function.domain for function in self.functions],
            },
            edge_attrs={"score": stored.score, "output": stored.output, "input": stored.input},
        )
        """Edges in the order of `targets`; attributes as in `Link`, vertices' name and domain."""
        self._stored = stored

    @classmethod
    def build(
        cls,
        functions: Sequence[Function],
        embedder: Embedder,
        *,
        min_cosine: float | None = None,
        max_out_edges: int = 30,
        max_in_edges: int = 60,
    ) -> FunctionGraph:
        """Link *functions* by what they give and take; see `similarity_edges`.

        Args:
            min_cosine: None for the embedder's default.

        The same functions, embedder and numbers always give the same graph. Almost all of
        the time goes into embedding what is not cached.

        Raises:
            GraphError: There are no functions, or two have the same name.
            ValueError: A number is out of range.
        """
        _check_names(functions)
        bar = embedder.default_min_cosine if min_cosine is None else min_cosine
        outputs, inputs = outputs_of(functions), inputs_of(functions)
        vectors = embedder.embed([parameter.text for parameter in (*outputs, *inputs)])
        edges = similarity_edges(
            outputs,
            inputs,
            vectors[: len(outputs)],
            vectors[len(outputs) :],
            min_cosine=bar,
            max_out_edges=max_out_edges,
            max_in_edges=max_in_edges,
        )
        return cls(
            StoredGraph(
                embedder=embedder.name,
                min_cosine=bar,
                functions=tuple(functions),
                source=edges.source.tolist(),
                target=edges.target.tolist(),
                score=edges.score.tolist(),
                output=[outputs[index].path for index in edges.output],
                input=[inputs[index].path for index in edges.input],
            )
        )

    @classmethod
    def load(cls, path: Path) -> FunctionGraph:
        """The graph that `save` wrote to *path*.

        Raises:
            GraphError: The file is missing, damaged, of another version or no graph.
        """
        return cls(read_graph(path))

    def save(self, path: Path) -> None:
        """Write functions and edges to one file, whole or not at all; same graph, same bytes.

        Raises:
            GraphError: The file cannot be written.
        """
        write_graph(self._stored, path)

    def successors(self, function: int) -> NDArray[np.int64]:
        """Indexes of the functions that *function* can feed, strongest first."""
        return self.targets[self.row_starts[function] : self.row_starts[function + 1]]

    def link(self, source: int, target: int) -> Link | None:
        """Which output of *source* feeds which input of *target*; None when none does."""
        position = self.igraph.get_eid(source, target, error=False)
        if position < 0:
            return None
        stored = self._stored
        return Link(
            score=stored.score[position],
            output=stored.output[position],
            input=stored.input[position],
        )

    def summary(self) -> Summary:
        """The shape of this graph in numbers."""
        in_degrees = self.igraph.indegree()
        names = [function.name for function in self.functions]
        hubs = sorted(zip(names, in_degrees, strict=True), key=lambda hub: (-hub[1], hub[0]))
        domains = Counter(function.domain for function in self.functions)
        edges = self.igraph.ecount()
        return Summary(
            functions=len(self.functions),
            edges=edges,
            mean_out_degree=edges / len(self.functions),
            isolated=sum(degree == 0 for degree in self.igraph.degree()),
            components=tuple(
                sorted(self.igraph.connected_components(mode="weak").sizes(), reverse=True)
            ),
            hubs=tuple(hub for hub in hubs[:_HUBS] if hub[1]),
            domains=dict(sorted(domains.items(), key=lambda item: (-item[1], item[0]))),
            cross_domain_share=self._cross_domain_edges() / edges if edges else 0.0,
        )

    def _cross_domain_edges(self) -> int:
        domains = [function.domain for function in self.functions]
        pairs = zip(self._stored.source, self._stored.target, strict=True)
        return sum(domains[source] != domains[target] for source, target in pairs)


def _check_names(functions: Sequence[Function]) -> None:
    if not functions:
        raise GraphError("A graph needs at least one function; the catalogs gave none.")
    name, times = Counter(function.name for function in functions).most_common(1)[0]
    if times > 1:
        raise GraphError(
            f"{times} functions are called {name!r}; names must be unique in a graph. "
            "Read all catalogs in one go, which renames what clashes."
        )
