"""``simkit report``: what a run holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    conversation: Annotated[
        int | None,
        typer.Option("--conversation", metavar="NUMBER", min=0, help="Show one, turn by turn."),
    ] = None,
) -> None:
    """Show what a run holds.

    Outcomes and their reasons, masked turns, calls and tokens; or one conversation to read.
    Works also while the run goes on.
    """
    from rich.console import Console

    from simkit.report import read_report, render_report, report_json

    if conversation is not None:
        _show_conversation(run, conversation)
        return

    figures = read_report(run)
    if as_json:
        print(report_json(figures))
    else:
        Console().print(render_report(figures))


def _show_conversation(run: Path, number: int) -> None:
    from rich.console import Console

    from simkit.rendering import render_conversation
    from simkit.traces.run_directory import RunDirectory
    from simkit.traces.store import RunReader

    with RunReader(RunDirectory.open(run).database_path) as reader:
        stored = reader.trajectory(number)
    if stored is None:
        raise typer.BadParameter(
            f"{run} holds no conversation {number} (yet)", param_hint="'--conversation'"
        )
    Console().print(render_conversation(stored.trajectory, stored.verdict))
