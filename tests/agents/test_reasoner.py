"""A second model that answers again with reasoning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simkit.traces.calls import Completion
from simkit.traces.records import Scenario

Calls = Callable[..., Completion]
OSLO = ("get_temperature", '{"city": "Oslo"}')
OSLO_TOO = ("get_temperature", '{ "city":"Oslo" }')
BERGEN = ("get_temperature", '{"city": "Bergen"}')
WARM = '<func_return>{"celsius": 21.5}</func_return>'
USER = ["How warm is Oslo?", "Thanks! ###STOP###"]


async def test_reasoning_is_kept_where_the_second_model_does_the_same(
    company: Callable[..., Any], calls: Calls, a_scenario: Callable[..., Scenario]
) -> None:
    troupe = company(
        user=USER,
        assistant=[calls(OSLO), "21.5 degrees."],
        reasoner=[
            calls(OSLO_TOO, reasoning="Oslo was asked for."),
            Completion(content="It is 21.5 degrees.", reasoning="The result says so."),
        ],
        tool=[WARM],
    )
    trajectory = await troupe.play(a_scenario())
    call, answer = (m for m in trajectory.messages if m.role == "assistant")
    assert (call.reasoning, call.tool_calls[0].id) == ("Oslo was asked for.", "call_1")
    assert (answer.reasoning, answer.content) == ("The result says so.", "It is 21.5 degrees.")
    assert trajectory.provenance.models["reasoner"] == "scripted"
    assert b"It is 21.5 degrees." in troupe.players["user"].requests[1].messages[-1].wire


async def test_a_second_model_that_would_do_something_else_changes_nothing(
    company: Callable[..., Any], calls: Calls, a_scenario: Callable[..., Scenario]
) -> None:
    troupe = company(
        user=USER,
        assistant=[calls(OSLO), "21.5 degrees."],
        reasoner=[
            calls(BERGEN, reasoning="Bergen, surely."),
            calls(OSLO, reasoning="Once more."),
        ],
        tool=[WARM],
    )
    trajectory = await troupe.play(a_scenario())
    assert [m.content for m in trajectory.messages if m.role == "assistant"] == [
        "",
        "21.5 degrees.",
    ]
    assert not any(m.reasoning for m in trajectory.messages)


async def test_a_second_model_without_a_usable_reply_or_reasoning_does_no_harm(
    company: Callable[..., Any], a_scenario: Callable[..., Scenario]
) -> None:
    troupe = company(
        user=["How warm is Oslo?", "In Oslo, now.", "###STOP###"],
        assistant=["Mild.", "Still mild."],
        reasoner=["", "", "", "Quite mild."],
    )
    trajectory = await troupe.play(a_scenario())
    assert [m.content for m in trajectory.messages[1::2]] == ["Mild.", "Still mild."]
