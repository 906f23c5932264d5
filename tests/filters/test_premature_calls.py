"""Calls made before their values were there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.rules.argument_provenance import ArgumentProvenance
from simkit.filters.rules.premature_calls import PrematureCalls
from simkit.traces.functions import Function
from simkit.traces.records import Message, Scenario, Trajectory

Faults = Callable[[str, dict[str, Any]], list[str]]

PARAMETERS = {
    "type": "object",
    "properties": {
        "user_id": {"type": "string", "description": "Id of the user, such as 'sara_doe_496'."},
        "state": {"type": "string", "enum": ["unknown", "open"]},
        "note": {"type": "string", "default": "N/A", "description": "May be left empty."},
    },
    "required": ["user_id", "note"],
}


@pytest.fixture
def faults(
    a_trajectory: Callable[..., Trajectory],
    a_scenario: Callable[..., Scenario],
    a_function: Callable[..., Function],
    user: Callable[[str], Message],
    calls: Callable[..., Message],
) -> Faults:
    def ask(said: str, arguments: dict[str, Any]) -> list[str]:
        trajectory = a_trajectory(
            scenario=a_scenario(0, a_function("act", parameters=PARAMETERS)),
            messages=(user(said), calls("act", a=arguments)),
        )
        found = list(PrematureCalls().check(trajectory))
        assert {(o.check, o.turn) for o in found} <= {("premature_calls", 1)}
        assert list(ArgumentProvenance().check(trajectory)) == []  # one mistake, one name
        return [objection.message for objection in found]

    return ask


@pytest.mark.parametrize(
    "value",
    [
        *("unknown", "N/A", "<user_id>", "{{user_id}}", "[User ID]", "your_user_id", "user_id"),
        *("string", "user@example.com", "John Doe", "0000-00-00", "", "  ", "XXXX", "???"),
        "sara_doe_496",
    ],
)
def test_a_placeholder_instead_of_a_question_is_flagged(faults: Faults, value: str) -> None:
    (message,) = faults("Cancel my flight.", {"user_id": value})
    assert "user_id" in message


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("I am John Doe.", {"user_id": "John Doe"}),
        ("My mail is user@example.com.", {"user_id": "user@example.com"}),
        ("I am sara_doe_496.", {"user_id": "sara_doe_496"}),
        ("Cancel it.", {"state": "unknown", "note": "N/A"}),
        ("Cancel it.", {"note": ""}),
    ],
)
def test_what_was_said_or_is_declared_is_no_placeholder(
    faults: Faults, said: str, arguments: dict[str, Any]
) -> None:
    assert faults(said, arguments) == []
