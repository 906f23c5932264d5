"""``simkit export``: training data from a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """What ``--format`` takes."""

    TOOLMIND = "toolmind"
    OPENAI = "openai"
    SHAREGPT = "sharegpt"
    HERMES = "hermes"
    PREFERENCE = "preference"
    PARQUET = "parquet"


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    to: Annotated[
        Format,
        typer.Option(
            "--format",
            help="toolmind: a row for each trained turn; preference: for each mended mistake; the "
            "others: for each conversation.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="File to write, or a folder for it; of parquet, the folder of the data set. "
            "RUN/exports unless given.",
        ),
    ] = None,
    test_share: Annotated[
        float | None,
        typer.Option(
            "--test-share",
            metavar="SHARE",
            help="Keep this share of the chains for tests, in a file of its own, e.g. 0.05.",
        ),
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

    JSON Lines or Parquet, in the order of the scenarios, with a manifest that says where they
    come from. Only kept conversations; masked turns are there as context, and sharegpt, which
    cannot mask, ends a conversation before its first one. A conversation that cannot be read
    stops it, so that none is missing unnoticed; `simkit recover` makes a run without it.
    """
    from simkit.one_run import open_run
    from simkit.traces.exports import export as write_export
    from simkit.traces.exports import export_name
    from simkit.traces.run_reader import RunReader

    _check_share(test_share)
    directory, _ = open_run(run)
    with RunReader(directory.database_path) as reader, _refusals_told():
        reader.check_verdicts(verdicts)
        target = out or directory.exports_folder / export_name(to.value, verdicts)
        _make_folder_of(target)
        report = write_export(reader, to.value, target, verdicts=verdicts, test_share=test_share)
    for file in report.files:
        print(f"{file.path}: {file.rows:,} rows from {file.trajectories:,} conversations")
    if report.left_out:
        print(f"left out: {report.left_out:,} turns that passed, but come after a masked one")


def _check_share(test_share: float | None) -> None:
    if test_share is not None and not 0 < test_share < 1:
        raise typer.BadParameter(
            f"{test_share:g} is no share; expected more than 0 and less than 1",
            param_hint="'--test-share'",
        )


@contextmanager
def _refusals_told() -> Iterator[None]:
    from simkit.traces.exports_parquet import ParquetUnavailable
    from simkit.traces.exports_place import FolderInUse

    try:
        yield
    except ParquetUnavailable as error:
        raise typer.BadParameter(str(error), param_hint="'--format'") from error
    except FolderInUse as error:
        raise typer.BadParameter(str(error), param_hint="'--out'") from error


def _make_folder_of(target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(
            f"the folder of {target} cannot be made: {error.strerror}; choose another place",
            param_hint="'--out'",
        ) from error
