"""The shape of a function graph in numbers, and one function of it with its neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simkit.graph.parameters import inputs_of, outputs_of

if TYPE_CHECKING:
    from simkit.graph.function_graph import Feed, FunctionGraph

_HUBS = 10
"""Functions named in a summary for having the most edges in, and out."""
_EXAMPLES = 5
QUANTILES = (0, 25, 50, 75, 90, 99, 100)
"""Per cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeView:
    """One edge in words."""

    source: str
    target: str
    score: float
    feeds: tuple[Feed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of the catalog the edges reach; shares in [0, 1]."""

    inputs: int
    """That an earlier result could feed."""
    inputs_fed: float
    """Share of them that some output feeds."""
    functions_fed: float
    """Share of functions with an edge in."""
    functions_feeding: float
    """Share of functions with an edge out."""
    outputs_declared: float
    """Share of functions whose outputs the catalog declares."""
    outputs_inferred: float
    """Share of functions whose outputs a model or a rule wrote; the rest have none, and what
    they give is guessed from the description."""
    edges_from_declared: float
    """Share of edges whose source declares its outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The shape of a graph in numbers."""

    scorer: str
    embedder: str
    threshold: float
    functions: int
    edges: int
    below_threshold: int
    """Edges that the rule alone would not have made; see `FunctionGraph.below_threshold`."""
    mean_out_degree: float
    isolated: int
    """Functions with no edge, in or out: no walk longer than one comes by them."""
    components: tuple[int, ...]
    """Sizes of the weakly connected components, largest first, isolated functions too."""
    out_degrees: tuple[int, ...]
    """Edges out of a function, at each of `QUANTILES`; *in_degrees* likewise."""
    in_degrees: tuple[int, ...]
    hubs: tuple[tuple[str, int], ...]
    """The names that most functions lead to, and how many; most first, then by name."""
    hubs_out: tuple[tuple[str, int], ...]
    """Likewise the names that lead to most functions."""
    coverage: Coverage
    communities: Mapping[str, int]
    """Functions in each community, most first."""
    domains: Mapping[str, int]
    """Functions in each domain, most first, then by name; see `FunctionGraph.domain`."""
    cross_domain_share: float
    """Edges between two domains, as a share of all; 0 without edges."""
    strongest: tuple[EdgeView, ...]
    """Examples, of different sources: strongest first. *weakest* likewise, weakest first."""
    weakest: tuple[EdgeView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionView:
    """One function and its edges, strongest first."""

    name: str
    original_name: str
    description: str
    domain: str
    community: str
    source: str
    inputs: tuple[str, ...]
    """Those that an earlier result could feed."""
    outputs: tuple[str, ...]
    outputs_origin: str
    feeds: tuple[EdgeView, ...]
    """Its edges out."""
    fed_by: tuple[EdgeView, ...]


def summarise(graph: FunctionGraph) -> Summary:
    """The shape of *graph*; 20,000 functions with 400,000 edges take about a second."""
    functions, edges = len(graph.functions), len(graph.targets)
    domains = [graph.domain(index) for index in range(functions)]
    outgoing = np.bincount(graph.sources, minlength=functions)
    incoming = np.bincount(graph.targets, minlength=functions)
    order = np.argsort(-graph.scores, kind="stable")
    return Summary(
        scorer=graph.stored.scorer,
        embedder=graph.stored.embedder,
        threshold=graph.stored.threshold,
        functions=functions,
        edges=edges,
        below_threshold=int(np.count_nonzero(graph.below_threshold)),
        mean_out_degree=edges / functions,
        isolated=int(np.count_nonzero(outgoing + incoming == 0)),
        components=tuple(sorted(graph.links().connected_components().sizes(), reverse=True)),
        out_degrees=_quantiles(outgoing),
        in_degrees=_quantiles(incoming),
        hubs=_hubs(graph, incoming),
        hubs_out=_hubs(graph, outgoing),
        coverage=_coverage(graph, outgoing, incoming),
        communities=_by_size(graph.community(index) for index in range(functions)),
        domains=_by_size(domains, nameless=True),
        cross_domain_share=_share(_differ(domains, graph)),
        strongest=_examples(graph, order),
        weakest=_examples(graph, order[::-1]),
    )


def view_function(graph: FunctionGraph, name: str) -> FunctionView | None:
    """The function called *name*, or so called in its catalog; None when there is none."""
    index = _index_of(graph, name)
    if index is None:
        return None
    function = graph.functions[index]
    out = np.arange(graph.row_starts[index], graph.row_starts[index + 1])
    into = np.flatnonzero(graph.targets == index)
    into = into[np.argsort(-graph.scores[into], kind="stable")]
    return FunctionView(
        name=function.name,
        original_name=function.original_name or function.name,
        description=function.description,
        domain=graph.domain(index),
        community=graph.community(index),
        source=function.source,
        inputs=tuple(parameter.path for parameter in inputs_of([function])),
        outputs=tuple(parameter.path for parameter in outputs_of([function]) if parameter.path),
        outputs_origin=function.outputs_origin,
        feeds=tuple(_view(graph, edge) for edge in out.tolist()),
        fed_by=tuple(_view(graph, edge) for edge in into.tolist()),
    )


def _index_of(graph: FunctionGraph, name: str) -> int | None:
    names = [function.name for function in graph.functions]
    if name in names:
        return names.index(name)
    originals = [function.original_name for function in graph.functions]
    return originals.index(name) if name and name in originals else None


def _view(graph: FunctionGraph, edge: int) -> EdgeView:
    return EdgeView(
        source=graph.functions[graph.sources[edge]].name,
        target=graph.functions[graph.targets[edge]].name,
        score=float(graph.scores[edge]),
        feeds=graph.feeds_of_edge(edge),
    )


def _examples(graph: FunctionGraph, order: NDArray[np.int64]) -> tuple[EdgeView, ...]:
    """The first edges in *order* of which no two share a source or a target."""
    seen: set[int] = set()
    chosen: list[EdgeView] = []
    for edge in order.tolist():
        ends = {int(graph.sources[edge]), int(graph.targets[edge])}
        if seen.isdisjoint(ends):
            seen |= ends
            chosen.append(_view(graph, edge))
        if len(chosen) == _EXAMPLES:
            break
    return tuple(chosen)


def _quantiles(degrees: NDArray[np.int64]) -> tuple[int, ...]:
    found = np.percentile(degrees, QUANTILES, method="lower")
    return tuple(int(degree) for degree in found)


def _hubs(graph: FunctionGraph, degrees: NDArray[np.int64]) -> tuple[tuple[str, int], ...]:
    names = (function.name for function in graph.functions)
    hubs = sorted(zip(names, degrees.tolist(), strict=True), key=lambda hub: (-hub[1], hub[0]))
    return tuple(hub for hub in hubs[:_HUBS] if hub[1])


def _coverage(
    graph: FunctionGraph, outgoing: NDArray[np.int64], incoming: NDArray[np.int64]
) -> Coverage:
    origins = np.array([function.outputs_origin for function in graph.functions])
    inputs = len(inputs_of(graph.functions))
    return Coverage(
        inputs=inputs,
        inputs_fed=_fed_inputs(graph) / inputs if inputs else 0.0,
        functions_fed=_share(incoming > 0),
        functions_feeding=_share(outgoing > 0),
        outputs_declared=_share(origins == "declared"),
        outputs_inferred=_share(origins == "inferred"),
        edges_from_declared=_share(origins[graph.sources] == "declared"),
    )


def _fed_inputs(graph: FunctionGraph) -> int:
    stored = graph.stored
    targets = np.repeat(graph.targets, np.diff(stored.feed_starts))
    return len(np.unique(targets * len(stored.input_names) + stored.feed_input))


def _share(holds: NDArray[np.bool_]) -> float:
    return float(holds.mean()) if len(holds) else 0.0


def _differ(domains: list[str], graph: FunctionGraph) -> NDArray[np.bool_]:
    """Whether each edge leads to another domain."""
    number: dict[str, int] = {}
    numbers = np.array([number.setdefault(domain, len(number)) for domain in domains])
    return np.asarray(numbers[graph.sources] != numbers[graph.targets])


def _by_size(labels: Iterable[str], *, nameless: bool = False) -> dict[str, int]:
    counted = Counter(label for label in labels if label or nameless)
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
