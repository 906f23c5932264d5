"""``simkit graph complete`` and ``validate``: models that help the graph."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simkit.cli import flags
from simkit.cli.errors import INTERRUPTED
from simkit.cli.graph_models_end import end_completion, end_validation

if TYPE_CHECKING:
    from rich.console import Console

    from simkit.config import RunConfig
    from simkit.graph.validation.questions import EdgeQuestion
    from simkit.graph_models.completing import CompletedCatalog
    from simkit.graph_models.validating import ScoredEdges
    from simkit.traces.functions import Function

EXIT_CODES = (
    "Exit codes: 0 everything was asked, 1 the provider or the budget did not answer for all (the "
    "same command goes on) or the run failed, 2 usage or input error, 130 interrupted."
)

_Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="RUN.toml", help="Configuration; flags go on top of it."),
]
_AtOnce = Annotated[
    int | None, typer.Option("--concurrency", help="Requests in flight at most; unset: 64.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
_Quiet = Annotated[bool, typer.Option("--quiet", help="Show only warnings and errors.")]


def _options(role: str) -> flags.Flags:
    model = typer.Option("--model", metavar="NAME", help=f"Model to ask; unset: the {role}'s.")
    return {
        f"roles.{role}.model": Annotated[str | None, model],
        "provider.base_url": flags.BaseUrl,
        "provider.api_key_env": flags.ApiKeyEnv,
        "run.concurrency": _AtOnce,
        **flags.LIMITS,
    }


@flags.overriding(_options("writer"))
def complete(
    catalogs: Annotated[
        list[Path], typer.Argument(metavar="CATALOG...", help="Files or folders of functions.")
    ],
    *,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="FILE.jsonl", dir_okay=False, help="File to write."),
    ],
    given: flags.Given,
    config_file: _Config = None,
    as_json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Have a model write what catalogs leave out: descriptions, types, outputs.

    What a catalog says stays as it is, names above all. Outputs that the model writes are
    marked as inferred. A reply that cannot be used is asked for again with the reason; if that
    does not help, the function is left as it was, and counted.

    FILE.jsonl holds all functions, and is a catalog itself: simkit graph build FILE.jsonl.
    Beside it, FILE.jsonl.replies.db keeps every reply: run the same again to go on after an
    interruption, or with more functions, and what is answered is not asked for again.
    """
    from simkit.config_file import load_config
    from simkit.graph_models.model import config_for

    _spare(out, catalogs)
    config = config_for(load_config(config_file, given), "writer")
    functions = _functions(catalogs, quiet=quiet or as_json)
    result = _completed(functions, config, out, _console(quiet))
    _write_functions(result.functions, out)
    end_completion(result, out, as_json=as_json, quiet=quiet)


