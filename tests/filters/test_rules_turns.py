"""Checks that mask single turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.filter import Check, Objection
from simkit.filters.rules import DuplicateCalls, FailedToolCalls, KnownFunction, NonEmptyTurns
from simkit.traces.records import Message, Trajectory

Build = Callable[..., Any]
OSLO = {"city": "Oslo"}
ROME = {"city": "Rome"}


@pytest.fixture
def masked(a_trajectory: Callable[..., Trajectory]) -> Callable[..., list[int | None]]:
    """Which turns a check objects to, for the given messages."""

    def ask(check: Check, *messages: Message) -> list[int | None]:
        found: list[Objection] = list(check.check(a_trajectory(messages=messages)))
        assert {objection.check for objection in found} <= {check.name}
        return [objection.turn for objection in found]

    return ask


def test_a_call_to_a_function_that_is_not_on_offer_is_masked(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    wrong = (user(), calls("get_weather", a=OSLO), result("a"), says())
    assert masked(KnownFunction(), *wrong) == [1]
    assert masked(KnownFunction(), user(), calls(a=OSLO), result("a"), says()) == []


def test_a_turn_that_says_nothing_is_masked(masked: Build, user: Build, says: Build) -> None:
    thought = Message(role="assistant", content=" \n", reasoning="I know, but I do not tell.")
    assert masked(NonEmptyTurns(), user(), thought, user(), says()) == [1]


def test_an_empty_user_message_spoils_the_whole(masked: Build, user: Build, says: Build) -> None:
    assert masked(NonEmptyTurns(), user(" "), says()) == [None]


def test_what_rests_on_an_empty_result_is_masked_and_the_call_is_not(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    opening = (user(), calls(a=OSLO, b=ROME), result("a", ""), result("b"))
    assert masked(NonEmptyTurns(), *opening, says(), user(), says()) == [4]
    assert masked(NonEmptyTurns(), *opening) == []


@pytest.mark.parametrize("kind", ["unknown_function", "invalid_arguments"])
def test_a_call_that_the_tool_sent_back_is_masked_and_its_repair_is_not(
    masked: Build,
    user: Build,
    calls: Build,
    result: Build,
    says: Build,
    tool_error: Build,
    kind: str,
) -> None:
    sent_back = (user(), calls(a={}), result("a", tool_error(kind)))
    assert masked(FailedToolCalls(), *sent_back, calls(b=OSLO), result("b"), says()) == [1]


@pytest.mark.parametrize(
    "content",
    [
        '{"error":{"type":"not_found","message":"No such city."}}',
        '{"error":"invalid_arguments"}',
        '{"error":null,"type":"invalid_arguments"}',
        '["invalid_arguments"]',
        "invalid_arguments",
    ],
)
def test_news_about_the_world_is_not_the_callers_fault(
    masked: Build, user: Build, calls: Build, result: Build, says: Build, content: str
) -> None:
    assert masked(FailedToolCalls(), user(), calls(a=OSLO), result("a", content), says()) == []


def test_the_same_call_twice_in_one_message_is_masked(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    """Key order and white space do not make a call another one; values do."""
    twice = calls(a='{"city":"Oslo","unit":1}', b='{ "unit": 1, "city": "Oslo" }')
    assert masked(DuplicateCalls(), user(), twice, result("a"), result("b"), says()) == [1]
    differ = calls(a=OSLO, b=ROME)
    assert masked(DuplicateCalls(), user(), differ, result("a"), result("b"), says()) == []


def test_each_repeat_of_an_answered_call_is_masked(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    repeated = [m for i in "abc" for m in (calls(**{i: OSLO}), result(i))]
    assert masked(DuplicateCalls(), user(), *repeated, says()) == [3, 5]


def test_a_call_that_failed_may_be_made_again(
    masked: Build, user: Build, calls: Build, result: Build, says: Build, tool_error: Build
) -> None:
    failed = (user(), calls(a=OSLO), result("a", tool_error("timeout")))
    again = (calls(b=OSLO), result("b"))
    assert masked(DuplicateCalls(), *failed, *again, says()) == []
    assert masked(DuplicateCalls(), *failed, *again, calls(c=OSLO), result("c"), says()) == [5]


def test_the_user_may_ask_for_the_same_again(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    first = (user(), calls(a=OSLO), result("a"), says())
    assert masked(DuplicateCalls(), *first, user(), calls(b=OSLO), result("b"), says()) == []


def test_looking_again_after_a_change_is_sound(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    look, change = calls("get_cart", a={}), calls("add_item", b={"item": "tea"})
    look_again = (calls("get_cart", c={}), result("c"))
    done = (user(), look, result("a"), change, result("b"), *look_again)
    assert masked(DuplicateCalls(), *done, says()) == []


def test_a_change_that_failed_is_no_cause_to_look_again(
    masked: Build, user: Build, calls: Build, result: Build, says: Build, tool_error: Build
) -> None:
    look, change = calls("get_cart", a={}), calls("add_item", b={"item": "tea"})
    look_again = (calls("get_cart", c={}), result("c"))
    failed = (user(), look, result("a"), change, result("b", tool_error("sold_out")))
    assert masked(DuplicateCalls(), *failed, *look_again, says()) == [5]


def test_going_round_in_circles_is_masked(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    """Look A, look B, look A once more may have a reason; from then on nothing is new."""
    circle = [
        message
        for i in range(6)
        for message in (calls(**{f"c{i}": (OSLO, ROME)[i % 2]}), result(f"c{i}"))
    ]
    assert masked(DuplicateCalls(), user(), *circle, says()) == [7, 9, 11]


def test_calls_made_together_are_no_cause_for_each_other(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    together = (user(), calls(a=OSLO, b=ROME), result("a"), result("b"))
    assert masked(DuplicateCalls(), *together, calls(c=OSLO), result("c"), says()) == [4]


def test_arguments_that_are_no_json_are_compared_as_text(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    twice = calls(a="{city}", b="{city}", c="{town}")
    results = (result("a"), result("b"), result("c"))
    assert masked(DuplicateCalls(), user(), twice, *results, says()) == [1]
