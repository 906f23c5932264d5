"""Files that a command is told to write: they must not destroy what something else needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path

import typer

_DATABASE = b"SQLite format 3\x00"
_EXPORTS = "exports"
"""The only folder of a run's in which other files may stand."""


def check_output_files(files: Mapping[str, Path | None], *, read: Iterable[Path] = ()) -> None:
    """Refuse, before any work, files that cannot be written or must not be.

    One that is there is written over, as a page or a configuration that was written before. Only
    not a database, none of the files that are *read*, and nothing in the folder of a run, but for
    its exports.

    Args:
        files: What is to be written, by its option; None is not given.

    Raises:
        typer.BadParameter: One line that tells the option and what to do.
    """
    given = {option: path for option, path in files.items() if path is not None}
    known = list(read)
    for option, path in given.items():
        if (problem := _problem(path, known)) is not None:
            raise typer.BadParameter(problem, param_hint=f"'{option}'")
    for (first, path), (second, other) in combinations(given.items(), 2):
        if _are_same(path, other):
            raise typer.BadParameter(
                f"{other} is the file of {first}; choose another name", param_hint=f"'{second}'"
            )


def _problem(path: Path, read: Iterable[Path]) -> str | None:
    if path.is_dir():
        return f"{path} is a folder; name a file"
    if not path.absolute().parent.is_dir():
        return f"there is no folder {path.parent}; make it, or choose another place"
    if any(_are_same(path, one) for one in read):
        return f"{path} is what is read; choose another name"
    if (run := _run_of(path)) is not None:
        return f"{path} is in the folder of the run {run}; choose a place outside of it"
    if _is_database(path):
        return f"{path} is a database; choose another name"
    return None


def _are_same(path: Path, other: Path) -> bool:
    """Whether they are one file, also by a link, or would be."""
    try:
        return path.samefile(other)
    except OSError:
        return path.resolve() == other.resolve()


def _run_of(path: Path) -> Path | None:
    """The folder of the run whose own files *path* would be among."""
    place = path.resolve()
    for folder in place.parents:
        if (folder / "run.db").is_file() and place.relative_to(folder).parts[0] != _EXPORTS:
            return folder
    return None


def _is_database(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_DATABASE)) == _DATABASE
