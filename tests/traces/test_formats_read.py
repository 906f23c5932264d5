"""Readers of foreign formats: what a row becomes, and why a row is refused."""

from __future__ import annotations

from typing import Any

import pytest

from simkit.traces.formats import openai_messages, sharegpt, tau_bench, toolmind
from simkit.traces.formats.foreign_row import (
    CALLS_NUMBERED,
    IDS_REPEATED,
    MAX_MESSAGES,
    RESULTS_LINKED,
    UnreadableRow,
    linked,
)

USER = {"role": "user", "content": "How warm is it?"}
DONE = {"role": "assistant", "content": "21 degrees."}


def call(name: str = "f", arguments: Any = "{}", **more: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}, **more}


def calls(*made: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(made)}


def result(content: str = "1", **more: Any) -> dict[str, Any]:
    return {"role": "tool", "content": content, **more}


def answers(*messages: dict[str, Any]) -> tuple[list[list[str]], list[str | None], list[str]]:
    """Ids of the calls by message, ids that the results answer, and the notes."""
    row = openai_messages.read({"messages": list(messages)})
    read = linked(row)
    return (
        [[made.id for made in message.tool_calls] for message in read if message.tool_calls],
        [message.tool_call_id for message in read if message.role == "tool"],
        row.notes,
    )


def test_ids_that_are_there_stay_and_nothing_is_noted() -> None:
    ids, answered, notes = answers(
        USER, calls(call(id="x"), call(id="y")), result(tool_call_id="y"), result(tool_call_id="x")
    )
    assert (ids, answered, notes) == ([["x", "y"]], ["y", "x"], [])


def test_results_without_ids_answer_the_calls_before_them_in_order() -> None:
    ids, answered, notes = answers(USER, calls(call(), call()), result(), result(), DONE)
    assert ids == [["call_1_0", "call_1_1"]]
    assert answered == ["call_1_0", "call_1_1"]
    assert set(notes) == {CALLS_NUMBERED, RESULTS_LINKED}


def test_a_result_that_names_its_function_answers_a_call_of_that_function() -> None:
    _, answered, _ = answers(USER, calls(call("f"), call("g")), result(name="g"), result(name="f"))
    assert answered == ["call_1_1", "call_1_0"]
    _, answered, _ = answers(USER, calls(call("f")), result(name="g"))
    assert answered == [None]


def test_a_call_that_a_later_result_names_is_not_given_to_an_earlier_one() -> None:
    _, answered, _ = answers(
        USER, calls(call(id="x"), call(id="y")), result(), result(tool_call_id="x")
    )
    assert answered == ["y", "x"]


def test_a_result_that_no_call_is_left_for_stays_without() -> None:
    _, answered, notes = answers(USER, result(), calls(call(id="x")), result(), result())
    assert answered == [None, "x", None]
    assert notes == [RESULTS_LINKED]


def test_given_ids_differ_from_those_that_the_row_has() -> None:
    ids, _, _ = answers(USER, calls(call(), call(id="call_1_0")))
    assert ids == [["call_1_0_", "call_1_0"]]


def test_ids_that_come_again_in_a_later_message_are_noted_and_kept() -> None:
    once = [calls(call(id="x")), result(tool_call_id="x")]
    ids, answered, notes = answers(USER, *once, *once, DONE)
    assert (ids, answered, notes) == ([["x"], ["x"]], ["x", "x"], [IDS_REPEATED])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ({"a": [1, "b"]}, '{"a":[1,"b"]}'),
        (["a"], '["a"]'),
        (3, "3"),
        ("no json", "no json"),
        (None, ""),
    ],
)
def test_arguments_are_text_as_it_stands_or_json_of_what_stands_there(
    written: Any, expected: str
) -> None:
    row = toolmind.read({"conversations": [USER, calls(call(arguments=written))]})
    assert row.messages[1].calls[0].arguments == expected


def test_content_in_parts_is_text_reasoning_and_calls() -> None:
    parts = [
        {"type": "reasoning", "value": "Look."},
        {"type": "text", "text": "One "},
        {"type": "text", "text": "moment."},
        {"type": "tool_call", "value": '{"name": "f", "arguments": {"a": 1}}'},
    ]
    row = openai_messages.read({"messages": [USER, {"role": "assistant", "content": parts}]})
    message = row.messages[1]
    assert (message.content, message.reasoning) == ("One moment.", "Look.")
    assert [(made.name, made.arguments) for made in message.calls] == [("f", '{"a":1}')]


