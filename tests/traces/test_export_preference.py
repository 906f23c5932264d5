"""Preference pairs: a mistake against its repair, and nothing that only looks like one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from simkit.traces.formats import preference
from simkit.traces.records import Message, Parent, ToolCall, Trajectory, TurnVerdict, Verdict

USER = Message(role="user", content="How warm is it in Oslo?")
ERROR = '{"error":{"type":"invalid_arguments","message":"city is missing"}}'


def call(call_id: str, arguments: str, name: str = "get_temperature") -> Message:
    made = ToolCall(id=call_id, name=name, arguments=arguments)
    return Message(role="assistant", content="Hm.", reasoning="So.", tool_calls=(made,))


def result(call_id: str, content: str) -> Message:
    return Message(role="tool", content=content, tool_call_id=call_id)


WRONG, RIGHT = call("c1", '{"town":"Oslo"}'), call("c2", '{"city":"Oslo"}')
FAILED, GOOD = result("c1", ERROR), result("c2", '{"celsius":21.5}')
ANSWER = Message(role="assistant", content="21.5 degrees.")


def pairs(trajectory: Trajectory, *masked: int) -> list[dict[str, Any]]:
    turns = tuple(
        TurnVerdict(index=index, ok=index not in masked)
        for index, message in enumerate(trajectory.messages)
        if message.role == "assistant"
    )
    verdict = Verdict(outcome="kept", turns=turns)
    return [orjson.loads(row) for row in preference.rows(trajectory, verdict)]


def form(arguments: dict[str, Any]) -> dict[str, Any]:
    function = {"name": "get_temperature", "arguments": arguments}
    made = {"id": "c1", "type": "function", "function": function}
    return {"role": "assistant", "content": "", "tool_calls": [made]}


def test_a_pair_answers_the_context_of_the_mistake_with_calls_alone(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    trajectory = a_trajectory(messages=(USER, WRONG, FAILED, RIGHT, GOOD, ANSWER))
    assert pairs(trajectory, 1) == [
        {
            "id": "7-0@1",
            "prompt": [{"role": "user", "content": USER.content}],
            "chosen": [form({"city": "Oslo"})],
            "rejected": [form({"town": "Oslo"})],
            "tools": orjson.dumps([trajectory.scenario.tools[0].as_tool()]).decode(),
        }
    ]


def test_each_failure_on_the_way_to_a_repair_is_a_pair(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    again = (call("c3", '{"place":"Oslo"}'), result("c3", ERROR))
    messages = (USER, WRONG, FAILED, *again, RIGHT, GOOD, ANSWER)
    found = pairs(a_trajectory(messages=messages), 1, 3)
    assert [row["id"] for row in found] == ["7-0@1", "7-0@3"]
    assert [len(row["prompt"]) for row in found] == [1, 3]
    assert found[1]["prompt"][1]["tool_calls"][0]["function"]["arguments"] == {"town": "Oslo"}


def test_what_is_meant_instead_of_an_unknown_function_repairs_it(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    unknown = call("c1", '{"city":"Oslo"}', name="get_temperature_v2")
    assert len(pairs(a_trajectory(messages=(USER, unknown, FAILED, RIGHT, GOOD, ANSWER)), 1)) == 1


@pytest.mark.parametrize(
    ("messages", "masked"),
    [
        ((USER, WRONG, FAILED, RIGHT, GOOD, ANSWER), ()),
        ((USER, WRONG, FAILED, RIGHT, GOOD, ANSWER), (1, 3)),
        ((USER, WRONG, FAILED, ANSWER, USER, RIGHT, GOOD, ANSWER), (1, 3)),
        ((USER, WRONG, FAILED, ANSWER), (1,)),
        ((USER, WRONG, result("c1", '{"celsius":3}'), RIGHT, GOOD, ANSWER), (1,)),
        ((USER, WRONG, FAILED, replace(WRONG, content=""), GOOD, ANSWER), (1,)),
        ((USER, WRONG, FAILED, call("c2", "{}", "other"), GOOD, ANSWER), (1,)),
        ((USER, ANSWER, USER, ANSWER), (1,)),
    ],
    ids=[
        "not masked",
        "repair masked",
        "user spoke",
        "no repair",
        "did not fail",
        "the same again",
        "something else",
        "no call",
    ],
)
def test_what_is_no_repair_gives_no_pair(
    a_trajectory: Callable[..., Trajectory],
    messages: tuple[Message, ...],
    masked: tuple[int, ...],
) -> None:
    assert pairs(a_trajectory(messages=messages), *masked) == []


def test_what_a_fork_has_from_its_parent_is_no_mistake(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    trajectory = a_trajectory(messages=(USER, WRONG, FAILED, RIGHT, GOOD, ANSWER))
    parent = Parent(run="first", conversation=0, id="7-0", turn=3)
    provenance = replace(trajectory.provenance, parent=parent)
    assert pairs(replace(trajectory, provenance=provenance), 1) == []
