"""A tool that answers the same question differently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from simkit.filters.rules.contradictory_repeats import ContradictoryRepeats
from simkit.traces.records import Message, Trajectory

Build = Callable[..., Any]
ANN = {"customer_id": "C1", "name": "Ann Lee", "orders": 3}
BOB = {"customer_id": "C1", "name": "Bob Ray", "orders": 3}


def as_json(value: object) -> str:
    return orjson.dumps(value).decode()


@pytest.fixture
def twice(a_trajectory: Callable[..., Trajectory], user: Build, calls: Build, says: Build) -> Build:
    """Which turns are objected to when one call is answered with *first*, then with *second*."""

    def ask(
        first: object,
        second: object,
        *between: Message,
        function: str = "get_order",
        arguments: dict[str, str] | None = None,
    ) -> list[int | None]:
        asked = {"city": "Oslo"} if arguments is None else arguments
        messages = (
            user(),
            calls(function, a=asked),
            Message(role="tool", content=as_json(first), tool_call_id="a"),
            *between,
            calls(function, b=asked),
            Message(role="tool", content=as_json(second), tool_call_id="b"),
            says(),
            user(),
            says(),
        )
        found = ContradictoryRepeats().check(a_trajectory(messages=messages))
        return [objection.turn for objection in found]

    return ask


def test_the_answer_that_rests_on_a_contradiction_is_masked_and_the_call_is_not(
    twice: Build,
) -> None:
    assert twice({"departure_date": "2026-05-01"}, {"departure_date": "2026-06-01"}) == [5]


def test_one_id_with_two_names_spoils_the_whole(twice: Build) -> None:
    assert twice(ANN, BOB) == [None]
    assert twice({"name": "Ann"}, {"name": "Bob"}, arguments={"user_id": "C1"}) == [None]
    assert twice({"found": [ANN]}, {"found": [BOB]}) == [None]


def test_things_without_ids_inside_a_record_are_compared_in_any_order(twice: Build) -> None:
    party = [{"last_name": "Lee", "price": 7}, {"last_name": "Ray", "price": 9}]
    other = [{"last_name": "Lee"}, {"last_name": "Poe"}]
    assert twice({"passengers": party}, {"passengers": other}) == [5]
    assert twice({"passengers": party}, {"passengers": party[::-1]}) == []


def test_a_change_in_between_explains_another_answer(
    twice: Build, calls: Build, result: Build
) -> None:
    renamed = (calls("rename_customer", c={"name": "Bob Ray"}), result("c", "{}"))
    looked = (calls("get_weather", c={}), result("c", "{}"))
    assert twice(ANN, BOB, *renamed) == []
    assert twice(ANN, BOB, *looked) == [None]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"celsius": 21.5, "price": 10}, {"celsius": 22.0, "price": 11}),
        ({"searched_at": "2026-05-01", "status": "open"}, {"searched_at": "2026-05-02"}),
        ({"request_id": "r1", "confirmation_code": "X1"}, {"request_id": "r2"}),
        ({"name": "Ann"}, {"name": "ann  lee", "email": "a@b.org"}),
        ({"error": {"type": "not_found"}}, ANN),
        ([{"name": "Ann"}], [{"name": "Bob"}]),
        ("Ann", "Bob"),
    ],
)
def test_what_varies_by_itself_is_let_pass(twice: Build, first: object, second: object) -> None:
    assert twice(first, second) == []


def test_functions_that_choose_by_chance_are_let_pass(twice: Build) -> None:
    assert twice({"author": "Ann"}, {"author": "Bob"}, function="get_random_quote") == []


def test_arguments_that_cannot_be_read_are_passed_over(
    a_trajectory: Callable[..., Trajectory], user: Build, calls: Build, result: Build
) -> None:
    broken = (user(), calls("get_order", a="{"), result("a", "["), calls("get_order", b="\ud800"))
    assert not list(ContradictoryRepeats().check(a_trajectory(messages=broken)))
