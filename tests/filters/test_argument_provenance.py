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


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("Busco hotel en Sevilla del 5 al 9 de abril de 2026", {"date": "2026-04-09"}),
        ("2025年11月3日から5日まで、札幌のホテルを探して", {"date": "2025-11-05"}),
        ("Hoe kom ik van Utrecht naar Groningen? Ik wil om half negen weg.", {"date": "08:30"}),
        ("Combien font mille deux cents euros en yens ?", {"amount": 1200}),
        ("一百二十万日元是多少欧元？请帮我换算一下。", {"amount": 1200000}),
    ],
)
def test_words_of_other_languages_are_not_held_against_dates_times_and_numbers(
    faults: Faults, said: str, arguments: dict[str, Any]
) -> None:
    assert faults(said, **arguments) == []


@pytest.mark.parametrize(
    ("arguments", "unknown"),
    [
        ({"order_id": "INV-123456"}, "INV-123456"),
        ({"account_id": 4711}, "4711"),
        ({"amount": 8_712_455}, "8712455"),
        ({"email": "paula.berg@mailbox.org"}, "paula.berg@mailbox.org"),
        ({"date": "2026-04-17"}, "2026-04-17"),
        ({"date": "2025-04-09"}, "2025-04-09"),
    ],
)
def test_in_other_languages_identifiers_and_the_digits_of_dates_are_still_checked(
    faults: Faults, arguments: dict[str, Any], unknown: str
) -> None:
    (told,) = faults("Busco hotel en Sevilla del 5 al 9 de abril de 2026 para mi", **arguments)
    assert unknown in told.replace(",", "")


@pytest.mark.parametrize(
    "said",
    [
        "I'd like to book a flight from San Francisco to New York, please.",
        "Hi, I need to make some changes to my upcoming flight.",
        "Book a flight.",
    ],
)
def test_plain_english_is_not_taken_for_another_language(faults: Faults, said: str) -> None:
    assert len(faults(said, amount=817)) == 1
    assert len(faults(said, date="2026-04-17")) == 1


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("What was the population in '22?", {"amount": 2022}),
        ("How many orders did we get in Q1 2024?", {"date": "2024-04-01"}),
        ("How many orders did we get in Q4 2024?", {"date": "2025-01-01"}),
        ("A timer for the eggs, 6 and a half minutes", {"amount": 390}),
        ("A timer for an hour and a half", {"amount": 90}),
        ("I weigh 182 lbs, what is my BMI?", {"amount": 82.55}),
        ("I'm 5'11, what is my BMI?", {"amount": 1.803}),
        ("Dim the living room to a third", {"amount": 33}),
        ("Dim the living room to two thirds", {"amount": 0.67}),
        ("Call me at (415) 555-2671", {"note": "+14155552671"}),
    ],
)
def test_what_people_say_in_short_gives_the_value_that_it_means(
    faults: Faults, said: str, arguments: dict[str, Any]
) -> None:
    assert faults(said, **arguments) == []


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("How many orders did we get in Q1 2024?", {"date": "2024-05-17"}),
        ("I weigh 182 lbs, what is my BMI?", {"amount": 84.55}),
        ("Call me at (415) 555-2671", {"note": "+14155552672"}),
    ],
)
def test_what_was_not_meant_is_still_masked(
    faults: Faults, said: str, arguments: dict[str, Any]
) -> None:
    assert len(faults(said, **arguments)) == 1
