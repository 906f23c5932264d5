"""``simkit filter calibrate``: what the filters find of mistakes that are known."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simkit.cli.errors import INTERRUPTED
from simkit.cli.filter import SOME_REJECTED, ForeignFormatName
from simkit.printable import printable_line

if TYPE_CHECKING:
    from simkit.filter_calibration.asked import Asked, Measured

RATES = (0.05, 0.2, 0.5)
"""Of the stand-in's mistakes, unless others are asked for."""
EXIT_CODES = (
    "Exit codes: 0 measured, 1 some rows cannot be read (stderr says which and why), 2 usage or "
    "input error, 130 interrupted."
)
_MOST_TOLD = 20


class HalfName(StrEnum):
    """What ``--half`` takes."""

    EVEN = "even"
    ODD = "odd"
    ALL = "all"


def calibrate(
    *,
    standin: Annotated[
        bool, typer.Option("--standin", help="Play with the stand-in, which labels its mistakes.")
    ] = False,
    mistakes: Annotated[
        list[float] | None,
        typer.Option(
            "--mistakes", metavar="SHARE", help="Of the stand-in; repeatable. [0.05, 0.2, 0.5]"
        ),
    ] = None,
    conversations: Annotated[
        int, typer.Option("--conversations", "-n", min=1, help="To play at each share.")
    ] = 200,
    corrupt: Annotated[
        Path | None,
        typer.Option(
            "--corrupt", metavar="FILE|RUN", help="Passing conversations, to get one mistake each."
        ),
    ] = None,
    rewarded: Annotated[
        Path | None,
        typer.Option("--in", metavar="FILE", help="Conversations with rewards, to be compared."),
    ] = None,
    known_defects: Annotated[
        bool, typer.Option("--known-defects", help="Show what catches those of ToolMind's release.")
    ] = False,
    form: Annotated[
        ForeignFormatName | None,
        typer.Option("--format", help="Of the files; unset: told by the first row."),
    ] = None,
    tools: Annotated[
        Path | None,
        typer.Option(
            "--tools", metavar="FILE", help="JSON list of tools, for rows that name none."
        ),
    ] = None,
    half: Annotated[
        HalfName, typer.Option("--half", help="Rows at these positions, from 0; hold one half out.")
    ] = HalfName.ALL,
    judge: Annotated[
        Path | None,
        typer.Option(
            "--judge", metavar="RUN.toml", help="Ask the judges of this configuration, too."
        ),
    ] = None,
    rules_only: Annotated[
        bool, typer.Option("--rules-only", help="Ask no model: what happens without --judge.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of the mistakes that are made.")] = 0,
    page: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.md", help="Write the tables there, as Markdown."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count what the filters find of known mistakes, and what they object to without cause.

    Name at least one source of labelled conversations; several are measured one after another.

    --standin: conversations with the built-in stand-in provider, here and free of charge. What
    it does not label as a mistake is sound.

    --corrupt FILE or RUN: each conversation that passes (in a file a reward of 1, or none; in a
    run kept without a masked turn) gets one mistake of each kind that it has a place for, one at
    a time. It is asked about as it was, too: there, every turn is sound.

    --in FILE: rows with "reward"; shows how many are kept among those with 1 and those with less.

    --known-defects: what catches the defects that were found in ToolMind's release.

    Found means that a check objects to the turn, or to the whole conversation. Precision depends
    on how many mistakes there are; recall and the share of false alarms do not.
    """
    from simkit.filter_calibration.asked import Asked

    if not (standin or corrupt or rewarded or known_defects):
        raise typer.BadParameter(
            "name what to measure on: --standin, --corrupt, --in or --known-defects",
            param_hint="'--standin'",
        )
    if mistakes and not standin:
        raise typer.BadParameter("goes with --standin only", param_hint="'--mistakes'")
    if judge is not None and rules_only:
        raise typer.BadParameter("asks no model; leave out --judge", param_hint="'--rules-only'")
    _check_files(corrupt=corrupt, rewarded=rewarded, tools=tools, page=page)
    asked = Asked(
        mistakes=tuple(dict.fromkeys(mistakes or RATES)) if standin else (),
        corrupt=corrupt,
        rewarded=rewarded,
        known_defects=known_defects,
        form=None if form is None else form.value,
        tools=tools,
        judge=judge,
        half=half.value,
        conversations=conversations,
        seed=seed,
    )
    _end(_measured(asked), page, as_json=as_json)


def _check_files(
    *, corrupt: Path | None, rewarded: Path | None, tools: Path | None, page: Path | None
) -> None:
    for option, file in (("'--in'", rewarded), ("'--tools'", tools)):
        if file is not None and not file.is_file():
            raise typer.BadParameter(f"there is no file {file}", param_hint=option)
    if corrupt is not None and not corrupt.exists():
        raise typer.BadParameter(f"there is no file or run {corrupt}", param_hint="'--corrupt'")
    if page is None:
        return
    if page.is_dir():
        raise typer.BadParameter(f"{page} is a folder; name a file", param_hint="'--out'")
    if not page.parent.is_dir():
        raise typer.BadParameter(
            f"there is no folder {page.parent}; make it, or choose another place",
            param_hint="'--out'",
        )
    read = [file.resolve() for file in (corrupt, rewarded, tools) if file is not None]
    if page.resolve() in read:
        raise typer.BadParameter(
            f"{page} is what is read; choose another place", param_hint="'--out'"
        )


def _measured(asked: Asked) -> Measured:
    import anyio

    from simkit.filter_calibration.asked import measure

    try:
        return anyio.run(measure, asked)
    except KeyboardInterrupt:
        print("simkit: interrupted; nothing was written", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


def _end(measured: Measured, page: Path | None, *, as_json: bool) -> None:
    from rich.console import Console

    for row in measured.rejected[:_MOST_TOLD]:
        print(f"simkit: {row.position} {printable_line(row.reason)}; left out", file=sys.stderr)
    if (more := len(measured.rejected) - _MOST_TOLD) > 0:
        print(f"simkit: {more:,} more rows left out", file=sys.stderr)
    if page is not None:
        from simkit.traces.whole_file import written_whole

        text = "\n".join(grid.as_markdown() for grid in measured.grids())
        with written_whole(page) as file:
            file.write(text.encode())
    if as_json:
        print(json.dumps(measured.as_json()))
    else:
        console = Console()
        for grid in measured.grids():
            console.print(grid.as_table(), "")
        if page is not None:
            print(f"{page}: written")
    if measured.rejected:
        raise typer.Exit(SOME_REJECTED)
