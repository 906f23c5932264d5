"""Where the values of calls come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.rules.argument_provenance import ArgumentProvenance
from simkit.traces.functions import Function
from simkit.traces.records import Message, Scenario, Trajectory

Faults = Callable[..., list[str]]

PROPERTIES = {
    "order_id": {"type": "string", "description": "Id of the order."},
    "amount": {"type": "number"},
    "date": {"type": "string"},
    "email": {"type": "string"},
    "first_name": {"type": "string"},
    "airport_code": {"type": "string", "description": "Three letters, such as 'JFK'."},
    "note": {"type": "string"},
    "plan": {"type": "string", "default": "PLAN-9001"},
    "limit": {"type": "integer"},
    "passengers": {"type": "array", "items": {"type": "object"}},
}


@pytest.fixture
def faults(
    a_trajectory: Callable[..., Trajectory],
    a_scenario: Callable[..., Scenario],
    a_function: Callable[..., Function],
    user: Callable[[str], Message],
    calls: Callable[..., Message],
    result: Callable[..., Message],
) -> Faults:
    """What is held against a call with these arguments after the user (and a tool) spoke."""

    def ask(said: str, returned: str = "", **arguments: Any) -> list[str]:
        function = a_function("act", parameters={"type": "object", "properties": PROPERTIES})
        before = (calls("act", first={}), result("first", returned)) if returned else ()
        messages = (user(said), *before, calls("act", second=arguments))
        trajectory = a_trajectory(scenario=a_scenario(0, function), messages=messages)
        found = list(ArgumentProvenance().check(trajectory))
        assert {(o.check, o.turn) for o in found} <= {("argument_provenance", len(messages) - 1)}
        return [objection.message for objection in found]

    return ask


@pytest.mark.parametrize(
    ("arguments", "unknown"),
    [
        ({"order_id": "INV-123456"}, "INV-123456"),
        ({"note": "Please handle the order INV-123456 with great care."}, "INV-123456"),
        ({"order_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}, "7c9e6679"),
        ({"email": "paula.berg@mailbox.org"}, "paula.berg@mailbox.org"),
        ({"amount": 817.35}, "817.35"),
        ({"date": "2024-08-19"}, "2024-08-19"),
        ({"first_name": "Bartholomew"}, "bartholomew"),
        ({"passengers": [{"dob": "1988-02-11"}]}, "1988-02-11"),
    ],
)
def test_arguments_not_grounded_in_anything_said_or_returned_are_flagged(
    faults: Faults, arguments: dict[str, Any], unknown: str
) -> None:
    """The second known defect of ToolMind's release."""
    (message,) = faults("Please return my order, it arrived on May 5, 2024.", **arguments)
    assert unknown in message


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("It is order inv 123 456.", {"order_id": "INV-123456"}),
        ("I paid $1,200 for it.", {"amount": 1200}),
        ("We are twenty-one people.", {"amount": 21}),
        ("Take 5% off.", {"amount": 0.05}),
        ("It cost 40.50 and 2.25 for the bag.", {"amount": 42.75}),
        ("I fly on the 5th of May 2024.", {"date": "2024-05-05"}),
        ("I fly on May 5.", {"date": "2024-05-05"}),
        ("From May 5, 2024, for three nights.", {"date": "2024-05-08"}),
        ("I am Zoë Müller.", {"first_name": "Zoe"}),
        ("I fly from New York.", {"airport_code": "LGA"}),
        ("Hello.", {"limit": 25, "plan": "PLAN-9001", "airport_code": "JFK"}),
        ("Say that I come later.", {"note": "The customer will come later than planned."}),
    ],
)
def test_what_was_said_in_another_form_or_may_be_inferred_passes(
    faults: Faults, said: str, arguments: dict[str, Any]
) -> None:
    assert faults(said, **arguments) == []


def test_results_are_a_source(faults: Faults) -> None:
    returned = '{"orders":[{"id":"ORD-77120","mail":"p.berg@mailbox.org","total":817.35}]}'
    given = {"order_id": "ORD-77120", "email": "p.berg@mailbox.org", "amount": 817.35}
    assert faults("My last order?", returned, **given) == []


def test_the_assistants_own_words_are_no_source_unless_the_user_agrees(
    a_trajectory: Callable[..., Trajectory],
    user: Callable[[str], Message],
    says: Callable[[str], Message],
    calls: Callable[..., Message],
) -> None:
    def found(answer: str) -> int:
        messages = (
            user("Book it."),
            says("Your booking is BK-55120. Shall I go on?"),
            user(answer),
            calls("book", a={"booking": "BK-55120"}),
        )
        return len(list(ArgumentProvenance().check(a_trajectory(messages=messages))))

    assert found("What does it cost?") == 1
    assert found("Yes, please.") == 0


def test_broken_arguments_and_unknown_functions_are_no_trouble(
    a_trajectory: Callable[..., Trajectory], calls: Callable[..., Message]
) -> None:
    messages = (calls("f", a="[1]", b="{", c={"x": [None, True, {"y": []}]}, d={"x": 1e308}),)
    assert len(list(ArgumentProvenance().check(a_trajectory(messages=messages)))) == 1


def test_an_objection_is_one_line_of_bounded_length(faults: Faults) -> None:
    (message,) = faults("Hello.", order_id="A-123456 \n" * 3000)
    assert len(message) <= 300
    assert "\n" not in message
