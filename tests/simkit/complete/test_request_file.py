"""Files of requests: read in pieces, whatever the pieces."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkit.complete import request_file
from simkit.complete.request_file import (
    MAX_LINE_BYTES,
    Line,
    RequestReader,
    first_lines,
    open_requests,
)
from simkit.complete.request_line import DamagedLine, RequestLine


def body(text: str, **fields: object) -> bytes:
    return json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": text}], **fields}
    ).encode()


SMALL_FILE = b"\xef\xbb\xbf" + b"\n".join(
    [body("a"), b"", body("b", custom_id="x"), b"junk", body("c", custom_id="x") + b"\r", body("d")]
)


def shown(lines: list[Line]) -> list[tuple[int, str]]:
    return [
        (line.line, line.reason if isinstance(line, DamagedLine) else "asked") for line in lines
    ]


@given(st.lists(st.integers(1, 60), min_size=1))
def test_the_size_of_the_pieces_changes_nothing(sizes: list[int]) -> None:
    reader, whole = RequestReader(model=None), RequestReader(model=None)
    lines, at = [], 0
    for size in sizes * (len(SMALL_FILE) // sum(sizes) + 1):
        lines += reader.feed(SMALL_FILE[at : at + size])
        at += size
    lines += reader.finish()
    expected = whole.feed(SMALL_FILE) + whole.finish()

    assert lines == expected
    assert [line for line, _ in shown(lines)] == [1, 3, 4, 5, 6]
    assert shown(lines)[3] == (5, "an earlier line has the same custom_id")


def test_a_line_without_end_is_not_kept() -> None:
    reader = RequestReader(model=None)
    piece = b"x" * (MAX_LINE_BYTES // 2)
    for _ in range(5):
        assert reader.feed(piece) == []
        assert len(reader._rest) <= MAX_LINE_BYTES
    lines = reader.feed(b"\n" + body("b") + b"\n")

    assert shown(lines) == [(1, f"longer than {MAX_LINE_BYTES} bytes"), (2, "asked")]


async def test_a_file_is_read_to_its_end_and_tells_what_is_left(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    count = 3 * request_file.CHUNK_BYTES // len(body("00000") + b"\n")
    path.write_bytes(b"".join(body(f"{number:05}") + b"\n" for number in range(count)))
    read: list[Line] = []
    with open_requests(path, model=None) as requests:
        read += await requests.read()
        left = requests.lines_left
        while lines := await requests.read():
            read += lines
        assert requests.lines_left == 0

    assert [line.line for line in read] == list(range(1, count + 1))
    assert left == pytest.approx(count * 2 / 3, rel=0.02)


async def test_a_pipe_hands_over_what_has_come() -> None:
    """
    A program at its other end may wait for a reply before it asks for another.
    """
    read_end, write_end = os.pipe()
    with (
        os.fdopen(read_end),
        os.fdopen(write_end, "wb", buffering=0) as writer,
        open_requests(Path(f"/dev/fd/{read_end}"), model=None) as requests,
    ):
        writer.write(body("a") + b"\n" + body("b")[:10])
        first = await requests.read()
        writer.write(body("b")[10:])
        writer.close()
        second = await requests.read()
        end = await requests.read()

    assert (shown(first), shown(second), end) == ([(1, "asked")], [(2, "asked")], [])


def test_the_first_lines_are_those_and_perhaps_a_few_more(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(body("a") + b"\n" + body("b"))

    assert list(first_lines(path, 0, model=None)) == []
    assert len(list(first_lines(path, 1, model=None))) == 1
    assert all(isinstance(line, RequestLine) for line in first_lines(path, 2, model=None))
    assert len(list(first_lines(path, 9, model=None))) == 2
