"""Server-sent events, in whatever pieces they arrive."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkit.clients.event_stream import EventStream, ServerEvent

TEXT = (
    b"\xef\xbb\xbfdata: one\n\n"
    b": a comment to keep the line alive\r\n\r\n"
    b"event: delta\r\ndata: two\r\ndata:lines\r\n\r\n"
    b"id: 7\nretry: 10\n\n"
    b"data: gr\xc3\xbc\xc3\x9fe \xf0\x9f\x8c\x8d\n\n"
    b"data\n\n"
    b"data: cr\r\r"
    b"data: [DONE]\n\n"
)
EVENTS = [
    ServerEvent("message", b"one"),
    ServerEvent("delta", b"two\nlines"),
    ServerEvent("message", "grüße 🌍".encode()),
    ServerEvent("message", b""),
    ServerEvent("message", b"cr"),
    ServerEvent("message", b"[DONE]"),
]


def read(*chunks: bytes, max_event_bytes: int = 1000) -> list[ServerEvent]:
    stream = EventStream(max_event_bytes=max_event_bytes)
    return [event for chunk in chunks for event in stream.feed(chunk)]


def test_many_events_in_one_chunk_are_all_read() -> None:
    assert read(TEXT) == EVENTS


def test_events_cut_after_every_byte_are_the_same() -> None:
    assert read(*(TEXT[at : at + 1] for at in range(len(TEXT)))) == EVENTS


@given(st.lists(st.integers(0, len(TEXT)), max_size=20))
def test_events_cut_anywhere_are_the_same(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(TEXT)]
    assert read(*(TEXT[a:b] for a, b in pairwise(places))) == EVENTS


def test_an_event_without_its_empty_line_does_not_count() -> None:
    assert read(b"data: one\n\ndata: tw") == [ServerEvent("message", b"one")]
    assert read(b"data: one\n") == []


@pytest.mark.parametrize("piece", [b"x" * 100, b"data: x\n", b": y\n"])
def test_an_event_that_never_ends_is_refused(piece: bytes) -> None:
    with pytest.raises(ValueError, match="more than 1000 bytes"):
        read(*[piece] * 1000)


def test_a_long_stream_of_short_events_is_read_whole() -> None:
    assert len(read(*[b"data: x\n\n"] * 1000, max_event_bytes=20)) == 1000
