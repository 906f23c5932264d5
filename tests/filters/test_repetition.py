"""Saying the same over and over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.rules.repetition import Repetition

Build = Callable[..., Any]


@pytest.fixture
def masked(a_trajectory: Build) -> Callable[..., list[int | None]]:
    """The turns that the check objects to, for the given messages."""
    return lambda *messages: [o.turn for o in Repetition().check(a_trajectory(messages=messages))]


ANSWER = "The temperature in Oslo is 21.5 degrees at this moment."


def test_a_sentence_said_three_times_is_masked(masked: Build, user: Build, says: Build) -> None:
    said = f"{ANSWER} It rains. {ANSWER} It pours. {ANSWER}"
    assert masked(user(), says(said)) == [1]
    assert masked(user(), says(f"{ANSWER} It rains. {ANSWER}")) == []


@pytest.mark.parametrize(
    "loop",
    [
        "we can go on and on " * 12,
        "a" * 500,
        "......",
        "很好很好" * 30,
        "Please wait a bit. " * 3,
    ],
)
def test_a_loop_is_masked(masked: Build, user: Build, says: Build, loop: str) -> None:
    assert masked(user(), says(loop)) == [1]


def test_a_table_of_like_things_is_no_loop(masked: Build, user: Build, says: Build) -> None:
    flights = [
        f"{n}. **Flight HAT{n}7{n}**\n   - Departure: {n}:00 EST\n   - Seats: 9 in economy\n"
        f"   - Price: ${n}4{n}"
        for n in range(1, 7)
    ]
    assert masked(user(), says("\n".join(flights))) == []


def test_the_same_answer_to_another_question_is_masked(
    masked: Build, user: Build, says: Build
) -> None:
    assert masked(user(), says(ANSWER), user("Will it rain?"), says(ANSWER)) == [3]


def test_the_same_answer_may_be_given_to_the_same_question_after_results_and_in_goodbye(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    assert masked(user(), says(ANSWER), user(), says(ANSWER)) == []
    looked = (calls(b={}), result("b"))
    assert masked(user(), says(ANSWER), user("And now?"), *looked, says(ANSWER)) == []
    goodbye = says("You're welcome! Have a great day, and enjoy the weather in Oslo.")
    assert masked(user(), goodbye, user("Thanks again!"), goodbye) == []
