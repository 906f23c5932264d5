"""``simkit graph build`` and ``add``: from catalogs to a graph, and more into one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simkit.cli import flags
from simkit.cli.errors import INTERRUPTED
from simkit.cli.graph_check import print_catalog

if TYPE_CHECKING:
    from collections.abc import Callable

    from simkit.config import RunConfig
    from simkit.graph.embed import Embedder
    from simkit.graph.function_graph import FunctionGraph
    from simkit.graph_building import OnProgress

Catalogs = Annotated[
    list[Path], typer.Argument(metavar="CATALOG...", help="Files or folders of functions.")
]
Out = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="GRAPH", dir_okay=False, help="File to write."),
]


@flags.overriding(flags.GRAPH)
def build(catalogs: Catalogs, out: Out, given: flags.Given) -> None:
    """Link functions whose outputs may feed the inputs of others, and write the graph.

    What declares no outputs gets some by rule, from its name and description, so that it can be
    linked; the graph says which are inferred. Vectors are cached: building again is fast.
    """
    from simkit.graph_building import build_graph, read_catalog

    _spare(catalogs, out)
    config = _config({**given, "catalog.paths": catalogs})
    catalog = read_catalog(config.catalog)
    print_catalog(catalog)
    built = with_embedder(
        config, lambda progress, hosted: build_graph(catalog, config, progress, hosted)
    )
    built.save(out)
    print(f"{out}: {len(built.functions):,} functions, {len(built.targets):,} edges")


@flags.overriding(flags.GRAPH)
def add(
    graph_file: Annotated[Path, typer.Argument(metavar="GRAPH", help="File of `graph build`.")],
    catalogs: Catalogs,
    out: Out,
    given: flags.Given,
) -> None:
    """Add the functions of more catalogs to a graph, at the cost of the new ones alone.

    The graph must have been built with the same rule, weights, embedder and limits. Functions
    that it has are left out, and clashing names get a number.
    """
    from simkit.graph.function_graph import FunctionGraph
    from simkit.graph_building import extend_graph, new_functions, read_catalog

    _spare(catalogs, out)
    config = _config({**given, "catalog.paths": catalogs})
    graph = FunctionGraph.load(graph_file)
    _check_limits(graph, given)
    catalog = read_catalog(config.catalog)
    print_catalog(catalog)
    new = new_functions(graph, catalog)
    known = len(catalog.functions) - len(new)
    print(f"{len(new):,} functions are new, {known:,} in the graph already")
    extended = with_embedder(
        config, lambda progress, hosted: extend_graph(graph, new, config, progress, hosted)
    )
    extended.save(out)
    print(f"{out}: {len(extended.functions):,} functions, {len(extended.targets):,} edges")


def with_embedder(
    config: RunConfig, work: Callable[[OnProgress, Embedder | None], FunctionGraph]
) -> FunctionGraph:
    """What *work* gives, with progress shown and the provider that embeds, if one does.

    Ctrl+C ends the process; what was embedded is kept for the next time.
    """
    import anyio

    from simkit.embedding_progress import embedding_progress

    try:
        with embedding_progress() as progress:
            if config.graph.embedder == "provider":
                return anyio.run(_with_provider, config, work, progress)
            return work(progress, None)
    except KeyboardInterrupt:
        print("simkit: interrupted; what was embedded is kept for the next time", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


async def _with_provider(
    config: RunConfig,
    work: Callable[[OnProgress, Embedder | None], FunctionGraph],
    progress: OnProgress,
) -> FunctionGraph:
    import anyio.to_thread

    from simkit.embedding_stack import open_embedder
    from simkit.prices import load_prices
    from simkit.spending import Ledger

    ledger = Ledger(tokens=None, money=None, currency=None)
    async with open_embedder(config, ledger, load_prices(None)) as hosted:
        return await anyio.to_thread.run_sync(work, progress, hosted, abandon_on_cancel=True)


def _config(given: dict[str, Any]) -> RunConfig:
    from simkit.config_check import secrets
    from simkit.config_file import load_config
    from simkit.log import configure_log

    embedder = given.get("graph.embedder")
    if embedder != "provider" and (given.get("provider.base_url") or given.get("embedding.model")):
        raise typer.BadParameter(
            "a provider is asked only with --embedder provider", param_hint="'--embedder'"
        )
    config = load_config(None, given)
    configure_log(secrets=secrets(config), warnings=sys.stderr)
    return config


def _check_limits(graph: FunctionGraph, given: flags.Given) -> None:
    """Refuse limits that are not those of *graph*, whose edges they have cut already."""
    for name in ("max_out_edges", "max_in_edges"):
        wanted, found = given.get(f"graph.{name}"), getattr(graph.stored, name)
        if wanted not in (None, found):
            raise typer.BadParameter(
                f"the graph was built with {found:,}, which holds for what is added; leave it "
                "out, or build the graph again",
                param_hint=f"'--{name.replace('_', '-')}'",
            )


def _spare(catalogs: list[Path], out: Path) -> None:
    if out.resolve() in {path.resolve() for path in catalogs}:
        raise typer.BadParameter(
            f"{out} is the catalog; choose another name for the graph", param_hint="'--out'"
        )
