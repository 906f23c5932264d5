"""``simkit graph``: build, inspect and walk a function graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simkit.cli import flags
from simkit.cli.errors import INTERRUPTED

if TYPE_CHECKING:
    from simkit.config import RunConfig
    from simkit.graph.catalog import Catalog
    from simkit.graph.function_graph import FunctionGraph

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
    base_url: flags.BaseUrl = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="What embeds, for --embedder provider."),
    ] = None,
    api_key_env: flags.ApiKeyEnv = None,
    rpm: flags.Rpm = None,
    tpm: flags.Tpm = None,
) -> None:
    """Link functions whose outputs may feed the inputs of others, and write the graph."""
    import sys

    from simkit.config_check import secrets
    from simkit.config_file import load_config
    from simkit.log import configure_log
    from simkit.scenarios import read_catalog

    _spare_catalogs(catalogs, out)
    if embedder != flags.EmbedderName.PROVIDER and (base_url or model):
        raise typer.BadParameter(
            "a provider is asked only with --embedder provider", param_hint="'--embedder'"
        )
    given = {
        "catalog.paths": catalogs,
        "graph.embedder": embedder and embedder.value,
        "graph.min_cosine": min_cosine,
        "provider.base_url": base_url,
        "embedding.model": model,
        "provider.api_key_env": api_key_env,
        "provider.requests_per_minute": rpm,
        "provider.tokens_per_minute": tpm,
    }
    config = load_config(None, given)
    configure_log(secrets=secrets(config), warnings=sys.stderr)
    catalog = read_catalog(config.catalog)
    _print_catalog(catalog)
    try:
        built = _built(catalog, config)
    except KeyboardInterrupt:
        print("simkit: interrupted; what was embedded is kept for the next time", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
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


def _built(catalog: Catalog, config: RunConfig) -> FunctionGraph:
    import anyio

    from simkit.scenarios import build_graph

    if config.graph.embedder == "provider":
        return anyio.run(_built_with_provider, catalog, config)
    return build_graph(catalog, config)


async def _built_with_provider(catalog: Catalog, config: RunConfig) -> FunctionGraph:
    import anyio.to_thread

    from simkit.embedding_stack import open_embedder
    from simkit.prices import load_prices
    from simkit.scenarios import build_graph
    from simkit.spending import Ledger

    ledger = Ledger(tokens=None, money=None, currency=None)
    async with open_embedder(config, ledger, load_prices(None)) as hosted:
        return await anyio.to_thread.run_sync(
            build_graph, catalog, config, None, hosted, abandon_on_cancel=True
        )


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
