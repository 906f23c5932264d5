"""``simkit export``: training data from a run."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """What ``--format`` takes."""

    TOOLMIND = "toolmind"
    OPENAI = "openai"
    SHAREGPT = "sharegpt"


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    to: Annotated[
        Format,
        typer.Option(
            "--format",
            help="toolmind: a row for each trained turn; openai, sharegpt: for each conversation.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File to write, or a folder for it; RUN/exports unless given."),
    ] = None,
    verdicts: Annotated[
        str,
        typer.Option(
            "--verdicts",
            metavar="NAME",
            help="Set of verdicts to go by; `simkit filter` adds some.",
        ),
    ] = "run",
) -> None:
    """Write a run's training data.

    JSON Lines, in the order of the scenarios, with a manifest beside them that says where
    they come from. Only kept conversations; masked turns are there as context. One that cannot
    be read stops it, so that none is missing unnoticed; `simkit recover` makes a run without it.
    """
    from simkit.one_run import open_run
    from simkit.traces.exports import export as write_export
    from simkit.traces.exports import export_name
    from simkit.traces.run_reader import RunReader

    directory, _ = open_run(run)
    with RunReader(directory.database_path) as reader:
        reader.check_verdicts(verdicts)
        target = out or directory.exports_folder / export_name(to.value, verdicts)
        _make_folder_of(target)
        report = write_export(reader, to.value, target, verdicts=verdicts)
    print(f"{report.path}: {report.rows:,} rows from {report.trajectories:,} conversations")


def _make_folder_of(target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(
            f"the folder of {target} cannot be made: {error.strerror}; choose another place",
            param_hint="'--out'",
        ) from error
