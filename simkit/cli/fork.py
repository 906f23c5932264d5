"""``simkit fork``: continue a stored conversation otherwise."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simkit.cli import flags
from simkit.cli.run_end import ended_early, print_end

if TYPE_CHECKING:
    from simkit.config import RunConfig
    from simkit.fork import Fork
    from simkit.run import RunSummary


class RoleName(StrEnum):
    """What ``--role`` takes."""

    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    JUDGE = "judge"


@flags.overriding(
    {
        "run.concurrency": flags.Concurrency,
        "budget.tokens": flags.BudgetTokens,
        "budget.money": flags.BudgetMoney,
        "budget.prices": flags.PricesFile,
        "filters.judge": flags.Judge,
    }
)
def fork(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run; only read.")],
    conversation: Annotated[
        int, typer.Argument(metavar="CONVERSATION", min=0, help="Its number in the run.")
    ],
    *,
    at: Annotated[
        int,
        typer.Option(
            "--at",
            metavar="TURN",
            help="Index of the first message to be made anew, as `simkit replay` shows it.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="Folder of the new run; goes on if it is there."),
    ],
    count: Annotated[
        int | None,
        typer.Option(
            "-n", "--conversations", min=1, help="Continuations, each with a seed; 1 if unset."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Model of --role.")
    ] = None,
    role: Annotated[
        list[RoleName] | None,
        typer.Option(
            "--role", help="Whom --model and --base-url are about; repeatable; unset: everyone."
        ),
    ] = None,
    base_url: flags.BaseUrl = None,
    api_key_env: Annotated[
        str | None,
        typer.Option("--api-key-env", metavar="NAME", help="Variable with the key for --base-url."),
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(
            "--prompts",
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="Use the prompts in here; simkit's own where it has none of that name.",
        ),
    ] = None,
    user_says: Annotated[
        str | None,
        typer.Option("--user-says", metavar="TEXT", help="The user's message TURN, word by word."),
    ] = None,
    given: flags.Given,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show only warnings and errors.")] = False,
) -> None:
    """Continue a conversation from one of its messages, as a new run.

    The messages before TURN stay as they are, and so do the user's intent and the functions;
    from there on it is played anew: with another model, prompt or user message, or only with
    another seed. TURN may be the number of all messages, which adds to the conversation.

    The new run names its parent, in run.toml and in each conversation. Filters judge it as
    usual; the parent's assistant turns are context there and not trained on again, and they
    count towards the limits of a conversation.

    Again with the same --out, it goes on where it stopped; what is not said again is as it was.
    """
    from simkit.config_check import check_run
    from simkit.config_problems import Origin
    from simkit.fork import noted_fork, open_fork
    from simkit.fork_config import fork_config
    from simkit.prompts import own_prompts
    from simkit.traces.run_directory import RunDirectory

    source = RunDirectory.open(run)
    noted = noted_fork(out)
    if noted is not None and (noted.conversation, noted.turn) == (conversation, at):
        source = RunDirectory.open(out)
        user_says = noted.user_says if user_says is None else user_says
        prompts = prompts or own_prompts(out)
    elif count is None:
        count = 1
    chosen = open_fork(run, conversation, at, user_says=user_says, prompts=prompts)
    config = fork_config(
        source.config_path,
        count,
        given,
        roles=[named.value for named in role or ()],
        model=model,
        base_url=base_url,
        api_key_env=api_key_env,
    )
    said = frozenset(key for key, value in given.items() if value is not None)
    check_run(config, Origin(str(source.config_path), said))
    go_on = chosen.note.command(run, out)
    with ended_early(out, go_on):
        summary = _play(chosen, config, out, quiet=quiet)
        print_end(summary, config, go_on=go_on, as_json=as_json, quiet=quiet)


def _play(chosen: Fork, config: RunConfig, folder: Path, *, quiet: bool) -> RunSummary:
    import anyio
    from rich.console import Console

    from simkit.watched_run import watched_run

    console: Console | None = None if quiet else Console(stderr=True)
    return anyio.run(watched_run, config, folder, console, chosen.play)
