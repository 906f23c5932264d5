"""The functions of one or many catalogs, in the normal form that everything else speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from simkit.graph.catalog_files import catalog_files, sources_of, stem
from simkit.graph.catalog_reading import OnProgress, Reading
from simkit.graph.catalog_records import (
    MAX_REJECTIONS,
    Catalog,
    FileReport,
    Merge,
    Rejection,
)
from simkit.graph.catalogs.entry import CatalogError

__all__ = [
    "MAX_REJECTIONS",
    "Catalog",
    "CatalogError",
    "FileReport",
    "Merge",
    "Rejection",
    "demo_catalog",
    "read_catalogs",
]

_DEMO = Path(__file__).parent / "samples" / "demo"


def read_catalogs(
    paths: Sequence[Path],
    *,
    demo: bool = False,
    near: bool = True,
    pass_over: bool = False,
    on_progress: OnProgress | None = None,
) -> Catalog:
    """Read every function in *paths*, each a file or a folder of files.

    Files are JSON, JSON Lines, YAML or CSV, plain or gzipped; what is in them decides the
    format. Of a folder, the files named so are read in the order of their names; one that
    gives no function is reported in `Catalog.files` and the rest goes on.

    Args:
        demo: The functions that come with simkit follow.
        near: Merge near duplicates as well as exact ones. Names do not depend on it.
        pass_over: Treat files that are named themselves like those in a folder.
        on_progress: Hears which file is read, and how many functions all have given so far.

    Raises:
        CatalogError: A path cannot be read; unless *pass_over*, a named file or a whole
            folder gives not one function.
    """
    if not paths and not demo:
        raise CatalogError("no catalog is given; name a catalog file, or a folder of them.")
    reading = Reading(near=near, on_progress=on_progress)
    files = [catalog_files(path) for path in paths]
    sources = sources_of([file for part in files for file in part])
    for path, part in zip(paths, files, strict=True):
        problem = _read_all(reading, path, part, sources)
        if problem is not None and not pass_over:
            raise CatalogError(problem)
    for path in sorted(_DEMO.glob("*.json")) if demo else ():
        reading.read(path, source="demo", licence="Apache-2.0", domain=stem(path))
    return reading.catalog()


def _read_all(
    reading: Reading, path: Path, files: Sequence[Path], sources: Mapping[Path, str]
) -> str | None:
    """Read a file or a folder of *files*; returns what is wrong when it cannot be used."""
    before = reading.usable
    problems = [
        f"{file} {problem}"
        for file in files
        if (problem := reading.read(file, source=sources[file])) is not None
    ]
    if not problems or (path.is_dir() and reading.usable > before):
        return None
    if not path.is_dir():
        return problems[0]
    return (
        f"{path} holds no function in any of its files ({len(files):,}); the first, {problems[0]}"
    )


def demo_catalog() -> Catalog:
    """The functions that come with simkit, from a dozen everyday domains."""
    return read_catalogs((), demo=True)
