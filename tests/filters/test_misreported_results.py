"""Answers that do not say what the results say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.rules.misreported_results import MisreportedResults
from simkit.traces.records import Message, Trajectory

Build = Callable[..., Any]
ORDER = (
    '{"order_id":"ORD-48213","total":1249.5,"items":[{"sku":"AB77K1","price":416.5}],'
    '"ship_date":"2026-05-24T14:30:00Z","contact":"ann.lee@example.org","year":1994}'
)


@pytest.fixture
def objections(
    a_trajectory: Callable[..., Trajectory], user: Build, calls: Build, result: Build, says: Build
) -> Callable[..., list[str]]:
    """What is held against an answer to one result."""

    def ask(answer: str, content: str = ORDER, asked: str = "Where is it?") -> list[str]:
        messages: tuple[Message, ...] = (
            user(asked),
            calls("get_order", a={}),
            result("a", content),
            says(answer),
        )
        found = list(MisreportedResults().check(a_trajectory(messages=messages)))
        assert all(objection.turn == 3 for objection in found)
        return [objection.message for objection in found]

    return ask


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("Order ORD-48218 is on its way.", "ORD-48218"),
        ("Your total is $1,349.50.", "1,349.50"),
        ("It ships on May 25, 2026.", "May 25, 2026"),
        ("It ships on 24 May 2027.", "24 May 2027"),
        ("It ships at 4:30 PM.", "4:30 PM"),
        ("Write to anna.lee@example.org.", "anna.lee@example.org"),
        ("It was released in 1993.", "1993"),
    ],
)
def test_a_value_that_nothing_gave_is_masked(objections: Build, answer: str, wrong: str) -> None:
    assert wrong in objections(answer)[0]


@pytest.mark.parametrize(
    "answer",
    [
        "Order ord-48213 (sku AB77K1) comes to $1,249.50, about 1,250.",
        "It ships on May 24th, 2026 at 2:30 PM, and ann.lee@example.org is told.",
        "That is 1250 in all, or 416.5 each, and 3 x 416.50 = 1249.50.",
        "It was released in 1994, and its sequel in 1999.",
        "13. The price is 416.5.\n14. Call +1 555-123-4567 within 24 hours.",
        "Half of it is 624.75, and 10% off would leave 1124.55.",
        "See https://example.org/orders/99871 or type `x`:\n```\norder = 55512\n```",
        "Numbers of orders have five digits, e.g. ORD-12345.",
    ],
)
def test_other_ways_of_writing_and_plain_arithmetic_pass(objections: Build, answer: str) -> None:
    assert objections(answer, asked="Is there 10% off?") == []


def test_what_the_user_or_a_call_said_may_be_said_again(
    a_trajectory: Callable[..., Trajectory], user: Build, calls: Build, result: Build, says: Build
) -> None:
    messages = (
        user("My old order was ORD-11111, for 777 euros."),
        calls("search_flights", a={"date": "2026-05-19"}),
        result("a", "[]"),
        says("Besides ORD-11111 (777 euros), there is nothing on May 19, 2026."),
        user("Thanks."),
        says("Order ORD-22222 is yours, too."),
    )
    found = MisreportedResults().check(a_trajectory(messages=messages))
    assert [objection.turn for objection in found] == [5]


def test_talk_without_results_is_not_judged(
    a_trajectory: Callable[..., Trajectory], user: Build, says: Build
) -> None:
    talk = (user("When was the wall built?"), says("From 1368 to 1644, over 21,196 km."))
    assert not list(MisreportedResults().check(a_trajectory(messages=talk)))


def test_success_told_of_an_error_is_masked(objections: Build, tool_error: Build) -> None:
    assert objections("Your order was successfully found.", tool_error("not_found"))
    assert objections("Here is your order.", "Error: no such order")
    assert not objections("I could not find it, sorry.", tool_error("not_found"))


def test_items_told_of_nothing_and_nothing_told_of_items_are_masked(objections: Build) -> None:
    assert objections("I found 3 orders for you.", '{"orders":[]}')
    assert objections("I couldn't find any results.", '{"orders":[{"n":1}]}')
    assert not objections("I found no orders.", '{"orders":[]}')
    assert not objections("I couldn't find any cheaper ones.", '{"orders":[{"n":1}]}')


def test_values_that_are_cut_off_are_let_pass(objections: Build) -> None:
    assert not objections("Get order gave contact: ann.l…; ship date: 2026-05-2…; id: ORD-4….")


def test_nonsense_is_read_in_time_that_does_not_explode(objections: Build) -> None:
    for nonsense in ("1-" * 5_000, "a1_" * 5_000, "9 " * 5_000, "may " * 5_000, "=" * 9_000):
        objections(nonsense, nonsense)


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u202f"])
def test_thousands_apart_by_a_space_are_one_number(objections: Build, space: str) -> None:
    result = '{"resultat":195840,"taux":163.2}'
    assert objections(f"Cela fait 195{space}840 yens.", result) == []
    assert len(objections(f"Cela fait 291{space}777 yens.", result)) == 1
