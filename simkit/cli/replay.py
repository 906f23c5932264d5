"""``simkit replay``: play a run again from its own replies."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from simkit.cli.errors import INTERRUPTED, RUN_FAILED

LINE_SECONDS = 5.0
"""Between two lines of progress."""


def replay(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    conversation: Annotated[
        int | None,
        typer.Argument(metavar="CONVERSATION", min=0, help="Play one, and show it turn by turn."),
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Play a run's conversations again, with no network, and compare.

    Each gets the replies that are recorded. With the same code and prompts it comes out the
    same, byte for byte, and so does its verdict; where not, the first divergence is named,
    and the exit code is 1. One that is damaged is named too, and the others are played. The
    run is only read.
    """
    try:
        same = (
            _replay_run(run, prompts, as_json=as_json)
            if conversation is None
            else _replay_one(run, conversation, prompts, as_json=as_json)
        )
    except KeyboardInterrupt:
        print("simkit: interrupted; nothing was changed", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    if not same:
        raise typer.Exit(RUN_FAILED)


def _replay_run(run: Path, prompts: Path | None, *, as_json: bool) -> bool:
    from functools import partial

    import anyio
    from rich.console import Console

    from simkit.replay import replay_run
    from simkit.replay_report import render_replay, replay_json

    play = partial(replay_run, run, prompts=prompts, on_progress=_Progress())
    report = anyio.run(play)
    if as_json:
        print(replay_json(report))
    else:
        Console().print(render_replay(report))
    return report.is_identical


def _replay_one(run: Path, number: int, prompts: Path | None, *, as_json: bool) -> bool:
    import anyio
    from rich.console import Console

    from simkit.replay import replay_conversation
    from simkit.replay_report import render_replayed, replayed_json

    replayed = anyio.run(replay_conversation, run, number, prompts)
    if replayed is None:
        raise typer.BadParameter(
            f"{run} holds no conversation {number} (yet)", param_hint="'CONVERSATION'"
        )
    if as_json:
        print(replayed_json(replayed))
    else:
        Console().print(render_replayed(replayed))
    return replayed.is_identical


class _Progress:
    """Prints a line on stderr every few seconds."""

    def __init__(self) -> None:
        self._started = self._printed = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._printed < LINE_SECONDS:
            return
        self._printed = now
        rate = done / (now - self._started)
        print(
            f"replayed {done:,} of {total:,} | {rate:,.0f}/s | "
            f"about {max(0, total - done) / rate:,.0f} s left",
            file=sys.stderr,
        )
