"""ShareGPT rows: as LLaMA-Factory takes them, and nothing in them that was masked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from simkit.traces.formats import sharegpt
from simkit.traces.formats.foreign_row import ForeignCall
from simkit.traces.records import Message, ToolCall, Trajectory, TurnVerdict, Verdict

ASKING, ANSWERING = ("human", "observation"), ("gpt", "function_call")


def user(text: str) -> Message:
    return Message(role="user", content=text)


def calls(*arguments: str, content: str = "") -> Message:
    made = tuple(
        ToolCall(id=f"c{at}", name="get_temperature", arguments=text)
        for at, text in enumerate(arguments)
    )
    return Message(role="assistant", content=content, tool_calls=made)


def result(content: str, call_id: str = "c0") -> Message:
    return Message(role="tool", content=content, tool_call_id=call_id)


def answer(text: str) -> Message:
    return Message(role="assistant", content=text)


def judged(trajectory: Trajectory, *masked: int) -> Verdict:
    return Verdict(
        outcome="kept",
        turns=tuple(
            TurnVerdict(index=index, ok=index not in masked)
            for index, message in enumerate(trajectory.messages)
            if message.role == "assistant"
        ),
    )


def row_of(trajectory: Trajectory, *masked: int) -> dict[str, Any]:
    (line,) = sharegpt.rows(trajectory, judged(trajectory, *masked))
    row: dict[str, Any] = orjson.loads(line)
    return row


def test_a_row_has_text_alone_and_a_call_with_its_thought(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    row = row_of(a_trajectory())
    assert row.keys() == {"id", "conversations", "system", "tools"}
    assert row["conversations"] == [
        {"from": "human", "value": "How warm is it in Oslo?"},
        {
            "from": "function_call",
            "value": "<think>\nI must look it up.\n</think>\n\n"
            '{"name":"get_temperature","arguments":{"city":"Oslo"}}',
        },
        {"from": "observation", "value": '{"celsius":21.5}'},
        {"from": "gpt", "value": "<think>\nGot it.\n</think>\n\nIt is 21.5 degrees in Oslo."},
    ]
    assert row["system"] == ""
    assert orjson.loads(row["tools"]) == [a_trajectory().scenario.tools[0].as_tool()]


def test_a_system_message_stands_beside_the_turns(a_trajectory: Callable[..., Trajectory]) -> None:
    told = Message(role="system", content="Be brief.")
    row = row_of(a_trajectory(messages=(told, *a_trajectory().messages)))
    assert (row["system"], row["conversations"][0]["from"]) == ("Be brief.", "human")


def test_calls_made_at_once_are_one_turn_and_so_are_their_results(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    messages = (
        user("Oslo and Rome?"),
        calls('{"city":"Oslo"}', '{"city":"Rome"}'),
        result('{"id": 12345678901234567890123}'),
        result("no such city", "c1"),
        answer("Only Oslo."),
    )
    _, asked, observed, _ = row_of(a_trajectory(messages=messages))["conversations"]
    assert [call["arguments"]["city"] for call in orjson.loads(asked["value"])] == ["Oslo", "Rome"]
    assert observed == {
        "from": "observation",
        "value": '[{"id": 12345678901234567890123},"no such city"]',
    }


def test_text_beside_calls_is_kept_and_read_back(a_trajectory: Callable[..., Trajectory]) -> None:
    odd = '{"city":"</tool_call>"}'
    messages = (user("Oslo?"), calls(odd, content="One moment."), result("{}"), answer("Warm."))
    row = row_of(a_trajectory(messages=messages))
    assert row["conversations"][1]["value"] == (
        "One moment.\n<tool_call>"
        r'{"name":"get_temperature","arguments":{"city":"<\/tool_call>"}}'
        "</tool_call>"
    )
    read = sharegpt.read(row).messages[1]
    assert read.content == "One moment."
    assert [orjson.loads(call.arguments) for call in read.calls] == [orjson.loads(odd)]
    assert all(isinstance(call, ForeignCall) for call in read.calls)


LONG = (
    user("a"),
    calls("{}"),
    result("{}"),
    answer("b"),
    user("c"),
    answer("d"),
    user("e"),
    answer("f"),
)


@pytest.mark.parametrize(
    ("masked", "length", "left_out"),
    [((), 8, 0), ((7,), 6, 0), ((5,), 4, 1), ((3,), 2, 2), ((1,), 0, 3), ((1, 3, 5, 7), 0, 0)],
)
def test_a_row_ends_before_its_first_masked_turn(
    a_trajectory: Callable[..., Trajectory], masked: tuple[int, ...], length: int, left_out: int
) -> None:
    trajectory = a_trajectory(messages=LONG)
    verdict = judged(trajectory, *masked)
    lines = [orjson.loads(line) for line in sharegpt.rows(trajectory, verdict)]
    assert [len(row["conversations"]) for row in lines] == ([length] if length else [])
    assert sharegpt.left_out(trajectory, verdict) == left_out


@pytest.mark.parametrize("at", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("odd", [user("x"), answer("y"), Message(role="system", content="z")])
def test_questions_and_answers_take_turns_whatever_the_conversation(
    a_trajectory: Callable[..., Trajectory], at: int, odd: Message
) -> None:
    messages = (*LONG[:at], odd, *LONG[at:])
    trajectory = a_trajectory(messages=messages)
    for line in sharegpt.rows(trajectory, judged(trajectory)):
        turns = orjson.loads(line)["conversations"]
        assert all(turn["from"] in ASKING for turn in turns[::2])
        assert all(turn["from"] in ANSWERING for turn in turns[1::2])
        assert len(turns) % 2 == 0


def test_nothing_to_train_on_gives_no_row(a_trajectory: Callable[..., Trajectory]) -> None:
    silent = replace(a_trajectory(), messages=(user("Hello?"),))
    assert list(sharegpt.rows(silent, judged(silent))) == []
