"""JSON, JSON Lines, YAML and CSV files, plain or gzipped, as documents of bounded size."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import orjson

from simkit.graph.catalogs.csv_documents import rows_of
from simkit.graph.catalogs.entry import CatalogError, Document, Fault, inside
from simkit.graph.catalogs.list_items import item_spans

MAX_LINE_BYTES = 16 * 2**20
MAX_FILE_BYTES = 512 * 2**20
"""Of a file that is one JSON list; JSON Lines and CSV are streamed and may be longer."""
MAX_OBJECT_BYTES = 64 * 2**20
"""Of a file that is one JSON object, e.g. an OpenAPI document, which cannot be split."""
MAX_YAML_BYTES = 32 * 2**20
"""Of a YAML file: these are read at about 4 MB a second, JSON at a hundred times that."""

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_HEAD = 4_096
"""Bytes that are looked at to tell JSON from YAML."""
_YAML = re.compile(rb"---|%YAML|- |[\w\"'./$-][^\[{,]{0,200}:(\s|$)")
"""How the first line of a YAML file begins that is not empty and no comment."""
_TOO_DEEP = "is nested too deeply"
_YAML_SUFFIXES = {".yaml", ".yml"}


def documents(
    path: Path, *, max_line: int = MAX_LINE_BYTES, max_file: int = MAX_FILE_BYTES
) -> Iterator[Document | Fault]:
    """The values of a file, in order: one a line, one an item of its outermost list, or one
    for each YAML document or CSV row.

    What is in the file tells JSON and YAML; only CSV must be named so. Sizes are bytes
    after decompression, so a small file cannot fill the memory. A broken line, or a broken
    item of a list whose brackets are whole, is a `Fault` and the rest goes on.

    Raises:
        CatalogError: The file cannot be opened or unpacked, is too large, or is one JSON
            value and broken.
    """
    with _opened(path) as stream:
        begins = _first_line(stream)
        is_json = begins.startswith((b"{", b"[")) or ".jsonl" in path.suffixes
        if ".csv" in path.suffixes and not is_json:
            yield from rows_of(stream, str(path), max_line=max_line)
        elif not is_json and (_YAML_SUFFIXES & {*path.suffixes} or _YAML.match(begins)):
            yield from _yaml_values(stream, path, max_file)
        elif ".jsonl" in path.suffixes or _starts_with_a_whole_value(stream, max_line):
            yield from _lines(stream, path, max_line)
        else:
            yield from _json_values(stream, path, max_file, is_object=begins.startswith(b"{"))


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


def _is_by_line(stream: IO[bytes], path: Path, max_line: int) -> bool:
    by_line = ".jsonl" in path.suffixes or _starts_with_a_whole_value(stream, max_line)
    stream.seek(0)
    return by_line


def _first_line(stream: IO[bytes]) -> bytes:
    """The first that is not empty and no comment; the stream is where it was."""
    lines = stream.read(_HEAD).removeprefix(_BOM).splitlines()
    stream.seek(0)
    return next((line for line in map(bytes.strip, lines) if line and line[:1] != b"#"), b"")


def _starts_with_a_whole_value(stream: IO[bytes], max_line: int) -> bool:
    """Whether the first line is JSON by itself and more follows, as in JSON Lines."""
    try:
        return _has_a_whole_value_first(stream, max_line)
    finally:
        stream.seek(0)


def _has_a_whole_value_first(stream: IO[bytes], max_line: int) -> bool:
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
            yield _parsed(text, f"line {number}")


def _parsed(text: bytes, position: str) -> Document | Fault:
    try:
        return Document(position=position, value=orjson.loads(text))
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno} " if error.lineno > 1 else ""
        reason = _complaint(text, error, f"{place}column {error.colno}")
        return Fault(position=position, reason=reason)


def _items(value: Any, position: str) -> Iterator[Document]:
    if not isinstance(value, list):
        yield Document(position=position, value=value)
        return
    for at, item in enumerate(value):
        yield Document(position=inside(position, f"[{at}]"), value=item)


def _yaml_values(stream: IO[bytes], path: Path, max_file: int) -> Iterator[Document | Fault]:
    # Imported when first needed: few catalogs are YAML.
    from simkit.graph.catalogs.yaml_documents import YamlError, values_of

    limit = min(max_file, MAX_YAML_BYTES)
    text = stream.read(limit + 1)
    if len(text) > limit:
        raise CatalogError(
            f"{path} is YAML of over {limit:,} bytes, which is slow to read; convert it to JSON."
        )
    number = 0
    try:
        for number, value in enumerate(values_of(text), start=1):
            yield from _items(value, f"document {number}" if number > 1 else "")
    except YamlError as error:
        if not number:
            raise CatalogError(f"{path} {error}; mend it there.") from error
        yield Fault(position=f"document {number + 1}", reason=str(error))


def _json_values(
    stream: IO[bytes], path: Path, max_file: int, *, is_object: bool
) -> Iterator[Document | Fault]:
    limit = min(max_file, MAX_OBJECT_BYTES) if is_object else max_file
    text = stream.read(limit + 1)
    if len(text) > limit:
        mend = "; if it is an OpenAPI document, split the document" if is_object else ""
        raise CatalogError(
            f"{path} is one JSON value of over {limit:,} bytes; save it as JSON Lines, one "
            f"function or one case a line, or split it into several files{mend}."
        )
    text = text.removeprefix(_BOM)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        spans = item_spans(text) if _is_utf8(text) else None
        if spans is None:
            raise CatalogError(f"{path} {_whole_complaint(text, error)}") from error
    else:
        yield from _items(value, "")
        return
    # One item that cannot be read is not worth the others.
    for at, (start, end) in enumerate(spans):
        yield _parsed(text[start:end].strip(), f"[{at}]")


def _whole_complaint(text: bytes, error: orjson.JSONDecodeError) -> str:
    if _is_too_deep(error):
        return f"{_TOO_DEEP}; take out what nests so deeply."
    complaint = _complaint(text, error, f"line {error.lineno} column {error.colno}")
    return f"{complaint}; save it as JSON, or as JSON Lines named .jsonl, in UTF-8."


def _complaint(text: bytes, error: orjson.JSONDecodeError, place: str) -> str:
    if not text.strip():
        return "is empty"
    try:
        text.decode()
    except UnicodeDecodeError as wrong:
        return f"is not UTF-8 text (byte {wrong.start + 1})"
    return _TOO_DEEP if _is_too_deep(error) else f"is not valid JSON ({error.msg}, {place})"


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_too_deep(error: orjson.JSONDecodeError) -> bool:
    return "limit" in error.msg  # the only one that it has
