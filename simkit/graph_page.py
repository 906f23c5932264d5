"""The summary of a function graph, and one of its functions, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from simkit.graph.graph_summary import QUANTILES, Coverage, EdgeView, FunctionView, Summary
from simkit.printable import printable_line
from simkit.rendering import plain_text
from simkit.tables import share_table, value_table

_INDENT = (0, 0, 0, 2)


def render_graph(summary: Summary) -> RenderableType:
    """Size, degrees, hubs, coverage, communities, domains and example edges of a graph."""
    tables = [
        value_table("graph", _figures(summary)),
        value_table("coverage", _coverage(summary.coverage)),
        value_table("edges in", _degrees(summary.in_degrees)),
        value_table("edges out", _degrees(summary.out_degrees)),
        value_table("most edges in", {name: f"{edges:,}" for name, edges in summary.hubs}),
        value_table("most edges out", {name: f"{edges:,}" for name, edges in summary.hubs_out}),
        share_table("functions by community", summary.communities, summary.functions),
        share_table("functions by domain", summary.domains, summary.functions),
    ]
    return Group(
        *(table for table in tables if table.row_count),
        *_edges("strongest edges", summary.strongest),
        *_edges("weakest edges", summary.weakest),
    )


def render_function(view: FunctionView) -> RenderableType:
    """What a function takes and gives, and all its edges with their feeds."""
    facts = {
        "domain": view.domain,
        "community": view.community,
        "catalog": view.source,
        "name there": view.original_name if view.original_name != view.name else "",
        "inputs": ", ".join(view.inputs),
        "outputs": ", ".join(view.outputs),
        "outputs are": view.outputs_origin,
    }
    return Group(
        Text(plain_text(view.description)),
        value_table(view.name, {name: value for name, value in facts.items() if value}),
        *_edges(f"feeds ({len(view.feeds)})", view.feeds),
        *_edges(f"fed by ({len(view.fed_by)})", view.fed_by),
    )


def _figures(summary: Summary) -> dict[str, str]:
    return {
        "functions": f"{summary.functions:,}",
        "edges": f"{summary.edges:,}",
        "edges below the threshold": f"{summary.below_threshold:,}",
        "mean out-degree": f"{summary.mean_out_degree:.1f}",
        "functions without an edge": f"{summary.isolated:,}",
        "connected components": f"{len(summary.components):,}",
        "functions in the largest": f"{max(summary.components, default=0):,}",
        "communities": f"{len(summary.communities):,}",
        "edges across domains": f"{summary.cross_domain_share:.1%}",
        "rule": summary.scorer,
        "embedder": summary.embedder,
        "threshold": f"{summary.threshold:g}",
    }


def _coverage(coverage: Coverage) -> dict[str, str]:
    return {
        "inputs": f"{coverage.inputs:,}",
        "inputs that some output feeds": f"{coverage.inputs_fed:.1%}",
        "functions with an edge in": f"{coverage.functions_fed:.1%}",
        "functions with an edge out": f"{coverage.functions_feeding:.1%}",
        "functions with declared outputs": f"{coverage.outputs_declared:.1%}",
        "functions with inferred outputs": f"{coverage.outputs_inferred:.1%}",
        "edges from declared outputs": f"{coverage.edges_from_declared:.1%}",
    }


def _degrees(degrees: Iterable[int]) -> dict[str, str]:
    """A row a quantile: what share of the functions has so many edges or fewer."""
    names = {0: "least", 50: "half of the functions, up to", 100: "most"}
    return {
        names.get(quantile, f"{quantile} % of the functions, up to"): f"{degree:,}"
        for quantile, degree in zip(QUANTILES, degrees, strict=True)
    }


def _edges(title: str, edges: Iterable[EdgeView]) -> Iterator[RenderableType]:
    lines = [line for edge in edges for line in _edge_lines(edge)]
    if lines:
        yield Text(f"\n{title}", style="bold")
        yield Padding(Group(*lines), _INDENT)


def _edge_lines(edge: EdgeView) -> Iterator[Text]:
    yield Text(f"{edge.score:.2f}  {edge.source} -> {edge.target}")
    for feed in edge.feeds:
        output = printable_line(feed.output) or "(whole result)"
        yield Text(f"      {output} -> {printable_line(feed.input)}", style="dim")
