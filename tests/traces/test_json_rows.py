"""Cutting a file from elsewhere into rows."""

from __future__ import annotations

import io

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkit.traces.exact_json import exact_json
from simkit.traces.json_rows import MAX_ROW_BYTES, ArraySplitter, BrokenRow, RawRow, raw_rows


def rows_of(text: bytes, max_row: int = MAX_ROW_BYTES) -> list[RawRow | BrokenRow]:
    return list(raw_rows(io.BufferedReader(io.BytesIO(text)), max_row=max_row))


def texts(text: bytes, max_row: int = MAX_ROW_BYTES) -> list[tuple[str, bytes | str]]:
    return [
        (row.position, row.text if isinstance(row, RawRow) else row.reason)
        for row in rows_of(text, max_row)
    ]


def test_lines_are_counted_from_1_and_empty_ones_are_no_rows() -> None:
    rows = rows_of(b'\xef\xbb\xbf{"a":1}\r\n\n  \n{"a":2}')
    assert [(row.index, row.position) for row in rows] == [(0, "line 1"), (1, "line 4")]
    assert [row.text for row in rows if isinstance(row, RawRow)] == [b'{"a":1}', b'{"a":2}']


def test_items_of_an_array_are_counted_from_0() -> None:
    assert texts(b'\n [ {"a": "],\\""},\n {"b": [1, {"c": 2}]} ,3]\n') == [
        ("[0]", b'{"a": "],\\""}'),
        ("[1]", b'{"b": [1, {"c": 2}]}'),
        ("[2]", b"3"),
    ]
    assert texts(b"[ ]") == []


def test_an_item_that_is_no_json_spoils_only_itself() -> None:
    assert texts(b'[{"a":\x00},nonsense,,{"b":"\xff"},1]') == [
        ("[0]", b'{"a":\x00}'),
        ("[1]", b"nonsense"),
        ("[2]", b""),
        ("[3]", b'{"b":"\xff"}'),
        ("[4]", b"1"),
    ]


def test_an_array_that_breaks_off_or_goes_on_after_its_end_is_told() -> None:
    assert texts(b'[1,{"a":"b') == [
        ("[0]", b"1"),
        ("[1]", "is where the file breaks off, before the end of its list"),
    ]
    assert texts(b"[1] [2]") == [
        ("[0]", b"1"),
        ("[1]", "follows the end of the list; only one is read"),
    ]


def test_a_row_that_is_too_long_is_skipped() -> None:
    long = b'"' + b"x" * 1_000_000 + b'"'
    reason = "is longer than 20 bytes"
    exact = b'"' + b"x" * 18 + b'"'
    lines = b"\n".join([b"1", long, exact, b"2"])
    assert texts(lines, 20) == [
        ("line 1", b"1"),
        ("line 2", reason),
        ("line 3", exact),
        ("line 4", b"2"),
    ]
    array = b"[" + b",".join([b"1", long, exact, b"2"]) + b"]"
    assert texts(array, 20) == [("[0]", b"1"), ("[1]", reason), ("[2]", exact), ("[3]", b"2")]


VALUES = st.recursive(
    st.text(st.sampled_from('a"\\[]{},é\n')) | st.integers(-9, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(st.lists(VALUES, min_size=1), st.integers(1, 7))
def test_items_are_the_same_wherever_pieces_end(values: list[object], piece: int) -> None:
    splitter = ArraySplitter()
    text = orjson.dumps(values)
    found = [
        item
        for start in range(0, len(text), piece)
        for item in splitter.feed(text[start : start + piece])
    ]
    assert [orjson.loads(item or b"") for item in found] == values
    assert splitter.problem is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a": 1', "is not valid JSON"),
        (b'{"a": "\xff"}', r"is not UTF-8 text \(byte 8\)"),
        (b'{"a": "\x00"}', r"holds a NUL byte \(byte 8\)"),
        (b"[" * 101 + b"]" * 101, "is nested too deeply"),
        (b"[" * 100_000 + b"]" * 100_000, "is nested too deeply"),
        (b'{"a": 18446744073709551616}', "more than 64 bits .18446744073709551616"),
        (b'{"a": -9223372036854775809}', "more than 64 bits"),
        (b'{"a": 1' + b"0" * 100_000 + b"}", "64 bits|infinity"),
        (b'{"a": 1e400}', "infinity"),
        (b'{"a": NaN}', "is not valid JSON"),
    ],
)
def test_json_that_cannot_be_kept_as_it_is_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        exact_json(text)


def test_numbers_of_64_bits_and_long_digits_in_text_are_read() -> None:
    text = b'{"a": [18446744073709551615, -9223372036854775808, "1234567890123456789012", 1.5]}'
    assert exact_json(text) == {"a": [2**64 - 1, -(2**63), "1234567890123456789012", 1.5]}
