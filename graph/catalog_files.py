"""The files that make up a catalog."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from simkit.graph.catalogs.entry import CatalogError

KINDS = (".json", ".jsonl", ".yaml", ".yml", ".csv")
"""What the names of the files in a folder that are read end in; ``.gz`` may follow."""


def catalog_files(path: Path) -> list[Path]:
    """*path*, or of a folder the files in it that may be catalogs.

    These are the files (not those of folders below) whose names end as `KINDS` says, in the
    order of their names.

    Raises:
        CatalogError: *path* does not exist, or is a folder without such a file.
    """
    if not path.exists():
        raise CatalogError(f"{path} does not exist; name a catalog file or a folder of them.")
    if not path.is_dir():
        return [path]
    inside = sorted(file for file in path.glob("*") if _may_be_catalog(file))
    if not inside:
        raise CatalogError(
            f"{path} holds no catalog: none of its files ends in {', '.join(KINDS)}, plain or "
            "with .gz."
        )
    return inside


def stem(path: Path) -> str:
    """The name of *path* without what says how it is written: ``a.b`` for ``a.b.jsonl.gz``."""
    name = path.name.removesuffix(".gz")
    return next((name.removesuffix(kind) for kind in KINDS if name.endswith(kind)), name)


def sources_of(files: Iterable[Path]) -> dict[Path, str]:
    """What the functions of each file are said to come from: its `stem`.

    Where files of one stem lie in several folders, as much of each folder's path goes before
    it as tells these apart: ``weather/tools`` and ``mail/tools``.
    """
    folders: dict[str, list[Path]] = defaultdict(list)
    for file in (files := list(files)):
        folders[stem(file)].append(file.resolve().parent)
    return {
        file: "/".join((*_told_apart(file.resolve().parent, folders[stem(file)]), stem(file)))
        for file in files
    }


def _told_apart(folder: Path, folders: Iterable[Path]) -> tuple[str, ...]:
    """The fewest last parts of the path of *folder* that no other of *folders* ends in."""
    others = [other.parts for other in {*folders} - {folder}]
    parts = folder.parts
    for length in range(len(parts)):
        tail = parts[len(parts) - length :]
        if all(other[len(other) - length :] != tail for other in others):
            return tail
    return parts[1:]  # the root itself is no name


def _may_be_catalog(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith(KINDS) and path.is_file()
