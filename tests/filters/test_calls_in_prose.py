"""Calls that are written down instead of made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.rules.calls_in_prose import CallsInProse
from simkit.traces.records import Message, ToolCall

Build = Callable[..., Any]


@pytest.fixture
def masked(a_trajectory: Build) -> Callable[..., list[int | None]]:
    """The turns that the check objects to, for the given messages."""
    return lambda *messages: [o.turn for o in CallsInProse().check(a_trajectory(messages=messages))]


@pytest.mark.parametrize(
    "written",
    [
        'get_temperature(city="Oslo")',
        "Let me look: get_temperature({'city': 'Oslo'})",
        '```json\n{"name": "get_temperature", "arguments": {"city": "Oslo"}}\n```',
        'I call {"function": "get_temperature", "parameters": {"city": "Oslo"}} now.',
        'Action: get_temperature\nAction Input: {"city": "Oslo"}',
        '{"name": "some_other_function", "arguments": {}}',
    ],
)
def test_a_call_that_is_only_written_is_masked(
    masked: Build, user: Build, says: Build, written: str
) -> None:
    assert masked(user(), says(written)) == [1]


@pytest.mark.parametrize(
    "sound",
    [
        "I can use get_temperature for this.",
        "In Python, print(name) and search(text) are calls.",
        '{"name": "Oslo", "celsius": 21.5}',
    ],
)
def test_names_and_other_code_are_no_calls(
    masked: Build, user: Build, says: Build, sound: str
) -> None:
    assert masked(user(), says(sound)) == []


def test_a_function_that_the_user_talks_about_may_be_shown(
    masked: Build, user: Build, says: Build
) -> None:
    asked = user("How does get_temperature work?")
    assert masked(asked, says('Write get_temperature(city="Oslo").')) == []


def test_a_message_that_makes_the_call_may_say_so(
    masked: Build, user: Build, result: Build, says: Build
) -> None:
    call = ToolCall(id="a", name="get_temperature", arguments='{"city": "Oslo"}')
    announced = Message(
        role="assistant", content='get_temperature(city="Oslo")', tool_calls=(call,)
    )
    assert masked(user(), announced, result("a"), says()) == []
