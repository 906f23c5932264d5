"""Rows of CSV files as objects, one after another."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import IO

from simkit.graph.catalogs.entry import CatalogError, Document, Fault

_DELIMITERS = ",;\t"


def rows_of(stream: IO[bytes], name: str, *, max_line: int) -> Iterator[Document | Fault]:
    """Each row as an object of texts by the names in the first row; an empty cell is ``""``.

    A row may go over several lines in quotes; its position is the line where it ends. A row
    with another number of cells than the first is a `Fault`, and the rest goes on.

    Args:
        stream: Text in UTF-8, its cells parted by commas, semicolons or tabs.
        name: Of the file, for messages.
        max_line: Bytes of a line, and characters of a cell.

    Raises:
        CatalogError: A line or cell is longer or broken, or the first row has a name twice.
    """
    first = _line(stream, name, 1, max_line).removeprefix("\ufeff")
    csv.field_size_limit(max_line)  # for the whole process; nothing else here reads CSV
    reader = csv.reader(
        _lines(first, stream, name, max_line), delimiter=max(_DELIMITERS, key=first.count)
    )
    try:
        header = [cell.strip() for cell in next(reader, [])]
        _check(header, name)
        for row in reader:
            if row:
                yield _document(header, row, f"line {reader.line_num}")
    except csv.Error as error:
        raise CatalogError(
            f"{name} is not valid CSV (line {reader.line_num}: {error}); save it as JSON Lines."
        ) from error


def _check(header: list[str], name: str) -> None:
    if not any(header):
        raise CatalogError(f"{name} is empty; its first line must name the columns.")
    for cell in header:
        if header.count(cell) > 1:
            raise CatalogError(
                f"{name} names the column {cell[:80]!r} twice in its first line; rename one."
            )


def _document(header: list[str], row: list[str], position: str) -> Document | Fault:
    if len(row) != len(header):
        reason = f"has {len(row):,} cells where the first line names {len(header):,}"
        return Fault(position=position, reason=reason)
    return Document(position=position, value=dict(zip(header, row, strict=True)))


def _lines(first: str, stream: IO[bytes], name: str, max_line: int) -> Iterator[str]:
    yield first
    number = 2
    while line := _line(stream, name, number, max_line):
        yield line
        number += 1


def _line(stream: IO[bytes], name: str, number: int, max_line: int) -> str:
    line = stream.readline(max_line + 1)
    if len(line) > max_line:
        raise CatalogError(
            f"{name} has over {max_line:,} bytes in line {number}; save it as JSON Lines, "
            "one function or one case a line."
        )
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise CatalogError(
            f"{name} is not UTF-8 text (line {number}); save it in UTF-8."
        ) from error
