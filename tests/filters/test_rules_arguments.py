"""Arguments against schemas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.rules import SchemaValidArguments
from simkit.traces.functions import Function
from simkit.traces.records import Message, Scenario, ToolCall, Trajectory

Faults = Callable[[dict[str, Any], str], list[str]]


@pytest.fixture
def faults(
    a_trajectory: Callable[..., Trajectory],
    a_scenario: Callable[..., Scenario],
    a_function: Callable[..., Function],
) -> Faults:
    """What is held against one call with these arguments to a function with this schema."""

    def ask(schema: dict[str, Any], arguments: str) -> list[str]:
        function = a_function("f", parameters={"type": "object", "properties": {}} | schema)
        call = ToolCall(id="a", name="f", arguments=arguments)
        trajectory = a_trajectory(
            scenario=a_scenario(0, function),
            messages=(
                Message(role="user", content="x"),
                Message(role="assistant", tool_calls=(call,)),
            ),
        )
        found = list(SchemaValidArguments().check(trajectory))
        assert {(o.check, o.turn) for o in found} <= {("schema_valid_arguments", 1)}
        return [objection.message for objection in found]

    return ask


CITY = {"properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ('{"city":5}', "message 1 calls 'f': city: 5 is not of type 'string'"),
        ("{}", "'city' is a required property"),
        ("", "'city' is a required property"),
        ('{"city":"Oslo","unit":"C"}', "unit: there is no such parameter"),
        ('{"city":', "the arguments are not valid JSON"),
        ("{'city': 'Oslo'}", "the arguments are not valid JSON"),
        ('["Oslo"]', "the arguments must be a JSON object, not list"),
    ],
)
def test_a_wrong_argument_is_named(faults: Faults, arguments: str, fault: str) -> None:
    (message,) = faults(CITY, arguments)
    assert fault in message


def test_right_arguments_pass(faults: Faults) -> None:
    assert faults(CITY, '{"city":"Oslo"}') == []
    assert faults({}, "") == []


@pytest.mark.parametrize("allowed", [True, {"type": "string"}])
def test_a_schema_may_allow_keys_that_it_does_not_list(faults: Faults, allowed: Any) -> None:
    assert faults({"additionalProperties": allowed}, '{"unit":"C"}') == []


def test_arguments_too_deep_to_be_checked_are_masked(faults: Faults) -> None:
    """A model writes what it likes; a schema that contains itself follows it down."""
    lists = {"type": "array", "items": {"$ref": "#/$defs/lists"}}
    schema = {"properties": {"a": {"$ref": "#/$defs/lists"}}, "$defs": {"lists": lists}}
    assert faults(schema, '{"a":[[]]}') == []
    (message,) = faults(schema, '{"a":' + "[" * 900 + "]" * 900 + "}")
    assert "nested too deeply" in message


def test_an_objection_is_one_line_of_bounded_length(faults: Faults) -> None:
    (message,) = faults(CITY, '{"city":["' + "long \\n" * 5_000 + '"]}')
    assert len(message) <= 300
    assert "\n" not in message


def test_calls_to_unknown_functions_are_left_to_the_other_check(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    call = ToolCall(id="a", name="nobody_knows", arguments="{")
    messages = (Message(role="assistant", tool_calls=(call,)),)
    assert list(SchemaValidArguments().check(a_trajectory(messages=messages))) == []


def dated(description: str) -> dict[str, Any]:
    return {"properties": {"day": {"type": "string", "description": description}}}


@pytest.mark.parametrize("day", ["2024-05-19", "2024-05-19, 2024-05-20", "tomorrow"])
def test_a_date_may_be_written_as_the_description_tells(faults: Faults, day: str) -> None:
    assert faults(dated("The day, as YYYY-MM-DD."), f'{{"day":"{day}"}}') == []


@pytest.mark.parametrize("day", ["19/05/2024", "May 19", "2024-5-19", "2024-05-19T10:00"])
def test_a_date_that_is_written_otherwise_is_named(faults: Faults, day: str) -> None:
    (message,) = faults(dated("The day, as YYYY-MM-DD."), f'{{"day":"{day}"}}')
    assert f"day: {day!r} is not YYYY-MM-DD" in message


def test_of_two_ways_of_writing_either_will_do(faults: Faults) -> None:
    schema = dated("As YYYY-MM-DD or MM/DD/YYYY.")
    assert faults(schema, '{"day":"05/19/2024"}') == []
    (message,) = faults(schema, '{"day":"19 May 2024"}')
    assert "is not YYYY-MM-DD or MM/DD/YYYY" in message


def test_capitals_with_a_full_stop_are_no_way_of_writing(faults: Faults) -> None:
    assert faults(dated("The licence of the M.D."), '{"day":"MD 4711"}') == []