@flags.overriding({**_options("judge"), "graph.affinity": flags.GRAPH["graph.affinity"]})
def validate(
    graph_file: Annotated[
        Path, typer.Argument(metavar="GRAPH", help="File of simkit graph build.")
    ],
    *,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="GRAPH2", dir_okay=False, help="File to write."),
    ],
    given: flags.Given,
    config_file: _Config = None,
    carries_over: Annotated[
        int,
        typer.Option(min=0, max=9, help="Lowest score for: the output is what the input asks."),
    ] = 6,
    plausible_path: Annotated[
        int, typer.Option(min=0, max=9, help="Lowest score for: a person would need both.")
    ] = 6,
    below_share: Annotated[
        float,
        typer.Option(min=0, max=0.5, help="Share of edges that may be below the threshold."),
    ] = 0.05,
    scores: Annotated[
        Path | None,
        typer.Option("--scores", metavar="FILE", help="Also write the scores, an edge a line."),
    ] = None,
    as_json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Have a model score every edge of a graph, and drop those that it does not accept.

    An edge gets two scores from 0 to 9, and stays when neither is too low. One without usable
    scores stays, and is counted. The strongest edges that the graph does not have, as they are
    below its threshold, are asked about too; the best that the model accepts join the graph, up
    to --below-share of its edges. Communities are found anew.

    Beside GRAPH2, GRAPH2.replies.db keeps every reply: run the same again to go on after an
    interruption, or with other limits, and what is answered is not asked for again.
    """
    from simkit.config_file import load_config
    from simkit.graph.function_graph import FunctionGraph
    from simkit.graph.validation.cut import Cut
    from simkit.graph_models.model import config_for
    from simkit.graph_models.validation import propose

    _spare(out, [graph_file])
    whole = load_config(config_file, given)
    config = config_for(whole, "judge")
    graph = FunctionGraph.load(graph_file)
    proposal = propose(graph, share=below_share, affinity=whole.graph.affinity)
    if proposal.problem and not quiet:
        print(
            f"simkit: no edge below the threshold is asked about: {proposal.problem}",
            file=sys.stderr,
        )
    questions = proposal.questions()
    scored = _scored(questions, config, out, _console(quiet))
    cut = Cut(carries_over=carries_over, plausible_path=plausible_path)
    validated = proposal.decided(scored.scores, cut)
    validated.graph.save(out)
    if scores is not None:
        _write_scores(questions, scored, scores)
    end_validation(scored, validated, out, as_json=as_json, quiet=quiet)


def _completed(
    functions: tuple[Function, ...], config: RunConfig, out: Path, console: Console | None
) -> CompletedCatalog:
    from functools import partial

    import anyio

    from simkit.graph_models.completing import complete_functions
    from simkit.graph_models.model import journal_of
    from simkit.graph_models.watched import watched

    async def work() -> CompletedCatalog:
        ask = partial(complete_functions, functions, config, journal_of(out), console=console)
        return await watched(lambda drain: ask(drain=drain), config, console)

    try:
        return anyio.run(work)
    except KeyboardInterrupt:
        raise _interrupted(out) from None


def _scored(
    questions: list[EdgeQuestion], config: RunConfig, out: Path, console: Console | None
) -> ScoredEdges:
    from functools import partial

    import anyio

    from simkit.graph_models.model import journal_of
    from simkit.graph_models.validating import validate
    from simkit.graph_models.watched import watched

    async def work() -> ScoredEdges:
        ask = partial(validate, questions, config, journal_of(out), console=console)
        return await watched(lambda drain: ask(drain=drain), config, console)

    try:
        return anyio.run(work)
    except KeyboardInterrupt:
        raise _interrupted(out) from None


def _interrupted(out: Path) -> typer.Exit:
    print(
        f"simkit: interrupted; {out} is not written, and what was replied is recorded: the same "
        "command goes on from there",
        file=sys.stderr,
    )
    return typer.Exit(INTERRUPTED)


def _spare(out: Path, inputs: list[Path]) -> None:
    if out.resolve() in {path.resolve() for path in inputs}:
        raise typer.BadParameter(f"{out} is read; choose another name", param_hint="'--out'")
    if not out.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {out.parent}", param_hint="'--out'")


def _functions(catalogs: list[Path], *, quiet: bool) -> tuple[Function, ...]:
    from simkit.cli.graph_check import print_catalog
    from simkit.graph.catalog import read_catalogs

    catalog = read_catalogs(catalogs)
    if not quiet:
        print_catalog(catalog)
    return catalog.functions


def _console(quiet: bool) -> Console | None:
    from rich.console import Console

    return None if quiet else Console(stderr=True)


def _write_functions(functions: tuple[Function, ...], out: Path) -> None:
    from simkit.graph.catalogs.completed import line_of
    from simkit.traces.whole_file import written_whole

    with written_whole(out) as file:
        file.writelines(map(line_of, functions))


def _write_scores(questions: list[EdgeQuestion], scored: ScoredEdges, path: Path) -> None:
    import orjson

    from simkit.traces.whole_file import written_whole

    with written_whole(path) as file:
        for question, scores in zip(questions, scored.scores, strict=True):
            row = {
                "source": question.source.name,
                "target": question.target.name,
                "below_threshold": question.is_candidate,
                "scores": scores,
            }
            file.write(orjson.dumps(row) + b"\n")
