"""``simkit complete``: the client layer on its own, for any file of requests."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simkit.cli import flags
from simkit.cli.errors import INTERRUPTED
from simkit.cli.spent import spending_json, spending_line, to_raise

if TYPE_CHECKING:
    from rich.console import Console

    from simkit.complete.run import CompleteSummary

SOME_FAILED = 1
EXIT_CODES = (
    "Exit codes: 0 every request is answered, 1 some are not (their lines say why) or the run "
    "failed, 2 usage or input error, 130 interrupted."
)

ModelOfAll = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="Model of every request; unset: its own."),
]


@flags.overriding(
    {
        "provider.base_url": flags.BaseUrl,
        "model.name": ModelOfAll,
        "provider.api_key_env": flags.ApiKeyEnv,
        **flags.LIMITS,
    }
)
def complete(
    config_file: flags.ConfigFile = None,
    *,
    requests: Annotated[
        Path, typer.Option("--in", metavar="FILE", help="Requests, one a line; - reads stdin.")
    ],
    replies: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE", dir_okay=False, help="Replies, one a line; resumed from."
        ),
    ],
    given: flags.Given,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, max=100_000, help="Requests in flight at most.")
    ] = 1_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show only warnings and errors.")] = False,
) -> None:
    """Answer a file of chat requests.

    Each line of --in is the body of a chat-completions request, with a custom_id beside its
    fields if you like, or a line of OpenAI's batch files. It is passed on as it is, but for
    the model, when --model or RUN.toml names one, and "stream", which is turned off. Limits
    that are not set are learned.

    Each line of --out is {"line", "custom_id", "request", "response", "error"}: the number
    and the custom_id of the request's line, a digest of what was asked, the provider's whole
    reply or null, and null or {"cause", "message"}. They come as they are answered, in no
    order.

    Run it again to go on after an interruption, to try failed requests again, or to spend
    another budget: whatever is answered stays, and is not asked again.
    """
    from simkit.complete.run import CompleteRun, run_complete
    from simkit.config_file import load_config

    run = CompleteRun(
        requests=_file(requests),
        replies=_place(replies),
        config=load_config(config_file, given),
        concurrency=concurrency,
    )
    try:
        summary = run_complete(run, _console(quiet))
    except KeyboardInterrupt:
        print(
            f"simkit: interrupted before anything was asked; {replies} is as it was",
            file=sys.stderr,
        )
        raise typer.Exit(INTERRUPTED) from None
    _end(summary, replies, as_json=as_json, quiet=quiet)


def _file(requests: Path) -> Path | None:
    """Where the requests are; None is standard input."""
    if requests == Path("-"):
        return None
    if not requests.exists():
        raise typer.BadParameter(f"there is no file {requests}", param_hint="'--in'")
    if requests.is_dir():
        raise typer.BadParameter(f"{requests} is a folder, not a file", param_hint="'--in'")
    return requests


def _place(replies: Path) -> Path:
    """*replies*, in a folder that exists."""
    if not replies.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {replies.parent}", param_hint="'--out'")
    return replies


def _console(quiet: bool) -> Console | None:
    from rich.console import Console

    return None if quiet else Console(stderr=True)


def _end(summary: CompleteSummary, replies: Path, *, as_json: bool, quiet: bool) -> None:
    """Say how it went, and exit with the code for it."""
    tally = summary.tally
    if as_json:
        figures = tally.as_json(seconds=summary.seconds)
        print(json.dumps({**figures, "spending": spending_json(summary.spending)}))
    kept = f"{tally.answered + tally.answered_before:,} answered in {replies}"
    if summary.interrupted:
        print(f"simkit: interrupted; {kept}; run it again to go on", file=sys.stderr)
        raise typer.Exit(INTERRUPTED)
    if not (quiet or as_json):
        spent = spending_line(summary.spending, unpriced=())
        print(f"{kept}, {tally.answered:,} of them now, in {summary.seconds:.1f} s; {spent}")
    if tally.failed:
        if not quiet:
            print(f"simkit: {_not_answered(summary, replies)}", file=sys.stderr)
        raise typer.Exit(SOME_FAILED)


def _not_answered(summary: CompleteSummary, replies: Path) -> str:
    tally = summary.tally
    told = f"{tally.failed:,} not answered; their lines in {replies} say why. "
    if tally.damaged:
        told += f"Mend the {tally.damaged:,} that cannot be asked as they are, and run it again"
    else:
        told += "Run it again to try them again"
    if tally.unaffordable:
        told += (
            f". The budget did not reach for {tally.unaffordable:,} of them: the next run has as "
            f"much to spend anew, or {to_raise(summary.spending)}"
        )
    return told
