"""One mistake of a known kind, put into a conversation that has none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from simkit.filters.corruptions import KINDS, Corrupted, corrupted
from simkit.filters.tool_results import results_after
from simkit.traces.arguments import argument_problem
from simkit.traces.functions import Function
from simkit.traces.records import Message, Trajectory
from simkit.traces.seeds import stream

SEEDS = range(8)
ON_CALLS = ("wrong_type", "missing_argument", "unknown_argument", "bad_enum", "bad_format")
BOOKING = {
    "customer_name": "Rosa Lindqvist",
    "email": "rosa@lindqvist.se",
    "date": "2024-05-20",
    "cabin": "economy",
    "seats": 2,
    "amount": 480,
}


@pytest.fixture
def whole(
    a_trajectory: Callable[..., Trajectory],
    a_scenario: Callable[..., Any],
    a_function: Callable[..., Function],
    calls: Callable[..., Message],
) -> Trajectory:
    """A conversation that every kind of mistake has a place in."""

    def schema(**properties: Any) -> dict[str, Any]:
        return {"type": "object", "properties": properties, "required": list(properties)}

    booking = schema(
        customer_name={"type": "string"},
        email={"type": "string", "format": "email"},
        date={"type": "string", "format": "date"},
        cabin={"type": "string", "enum": ["economy", "business"]},
        seats={"type": "integer"},
        amount={"type": "number"},
    )
    tools = (
        a_function("find_customer", parameters=schema(customer_id={"type": "string"})),
        a_function("book_flight", parameters=booking),
        a_function("cancel_booking", parameters=schema(booking_id={"type": "string"})),
    )
    found = orjson.dumps({"name": "Rosa Lindqvist", "email": "rosa@lindqvist.se", "miles": 7350})
    booked = orjson.dumps({"booking_id": "BK7731", "price": 480})
    messages = (
        Message(role="user", content="Hello, I want to fly to Oslo on May 20."),
        Message(role="assistant", content="Gladly. What can I help with first, your account?"),
        Message(role="user", content="Yes, look me up, please."),
        Message(role="assistant", content="Of course. What is your customer number, please?"),
        Message(role="user", content="It is rosa_l_8841."),
        calls("find_customer", call_1={"customer_id": "rosa_l_8841"}),
        Message(role="tool", content=found.decode(), tool_call_id="call_1"),
        Message(
            role="assistant",
            content="I found you, Rosa: you have 7350 miles. Shall I book two seats in economy?",
        ),
        Message(role="user", content="Yes, 2 seats for 480 altogether."),
        calls("book_flight", call_2=BOOKING),
        Message(role="tool", content=booked.decode(), tool_call_id="call_2"),
        Message(role="assistant", content="Your flight is booked under BK7731, for 480 in total."),
    )
    return a_trajectory(messages=messages, scenario=a_scenario(0, *tools))


def made(trajectory: Trajectory, kind: str) -> Iterator[Corrupted]:
    """Mistakes of *kind* by several streams."""
    for seed in SEEDS:
        one = corrupted(trajectory, kind, stream(seed, kind))
        assert one is not None, f"no place for {kind}"
        yield one


def call_at(one: Corrupted) -> tuple[Function, dict[str, Any]]:
    call = one.trajectory.messages[one.turns[0]].tool_calls[0]
    tools = {tool.name: tool for tool in one.trajectory.scenario.tools}
    return tools[call.name], call.parsed_arguments()


def ids_of(trajectory: Trajectory) -> list[str]:
    return [call.id for message in trajectory.messages for call in message.tool_calls]


def is_paired(trajectory: Trajectory) -> bool:
    messages = trajectory.messages
    return all(
        [call.id for call in message.tool_calls]
        == [result.tool_call_id for result in results_after(messages, index)]
        for index, message in enumerate(messages)
        if message.role == "assistant"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_mistake_is_where_it_says_and_leaves_what_is_before_alone(
    whole: Trajectory, kind: str
) -> None:
    for one in made(whole, kind):
        messages = one.trajectory.messages
        assert messages != whole.messages
        assert messages[: one.untouched] == whole.messages[: one.untouched]
        assert one.turns
        assert all(0 <= turn < len(messages) for turn in one.turns)
        assert one.changed
        assert "\n" not in one.changed


@pytest.mark.parametrize("kind", KINDS)
def test_ids_stay_unique_and_results_stay_with_their_calls(whole: Trajectory, kind: str) -> None:
    for one in made(whole, kind):
        ids = ids_of(one.trajectory)
        assert len(ids) == len(set(ids))
        assert is_paired(one.trajectory) is (kind != "unpaired_result")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_stream_makes_the_same_mistake(whole: Trajectory, kind: str) -> None:
    assert list(made(whole, kind)) == list(made(whole, kind))


@pytest.mark.parametrize("kind", ON_CALLS)
def test_arguments_that_are_spoiled_do_not_fit_their_schema(whole: Trajectory, kind: str) -> None:
    for one in made(whole, kind):
        function, arguments = call_at(one)
        problem = argument_problem(function, arguments)
        assert problem is not None or kind == "bad_format"


@pytest.mark.parametrize(
    "kind", ["ungrounded_id", "ungrounded_name", "ungrounded_email", "ungrounded_amount"]
)
def test_an_ungrounded_value_fits_its_schema_and_was_said_by_nobody(
    whole: Trajectory, kind: str
) -> None:
    for one in made(whole, kind):
        function, arguments = call_at(one)
        assert argument_problem(function, arguments) is None
        original = whole.messages[one.turns[0]].tool_calls[0].parsed_arguments()
        [new] = [value for key, value in arguments.items() if value != original[key]]
        text = "\n".join(message.content for message in one.trajectory.messages)
        assert str(new).lower() not in text.lower()


def test_a_date_is_invented_for_what_the_user_told_relatively_or_out_of_nothing(
    whole: Trajectory,
) -> None:
    told = set()
    for one in made(whole, "invented_date"):
        opening = one.trajectory.messages[0].content
        date = call_at(one)[1]["date"]
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", date)
        told.add("May 20" in opening)
        assert ("May 20" in opening) is (date != "2024-05-20")
    assert told == {True, False}


def test_a_relative_date_is_no_mistake_where_there_is_a_clock(whole: Trajectory) -> None:
    clock = Message(role="system", content="The current time is 2024-05-15 15:00 EST.")
    timed = replace(whole, messages=(clock, *whole.messages))
    for one in made(timed, "invented_date"):
        assert "May 20" in one.trajectory.messages[1].content


def test_a_skipped_question_takes_the_answer_with_it(whole: Trajectory) -> None:
    for one in made(whole, "skipped_question"):
        assert len(one.trajectory.messages) == len(whole.messages) - 2
        assert "8841" not in one.trajectory.messages[one.turns[0] - 1].content


def test_a_premature_call_comes_before_the_question(whole: Trajectory) -> None:
    for one in made(whole, "premature_call"):
        said = [message.content for message in one.trajectory.messages[: one.turns[0]]]
        assert one.turns[0] < 5
        assert not any("rosa_l_8841" in content for content in said)


def test_a_repeat_contradicts_the_first_result(whole: Trajectory) -> None:
    for one in made(whole, "contradictory_repeat"):
        [turn] = one.turns
        messages = one.trajectory.messages
        assert messages[turn].tool_calls[0].arguments == messages[turn - 2].tool_calls[0].arguments
        assert orjson.loads(messages[turn + 1].content) != orjson.loads(messages[turn - 1].content)


@pytest.mark.parametrize("kind", KINDS)
def test_a_conversation_without_an_assistant_has_no_place_for_a_mistake(
    a_trajectory: Callable[..., Trajectory], kind: str
) -> None:
    mute = a_trajectory(messages=(Message(role="user", content="Hello"),))
    assert corrupted(mute, kind, stream(0)) is None
