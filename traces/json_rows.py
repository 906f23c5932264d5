"""The rows of a file from elsewhere: the lines of JSON Lines, or the items of one JSON array.

One row is in memory at a time, and a row that is too long is skipped. An array is split by its
quotes and brackets alone, so an item that is no JSON spoils only itself.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from itertools import count

MAX_ROW_BYTES = 32 * 2**20
"""Of one row; decoded it takes up to some twenty times as much memory."""

DAMAGED_GZIP = (gzip.BadGzipFile, EOFError, zlib.error)
"""What reading damaged gzip data raises."""

_CHUNK_BYTES = 256 * 2**10
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OUTSIDE_STRING = re.compile(rb'[\[\]{}",]')
_INSIDE_STRING = re.compile(rb'"|\\[\s\S]')


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """One row as it stands in the file."""

    index: int
    """From 0; empty lines do not count."""
    position: str
    """``"line 12"``, or ``"[3]"`` for an item of an array."""
    text: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRow:
    """A row that cannot even be cut out of the file."""

    index: int
    position: str
    reason: str


def raw_rows(file: BufferedReader, *, max_row: int = MAX_ROW_BYTES) -> Iterator[RawRow | BrokenRow]:
    """The rows of *file*, in order; its first byte that is not white space tells the form.

    One that is longer than *max_row* bytes is broken. So is the one in which gzip data breaks
    off or is damaged; it is the last.

    Raises:
        OSError: The file cannot be read.
        EOFError, zlib.error: It is gzip data that is damaged before the first byte.
    """
    head = file.peek(len(_BYTE_ORDER_MARK)).removeprefix(_BYTE_ORDER_MARK).lstrip()
    return (_items if head.startswith(b"[") else _lines)(file, max_row)


def _too_long(index: int, position: str, max_row: int) -> BrokenRow:
    return BrokenRow(index=index, position=position, reason=f"is longer than {max_row:,} bytes")


def _damaged(index: int, position: str, error: Exception) -> BrokenRow:
    reason = f"is where gzip data is cut off or damaged ({error}); get the file again"
    return BrokenRow(index=index, position=position, reason=reason)


def _lines(file: BufferedReader, max_row: int) -> Iterator[RawRow | BrokenRow]:
    index, position = 0, ""
    try:
        for number in count(1):
            position = f"line {number}"
            text = file.readline(max_row + 1)
            if not text:
                return
            if number == 1:
                text = text.removeprefix(_BYTE_ORDER_MARK)
            if len(text.rstrip(b"\r\n")) > max_row:
                while text and not text.endswith(b"\n"):
                    text = file.readline(_CHUNK_BYTES)
                yield _too_long(index, position, max_row)
            elif row := text.strip():
                yield RawRow(index=index, position=position, text=row)
            else:
                continue
            index += 1
    except DAMAGED_GZIP as error:
        yield _damaged(index, position, error)


def _items(file: BufferedReader, max_row: int) -> Iterator[RawRow | BrokenRow]:
    splitter, index = ArraySplitter(max_row), 0
    try:
        while chunk := file.read1(_CHUNK_BYTES):  # what is before damage comes before its error
            for text in splitter.feed(chunk):
                position = f"[{index}]"
                if text is None:
                    yield _too_long(index, position, max_row)
                else:
                    yield RawRow(index=index, position=position, text=text)
                index += 1
    except DAMAGED_GZIP as error:
        yield _damaged(index, f"[{index}]", error)
        return
    if splitter.problem is not None:
        yield BrokenRow(index=index, position=f"[{index}]", reason=splitter.problem)


class ArraySplitter:
    """Cuts the text of an array into its items, fed a piece at a time."""

    def __init__(self, max_row: int = MAX_ROW_BYTES) -> None:
        self._max_row = max_row
        self._levels = 0
        self._in_string = False
        self._item = bytearray()
        self._skipping = False
        self._escape = b""
        self._is_first = True
        self._is_whole = False
        self._has_more = False

    @property
    def problem(self) -> str | None:
        """What is wrong when the file ends here."""
        if not self._is_whole:
            return "is where the file breaks off, before the end of its list"
        return "follows the end of the list; only one is read" if self._has_more else None

    def feed(self, chunk: bytes) -> Iterator[bytes | None]:
        """The items that *chunk* completes; None for one that is too long."""
        chunk, self._escape = self._escape + chunk, b""
        start = at = 0
        while not self._is_whole:
            mark = (_INSIDE_STRING if self._in_string else _OUTSIDE_STRING).search(chunk, at)
            if mark is None:
                # Nothing after `at` but, perhaps, the first half of an escape.
                if self._in_string and chunk.endswith(b"\\", at):
                    chunk, self._escape = chunk[:-1], b"\\"
                self._keep(chunk[start:])
                return
            at = mark.end()
            if self._levels == 0:
                start = at  # the bracket that opens the list
            if self._ends_item(mark[0]):
                self._keep(chunk[start : mark.start()])
                yield from self._take()
                start = at
        self._has_more |= bool(chunk[at:].strip())

    def _ends_item(self, mark: bytes) -> bool:
        if mark == b'"':
            self._in_string = not self._in_string
        elif mark in (b"[", b"{"):
            self._levels += 1
        elif mark in (b"]", b"}"):
            self._levels -= 1
            self._is_whole = self._levels == 0
            return self._is_whole
        return mark == b"," and self._levels == 1

    def _keep(self, text: bytes) -> None:
        if not self._skipping:
            self._item += text
        if len(self._item) > self._max_row:
            self._item.clear()
            self._skipping = True

    def _take(self) -> Iterator[bytes | None]:
        text, is_empty_list = bytes(self._item).strip(), self._is_first and self._is_whole
        if self._skipping:
            yield None
        elif text or not is_empty_list:
            yield text
        self._item.clear()
        self._skipping = self._is_first = False
