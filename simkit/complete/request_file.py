"""Reads a file of requests, or a pipe, a piece at a time: it is never in memory as a whole."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import orjson

from simkit.complete.request_line import DamagedLine, RequestLine, read_request_line

MAX_LINE_BYTES = 32 * 2**20
CHUNK_BYTES = 256 * 2**10
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Line = RequestLine | DamagedLine


class RequestReader:
    """Turns pieces of a file into its lines; what it remembers is each ``custom_id``, hashed.

    That is about 70 bytes a line that has one. Two ids that differ are taken for the same
    with a chance of 1 in 37 million for a file of a million lines.
    """

    def __init__(self, *, model: str | None) -> None:
        self._model = model
        self._rest = b""
        self._skipping = False
        self._ids: set[int] = set()
        self.lines = 0
        """Lines read so far, empty ones included."""

    def feed(self, chunk: bytes) -> list[Line]:
        """The lines that *chunk* completes."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        lines = [line for text in whole if (line := self._read(text)) is not None]
        if len(self._rest) > MAX_LINE_BYTES:
            self._rest, self._skipping = b"", True
        return lines

    def finish(self) -> list[Line]:
        """The last line, when no line end follows it."""
        if not self._rest and not self._skipping:
            return []
        return self.feed(b"\n")

    def _read(self, text: bytes) -> Line | None:
        self.lines += 1
        if self._skipping or len(text) > MAX_LINE_BYTES:
            self._skipping = False
            reason = f"longer than {MAX_LINE_BYTES} bytes"
            return DamagedLine(line=self.lines, custom_id=None, reason=reason)
        if self.lines == 1:
            text = text.removeprefix(_BYTE_ORDER_MARK)
        text = text.strip()
        if not text:
            return None
        return self._once(read_request_line(self.lines, text, model=self._model))

    def _once(self, line: Line) -> Line:
        if isinstance(line, DamagedLine) or line.custom_id is None:
            return line
        name = hashlib.blake2b(orjson.dumps(line.custom_id), digest_size=8).digest()
        digest = int.from_bytes(name, "big")
        if digest in self._ids:
            reason = "an earlier line has the same custom_id"
            return DamagedLine(line=line.line, custom_id=line.custom_id, reason=reason)
        self._ids.add(digest)
        return line


class RequestFile:
    """The lines of an open file or pipe, read once."""

    def __init__(self, descriptor: int, *, model: str | None) -> None:
        self._descriptor = descriptor
        self._reader = RequestReader(model=model)
        status = os.fstat(descriptor)
        # Only these make a reader wait, and only these can be waited for.
        self._is_awaited = (
            stat.S_ISFIFO(status.st_mode) or stat.S_ISSOCK(status.st_mode) or os.isatty(descriptor)
        )
        self._size = status.st_size if stat.S_ISREG(status.st_mode) else None
        self._bytes_read = 0

    @property
    def lines_left(self) -> float | None:
        """About how many lines are still to be read; None when nothing tells it."""
        if self._size is None or not self._reader.lines:
            return None
        left = max(self._size - self._bytes_read, 0)
        return left * self._reader.lines / self._bytes_read

    async def read(self) -> list[Line]:
        """The next lines, as soon as there are some; none at the end.

        Waits for a pipe without holding others up; a file is read at once, since that takes
        less time than a thread would need.
        """
        while True:
            if self._is_awaited:
                await anyio.wait_readable(self._descriptor)
            else:
                await anyio.lowlevel.checkpoint()
            chunk = os.read(self._descriptor, CHUNK_BYTES)
            self._bytes_read += len(chunk)
            lines = self._reader.feed(chunk) if chunk else self._reader.finish()
            if lines or not chunk:
                return lines


@contextmanager
def open_requests(path: Path | None, *, model: str | None) -> Iterator[RequestFile]:
    """The requests in *path*, or on standard input when it is None.

    Raises:
        OSError: It cannot be opened.
    """
    if path is None:
        yield RequestFile(0, model=model)
        return
    with path.open("rb", buffering=0) as file:
        yield RequestFile(file.fileno(), model=model)


def first_lines(path: Path, count: int, *, model: str | None) -> Iterator[Line]:
    """The lines of *path* that begin among its first *count*, and perhaps a few more."""
    reader = RequestReader(model=model)
    with path.open("rb", buffering=0) as file:
        while reader.lines < count and (chunk := file.read(CHUNK_BYTES)):
            yield from reader.feed(chunk)
    if reader.lines < count:
        yield from reader.finish()
