"""``simkit graph``: build, inspect and walk a function graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simkit.cli import flags

if TYPE_CHECKING:
    from simkit.graph.catalog import Catalog

_MOST_REJECTIONS = 5

graph = typer.Typer(help="Build, inspect and walk a function graph.", rich_markup_mode=None)

GraphFile = Annotated[Path, typer.Argument(metavar="GRAPH", help="File of `graph build`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@graph.command()
def build(
    catalogs: Annotated[
        list[Path], typer.Argument(metavar="CATALOG...", help="Files or folders of functions.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="GRAPH", help="File to write.")],
    embedder: flags.Embedder = None,
    min_cosine: Annotated[
        float | None,
        typer.Option("--min-cosine", help="Cosine that an edge exceeds; the embedder's own."),
    ] = None,
) -> None:
    """Link functions whose outputs may feed the inputs of others, and write the graph."""
    import sys

    from simkit.config_file import load_config
    from simkit.log import configure_log
    from simkit.scenarios import build_graph, read_catalog

    configure_log(secrets=(), warnings=sys.stderr)
    _spare_catalogs(catalogs, out)
    given = {
        "catalog.paths": catalogs,
        "graph.embedder": embedder and embedder.value,
        "graph.min_cosine": min_cosine,
    }
    config = load_config(None, given)
    catalog = read_catalog(config.catalog)
    _print_catalog(catalog)
    built = build_graph(catalog, config.graph)
    built.save(out)
    summary = built.summary()
    print(f"{out}: {summary.functions:,} functions, {summary.edges:,} edges")


@graph.command()
def show(graph_file: GraphFile, as_json: AsJson = False) -> None:
    """Show size, links, hubs and domains of a graph."""
    from dataclasses import asdict

    import orjson
    from rich.console import Console

    from simkit.graph.function_graph import FunctionGraph
    from simkit.graph_page import render_graph

    summary = FunctionGraph.load(graph_file).summary()
    if as_json:
        print(orjson.dumps(asdict(summary), option=orjson.OPT_INDENT_2).decode())
    else:
        Console().print(render_graph(summary))


@graph.command()
def walk(
    graph_file: GraphFile,
    count: Annotated[int, typer.Option("--count", min=1, help="How many chains.")] = 10,
    seed: flags.Seed = None,
    min_length: flags.MinLength = None,
    max_length: flags.MaxLength = None,
) -> None:
    """Print the chains of functions that a run with this seed would start with."""
    from itertools import islice

    from simkit.config_file import load_config
    from simkit.graph.function_graph import FunctionGraph
    from simkit.graph.walk import Walker

    given = {"run.seed": seed, "walk.min_length": min_length, "walk.max_length": max_length}
    config = load_config(None, given)
    walker = Walker(
        FunctionGraph.load(graph_file),
        seed=config.run.seed,
        min_length=config.walk.min_length,
        max_length=config.walk.max_length,
    )
    for scenario in islice(walker.scenarios(), count):
        print(f"{scenario.number}: {' -> '.join(scenario.chain)}")


def _spare_catalogs(catalogs: list[Path], out: Path) -> None:
    if out.resolve() in {path.resolve() for path in catalogs}:
        raise typer.BadParameter(
            f"{out} is the catalog; choose another name for the graph", param_hint="'--out'"
        )


def _print_catalog(catalog: Catalog) -> None:
    from simkit.printable import printable_line

    print(
        f"{len(catalog.functions):,} functions read, {catalog.merged:,} duplicates merged, "
        f"{len(catalog.rejected):,} rejected"
    )
    for what, times in catalog.repaired.items():
        print(f"  repaired {times:,} times: {printable_line(what)}")
    for rejection in catalog.rejected[:_MOST_REJECTIONS]:
        name = rejection.name or "a function"
        where = f"{rejection.source}, {rejection.position}"
        print(f"  rejected {printable_line(f'{name} ({where}): {rejection.reason}')}")
    if (more := len(catalog.rejected) - _MOST_REJECTIONS) > 0:
        print(f"  and {more:,} more")
