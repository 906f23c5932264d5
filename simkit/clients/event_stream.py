"""Server-sent events (``text/event-stream``), put together from whatever pieces arrive."""

from __future__ import annotations

from typing import ClassVar, NamedTuple


class ServerEvent(NamedTuple):
    """One event of a stream."""

    name: str
    """``message`` where the server names none."""
    data: bytes
    """Its data lines, joined by line feeds; bytes, since a chunk may end inside a character."""


class EventStream:
    """Reads one stream, chunk by chunk; lines end with LF, CR LF or CR.

    Comments, ids and retry times are skipped. An event counts once the empty line after it
    has come, as the standard says (html.spec.whatwg.org, section 9.2).
    """

    CONTENT_TYPE: ClassVar = "text/event-stream"

    def __init__(self, *, max_event_bytes: int) -> None:
        self._max_event_bytes = max_event_bytes
        self._cut: list[bytes] = []  # the beginning of a line whose end has not come
        self._data: list[bytes] = []
        self._name = b""
        self._size = 0
        self._begun = False

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """The events that *chunk* completes, in order.

        Raises:
            ValueError: An event is longer than ``max_event_bytes``.
        """
        self._size += len(chunk)  # of the open event, counted anew after each one
        if self._size > self._max_event_bytes:
            raise ValueError(f"an event of more than {self._max_event_bytes} bytes")
        if b"\n" not in chunk and b"\r" not in chunk and not self._awaits_line_feed():
            self._cut.append(chunk)  # a line over many chunks is joined only once
            return []
        lines = b"".join((*self._cut, chunk)).splitlines(keepends=True)
        self._cut.clear()
        # A CR at the very end may be the first half of a CR LF.
        if lines and not lines[-1].endswith(b"\n"):
            self._cut.append(lines.pop())
        events = [event for line in lines if (event := self._line(line.rstrip(b"\r\n")))]
        if events:
            self._size = sum(map(len, self._cut)) + sum(map(len, self._data))
        return events

    def _awaits_line_feed(self) -> bool:
        return bool(self._cut) and self._cut[-1].endswith(b"\r")

    def _line(self, line: bytes) -> ServerEvent | None:
        if not self._begun:
            self._begun = True
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            return self._event()
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        elif field == b"event":
            self._name = value.removeprefix(b" ")
        return None

    def _event(self) -> ServerEvent | None:
        data, name = self._data, self._name
        self._data, self._name = [], b""
        if not data:
            return None
        return ServerEvent(name.decode(errors="replace") or "message", b"\n".join(data))
