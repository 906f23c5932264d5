"""``simkit report``: what a run holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a run holds.

    Outcomes and their reasons, masked turns, calls and tokens. Works also while the run
    goes on.
    """
    from rich.console import Console

    from simkit.report import read_report, render_report, report_json

    figures = read_report(run)
    if as_json:
        print(report_json(figures))
    else:
        Console().print(render_report(figures))
