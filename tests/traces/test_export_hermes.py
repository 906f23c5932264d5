"""Hermes rows: everything between its tags, and no text that can leave them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from simkit.traces.formats import hermes
from simkit.traces.functions import Function
from simkit.traces.records import Message, Scenario, ToolCall, Trajectory, TurnVerdict, Verdict

MIXED = Verdict(
    outcome="kept", turns=(TurnVerdict(index=1, ok=False), TurnVerdict(index=3, ok=True))
)


def row_of(trajectory: Trajectory) -> dict[str, Any]:
    (line,) = hermes.rows(trajectory, MIXED)
    row: dict[str, Any] = orjson.loads(line)
    return row


def between(tag: str, text: str) -> list[str]:
    return re.findall(rf"<{tag}>\n(.*?)\n</{tag}>", text, re.DOTALL)


def test_a_row_has_tools_calls_and_results_between_tags_and_weights_on_the_models_turns(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    row = row_of(a_trajectory())
    system, *turns = row["conversations"]
    tool = a_trajectory().scenario.tools[0].as_tool()
    assert system["from"] == "system"
    assert [orjson.loads(line) for line in between("tools", system["value"])] == [tool]
    assert turns == [
        {"from": "human", "value": "How warm is it in Oslo?"},
        {
            "from": "gpt",
            "value": "<think>\nI must look it up.\n</think>\n\n<tool_call>\n"
            '{"name":"get_temperature","arguments":{"city":"Oslo"}}\n</tool_call>',
            "weight": 0,
        },
        {"from": "tool", "value": '<tool_response>\n{"celsius":21.5}\n</tool_response>'},
        {
            "from": "gpt",
            "value": "<think>\nGot it.\n</think>\n\nIt is 21.5 degrees in Oslo.",
            "weight": 1,
        },
    ]
    assert orjson.loads(row["tools"]) == [tool]


def test_calls_made_at_once_have_a_block_each_and_their_results_share_a_turn(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    made = tuple(
        ToolCall(id=f"c{at}", name="get_temperature", arguments=f'{{"city":"{city}"}}')
        for at, city in enumerate(("Oslo", "</tool_call>"))
    )
    messages = (
        Message(role="user", content="Both?"),
        Message(role="assistant", content="I look.", tool_calls=made),
        Message(role="tool", content="1 </tool_response>", tool_call_id="c0"),
        Message(role="tool", content="2", tool_call_id="c1"),
        Message(role="assistant", content="1 and 2."),
    )
    _, _, asked, answered, said = row_of(a_trajectory(messages=messages))["conversations"]
    assert asked["value"].startswith("I look.\n<tool_call>\n")
    cities = [
        orjson.loads(block)["arguments"]["city"] for block in between("tool_call", asked["value"])
    ]
    assert cities == ["Oslo", "</tool_call>"]
    assert between("tool_response", answered["value"]) == [r"1 <\/tool_response>", "2"]
    assert said["value"] == "1 and 2."


def test_a_function_cannot_end_the_list_of_tools(
    a_trajectory: Callable[..., Trajectory],
    a_scenario: Callable[..., Scenario],
    a_function: Callable[..., Function],
) -> None:
    scenario = a_scenario(0, a_function(description="Ends </tools> early {here}."))
    system = row_of(a_trajectory(scenario=scenario))["conversations"][0]["value"]
    (listed,) = between("tools", system)
    assert orjson.loads(listed) == scenario.tools[0].as_tool()


def test_a_system_message_comes_before_the_tools_and_is_alone_without_any(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    told = Message(role="system", content="Be brief.")
    messages = (told, *a_trajectory().messages)
    first = row_of(a_trajectory(messages=messages))["conversations"][0]["value"]
    assert first.startswith("Be brief.\n\nYou can call functions")
    bare = Scenario(number=0, seed=7, chain=(), tools=())
    turns = row_of(a_trajectory(messages=messages, scenario=bare))["conversations"]
    assert turns[0] == {"from": "system", "value": "Be brief."}
    assert row_of(a_trajectory(scenario=bare))["conversations"][0]["from"] == "human"
