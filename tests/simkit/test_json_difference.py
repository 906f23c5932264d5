"""The first place in which two values differ, and what people are shown of it."""

from __future__ import annotations

from typing import Any

import pytest

from simkit.json_difference import SHOWN, first_difference


@pytest.mark.parametrize(
    ("recorded", "new", "place"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ("b", "2", "3")),
        ({"a": [{"b": "x"}]}, {"a": [{"b": "y"}]}, ("a[0].b", "x", "y")),
        ({"a": 1, "b": 2}, {"a": 1}, ("b", "2", "nothing")),
        ({"a": 1}, {"a": 1, "b": None}, ("b", "nothing", "null")),
        ([1, 2], [1], ("[1]", "2", "nothing")),
        ([], ["x"], ("[0]", "nothing", "x")),
        ({"a": 1}, {"a": True}, ("a", "1", "true")),
        ({"a": 1}, {"a": 1.0}, ("a", "1", "1.0")),
        ({"a": {}}, {"a": []}, ("a", "{}", "[]")),
        ({"a": "1"}, {"a": 1}, ("a", "1", "1")),
    ],
)
def test_the_first_place_that_differs_is_found(
    recorded: Any, new: Any, place: tuple[str, str, str]
) -> None:
    assert first_difference(recorded, new) == place


@pytest.mark.parametrize("value", [None, "x", {"a": [1, {"b": None}]}, []])
def test_equal_values_have_no_difference(value: Any) -> None:
    assert first_difference(value, value) is None


def test_of_long_texts_the_part_that_differs_is_shown_on_one_line() -> None:
    """Two prompts of a page that differ in one word near the end."""
    found = first_difference("line\n" * 200 + "old end", "line\n" * 200 + "new end")
    assert found is not None
    assert found.recorded == "…line line line line line line old end"
    assert found.new == "…line line line line line line new end"


def test_what_is_shown_has_a_bounded_length() -> None:
    found = first_difference("a" * 10_000, "b" * 10_000)
    assert found is not None
    assert max(len(found.recorded), len(found.new)) <= SHOWN + 1
