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
    verdicts: Annotated[
        str,
        typer.Option("--verdicts", metavar="NAME", help="Set of verdicts to go by; run: its own."),
    ] = "run",
) -> None:
    """Show what a run holds.

    Closes the books: each conversation, and with it its calls, tokens and money, is kept,
    dropped, undecided, failed, in flight (begun and not judged; `simkit generate RUN` goes on
    with it) or abandoned (the same, but the run is now configured for fewer conversations). Then
    reasons, pass rates, masked turns, and spending by stage and cause; --json has all of it. Or
    one conversation to read, with --json as it is stored. Works also while the run goes on.
    """
    from rich.console import Console

    from simkit.report import read_report, render_report, report_json

    if conversation is not None:
        _show_conversation(run, conversation, verdicts, as_json=as_json)
        return

    figures = read_report(run, verdicts=verdicts)
    if as_json:
        print(report_json(figures))
    else:
        Console().print(render_report(figures))


def _show_conversation(run: Path, number: int, verdicts: str, *, as_json: bool) -> None:
    from rich.console import Console

    from simkit.one_run import open_run
    from simkit.rendering import conversation_json, render_conversation
    from simkit.traces.run_reader import RunReader

    directory, _ = open_run(run)
    with RunReader(directory.database_path) as reader:
        reader.check_verdicts(verdicts)
        stored = reader.trajectory(number, verdicts=verdicts)
    if stored is None:
        raise typer.BadParameter(
            f"{run} holds no conversation {number} (yet)", param_hint="'--conversation'"
        )
    if as_json:
        print(conversation_json(stored.trajectory, stored.verdict))
    else:
        Console().print(render_conversation(stored.trajectory, stored.verdict))
