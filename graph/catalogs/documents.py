"""JSON and JSON Lines files, plain or gzipped, as a stream of documents of bounded size."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import orjson

from simkit.graph.catalogs.entry import CatalogError, Document, Fault

MAX_LINE_BYTES = 16 * 2**20
MAX_FILE_BYTES = 512 * 2**20
"""Of a file that is one JSON value; JSON Lines are streamed and may be longer."""

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


def documents(
    path: Path, *, max_line: int = MAX_LINE_BYTES, max_file: int = MAX_FILE_BYTES
) -> Iterator[Document | Fault]:
    """The JSON values of a file, in order: one a line, or one an item of its outermost list.

    Sizes are bytes after decompression, so a small file cannot fill the memory. A broken
    line is a `Fault` and the rest goes on.

    Raises:
        CatalogError: The file cannot be opened or unpacked, is too large, or is one JSON
            value and broken.
    """
    with _opened(path) as stream:
        by_line = ".jsonl" in path.suffixes or _starts_with_a_whole_value(stream, max_line)
        stream.seek(0)
        if by_line:
            yield from _lines(stream, path, max_line)
        else:
            yield from _items(stream, path, max_file)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as plain:
            packed = plain.read(len(_GZIP)) == _GZIP
            plain.seek(0)
            if packed:
                with gzip.open(plain) as unpacked:
                    yield cast(IO[bytes], unpacked)
            else:
                yield plain
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CatalogError(
            f"{path} is cut off or damaged gzip data ({error}); get the file again."
        ) from error
    except OSError as error:
        raise CatalogError(
            f"{path} cannot be read ({error.strerror or error}); check the path and its rights."
        ) from error


def _starts_with_a_whole_value(stream: IO[bytes], max_line: int) -> bool:
    """Whether the first line is JSON by itself and more follows, as in JSON Lines."""
    first = stream.readline(max_line)
    while first and not first.strip():
        first = stream.readline(max_line)
    try:
        orjson.loads(first.removeprefix(_BOM))
    except orjson.JSONDecodeError:
        return False
    return any(line.strip() for line in iter(lambda: stream.readline(max_line), b""))


def _lines(stream: IO[bytes], path: Path, max_line: int) -> Iterator[Document | Fault]:
    lines = iter(lambda: stream.readline(max_line + 1), b"")
    for number, line in enumerate(lines, start=1):
        if len(line) > max_line:
            raise CatalogError(
                f"{path} has over {max_line:,} bytes in line {number}; put one function or "
                "one case on a line, or save it as one JSON list in a .json file."
            )
        if text := (line.removeprefix(_BOM) if number == 1 else line).strip():
            yield _parsed_line(text, f"line {number}")


def _parsed_line(text: bytes, position: str) -> Document | Fault:
    try:
        return Document(position=position, value=orjson.loads(text))
    except orjson.JSONDecodeError as error:
        return Fault(position=position, reason=_complaint(text, error, f"column {error.colno}"))


def _items(stream: IO[bytes], path: Path, max_file: int) -> Iterator[Document | Fault]:
    value = _whole_value(stream, path, max_file)
    if not isinstance(value, list):
        yield Document(position="", value=value)
        return
    for at, item in enumerate(value):
        yield Document(position=f"[{at}]", value=item)


def _whole_value(stream: IO[bytes], path: Path, max_file: int) -> Any:
    text = stream.read(max_file + 1)
    if len(text) > max_file:
        raise CatalogError(
            f"{path} is one JSON value of over {max_file:,} bytes; save it as JSON Lines, "
            "one function or one case a line."
        )
    try:
        return orjson.loads(text.removeprefix(_BOM))
    except orjson.JSONDecodeError as error:
        complaint = _complaint(text, error, f"line {error.lineno} column {error.colno}")
        raise CatalogError(
            f"{path} {complaint}; save it as JSON, or as JSON Lines named .jsonl, in UTF-8."
        ) from error


def _complaint(text: bytes, error: orjson.JSONDecodeError, place: str) -> str:
    if not text.strip():
        return "is empty"
    try:
        text.decode()
    except UnicodeDecodeError as wrong:
        return f"is not UTF-8 text (byte {wrong.start + 1})"
    return f"is not valid JSON ({error.msg}, {place})"
