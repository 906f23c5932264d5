"""Turns that say nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.rules.non_empty_turns import NonEmptyTurns

Build = Callable[..., Any]


@pytest.fixture
def masked(a_trajectory: Build) -> Callable[..., list[int | None]]:
    """The turns that the check objects to, for the given messages."""
    return lambda *messages: [
        o.turn for o in NonEmptyTurns().check(a_trajectory(messages=messages))
    ]


@pytest.mark.parametrize("nothing", ["...", '"', " ?! ", "---"])
def test_a_turn_of_punctuation_is_masked(
    masked: Build, user: Build, says: Build, nothing: str
) -> None:
    assert masked(user(), says(nothing)) == [1]


@pytest.mark.parametrize("something", ["👍", "5", "好", "ok."])
def test_a_sign_may_say_it_all(masked: Build, user: Build, says: Build, something: str) -> None:
    assert masked(user(), says(something)) == []


def test_empty_lists_say_that_there_is_nothing(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    assert masked(user(), calls(a={}), result("a", "[]"), says()) == []


def test_a_function_for_thinking_returns_nothing(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    thought = calls("think", a={"thought": "Which city?"})
    assert masked(user(), thought, result("a", ""), says()) == []
    assert masked(user(), calls("rethinker", a={}), result("a", ""), says()) == [3]
