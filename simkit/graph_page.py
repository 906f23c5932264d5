"""The summary of a function graph as tables."""

from __future__ import annotations

from rich.console import Group, RenderableType

from simkit.graph.function_graph import Summary
from simkit.tables import share_table, value_table


def render_graph(summary: Summary) -> RenderableType:
    """Size, links, hubs and domains of a graph."""
    figures = {
        "functions": f"{summary.functions:,}",
        "edges": f"{summary.edges:,}",
        "mean out-degree": f"{summary.mean_out_degree:.1f}",
        "functions without an edge": f"{summary.isolated:,}",
        "connected components": f"{len(summary.components):,}",
        "functions in the largest": f"{max(summary.components, default=0):,}",
        "edges across domains": f"{summary.cross_domain_share:.1%}",
    }
    hubs = {name: f"{edges:,}" for name, edges in summary.hubs}
    tables = [
        value_table("graph", figures),
        value_table("most edges into", hubs),
        share_table("functions by domain", summary.domains, summary.functions),
    ]
    return Group(*(table for table in tables if table.row_count))
