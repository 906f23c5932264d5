"""``simkit graph``: build, inspect and walk a function graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simkit.cli import graph_models
from simkit.cli.graph_build import add, build
from simkit.cli.graph_calibrate import calibrate
from simkit.cli.graph_candidates import candidates
from simkit.cli.graph_check import EXIT_CODES, check
from simkit.cli.graph_walk import walk

if TYPE_CHECKING:
    from simkit.graph.function_graph import FunctionGraph
    from simkit.graph.graph_summary import FunctionView

graph = typer.Typer(help="Build, inspect and walk a function graph.", rich_markup_mode=None)
graph.command(epilog=EXIT_CODES)(check)
graph.command()(build)
graph.command()(add)
graph.command()(candidates)
graph.command()(walk)
graph.command()(calibrate)
graph.command(epilog=graph_models.EXIT_CODES)(graph_models.complete)
graph.command(epilog=graph_models.EXIT_CODES)(graph_models.validate)

GraphFile = Annotated[Path, typer.Argument(metavar="GRAPH", help="File of `graph build`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@graph.command()
def show(
    graph_file: GraphFile,
    as_json: AsJson = False,
    function: Annotated[
        str | None,
        typer.Option("--function", metavar="NAME", help="Show one function and its edges."),
    ] = None,
    graphml: Annotated[
        Path | None,
        typer.Option(
            "--graphml", metavar="FILE", dir_okay=False, help="Also write GraphML, e.g. for Gephi."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            dir_okay=False,
            help="Also write a page to explore in a browser.",
        ),
    ] = None,
) -> None:
    """Show size, degrees, hubs, coverage, communities and example edges of a graph."""
    from dataclasses import asdict

    import orjson
    from rich.console import Console

    from simkit.graph.function_graph import FunctionGraph, Summary
    from simkit.graph_page import render_function, render_graph

    _spare_graph(graph_file, "--graphml", graphml)
    _spare_graph(graph_file, "--html", html)
    if graphml is not None and html is not None and graphml.resolve() == html.resolve():
        raise typer.BadParameter(
            f"{html} is the file of --graphml; choose another name", param_hint="'--html'"
        )
    loaded = FunctionGraph.load(graph_file)
    shown = loaded.summary() if function is None else _function_of(loaded, function)
    if as_json:
        print(orjson.dumps(asdict(shown), option=orjson.OPT_INDENT_2).decode())
    elif isinstance(shown, Summary):
        Console().print(render_graph(shown))
    else:
        Console().print(render_function(shown))
    _write_pictures(loaded, graph_file.name, graphml, html)


def _function_of(graph: FunctionGraph, name: str) -> FunctionView:
    from difflib import get_close_matches

    from simkit.graph.graph_summary import view_function

    view = view_function(graph, name)
    if view is None:
        near = get_close_matches(name, [one.name for one in graph.functions], n=3)
        raise typer.BadParameter(
            f"the graph has no function {name!r}"
            + (f"; close to it are {', '.join(near)}" if near else ""),
            param_hint="'--function'",
        )
    return view


def _write_pictures(
    graph: FunctionGraph, title: str, graphml: Path | None, html: Path | None
) -> None:
    import sys

    if graphml is not None:
        from simkit.graph.graphml import write_graphml

        write_graphml(graph, graphml)
        print(f"{graphml}: written", file=sys.stderr)
    if html is not None:
        from simkit.graph_html import write_page

        write_page(graph, title, html)
        print(f"{html}: written; open it in a browser", file=sys.stderr)


def _spare_graph(graph_file: Path, option: str, out: Path | None) -> None:
    if out is not None and out.resolve() == graph_file.resolve():
        raise typer.BadParameter(
            f"{out} is the graph; choose another name", param_hint=f"'{option}'"
        )