def test_thoughts_of_toolmind_rows_are_reasoning_and_an_anchor_that_calls_leaves_them_open() -> (
    None
):
    thinks = {"role": "assistant", "content": "<think>\nHm.\n</think>\n\nIt is 21."}
    row = toolmind.read({"conversations": [USER, thinks]})
    assert (row.messages[1].reasoning, row.messages[1].content) == ("Hm.", "It is 21.")
    assert not row.is_open
    empty = calls(call()) | {"content": "<think>\n\n</think>"}
    row = toolmind.read({"conversations": [USER, empty]})
    assert (row.messages[1].reasoning, row.messages[1].content) == (None, "")
    assert row.is_open


def test_a_thought_that_is_not_closed_is_content() -> None:
    row = toolmind.read(
        {"conversations": [USER, {"role": "assistant", "content": "<think>Hm. It is 21."}]}
    )
    assert (row.messages[1].reasoning, row.messages[1].content) == (None, "<think>Hm. It is 21.")


def test_sharegpt_calls_are_one_or_a_list_and_its_system_prompt_is_no_message() -> None:
    row = sharegpt.read(
        {
            "system": "Be kind.",
            "conversations": [
                {"from": "human", "value": "Hi"},
                {"from": "function_call", "value": '{"name": "f", "arguments": {"a": 1}}'},
                {"from": "observation", "value": "1"},
                {
                    "from": "function_call",
                    "value": '<think>Two.</think>[{"name": "f"}, {"name": "g"}]',
                },
            ],
            "tools": "[]",
        }
    )
    assert row.system == "Be kind."
    assert [message.role for message in row.messages] == ["user", "assistant", "tool", "assistant"]
    assert [[made.name for made in message.calls] for message in row.messages] == [
        [],
        ["f"],
        [],
        ["f", "g"],
    ]
    assert row.messages[3].reasoning == "Two."


def test_tau_bench_ends_with_a_stop_that_is_left_out_or_with_a_result() -> None:
    stop = {"role": "user", "content": "Thanks! ###STOP###"}
    row = tau_bench.read({"task_id": 3, "trial": 1, "traj": [USER, DONE, stop]})
    assert (row.id, len(row.messages), row.is_open) == ("3/1", 2, False)
    row = tau_bench.read({"traj": [USER, calls(call(id="x")), result(tool_call_id="x")]})
    assert (row.id, len(row.messages), row.is_open) == (None, 3, True)
    assert len(row.notes) == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, 'has no "messages"'),
        ({"messages": []}, 'has no "messages"'),
        ({"messages": "Hi"}, 'has no "messages"'),
        ({"messages": [USER, "Hi"]}, r"something else than an object in messages\[1\]"),
        ({"messages": [USER] * (MAX_MESSAGES + 1)}, "10,001 messages, over the limit"),
        ({"messages": [{"role": "narrator"}]}, r"role 'narrator' in messages\[0\]; expected"),
        ({"messages": [{"role": ["user"]}]}, "role no text"),
        ({"messages": [USER | {"content": 3}]}, '"content" .* no text'),
        ({"messages": [USER | {"content": [{"type": "image_url"}]}]}, "'image_url' .*part 0"),
        ({"messages": [USER | {"content": [{"type": "text"}]}]}, "no text in"),
        ({"messages": [USER | {"tool_calls": [call()]}]}, "calls in .* from 'user'"),
        ({"messages": [DONE | {"function_call": {"name": "f"}}]}, 'older "function_call"'),
        ({"messages": [DONE | {"tool_calls": {"a": 1}}]}, "no list"),
        ({"messages": [calls({"id": "x"})]}, r'tool_calls\[0\] without the object "function"'),
        ({"messages": [calls({"name": "f", "arguments": {}})]}, 'without the object "function"'),
        (
            {"messages": [calls(call(arguments='{"id": 18446744073709551616}'))]},
            "more than 64 bits",
        ),
        ({"messages": [calls(call(""))]}, "names no function"),
        ({"messages": [calls(call(id=7))]}, '"id" .* no text'),
        ({"messages": [calls(call(type="custom"))]}, 'type is not "function"'),
        ({"messages": [DONE | {"weight": 0.5}]}, "neither 0 nor 1"),
        ({"messages": [result(tool_call_id=7)]}, '"tool_call_id" .* no text'),
    ],
)
def test_what_a_message_cannot_hold_is_refused_with_its_place(
    row: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UnreadableRow, match=reason):
        openai_messages.read(row)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"from": "narrator", "value": ""}, "role 'narrator'"),
        ({"from": "gpt"}, 'no "value"'),
        ({"from": "function_call", "value": "f(1)"}, "not valid JSON"),
        ({"from": "function_call", "value": "[]"}, "empty list"),
        ({"from": "function_call", "value": '"f"'}, "no object"),
        ({"from": "function_call", "value": '{"name": "f", "arguments": 1' + "0" * 20 + "}"}, "64"),
    ],
)
def test_sharegpt_turns_that_cannot_be_read_are_refused(entry: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnreadableRow, match=reason):
        sharegpt.read({"conversations": [entry]})
