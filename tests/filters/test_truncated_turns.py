"""Texts that stop before their end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.rules.truncated_turns import TruncatedTurns
from simkit.traces.records import Message, ToolCall

Build = Callable[..., Any]


@pytest.fixture
def masked(a_trajectory: Build) -> Callable[..., list[int | None]]:
    """The turns that the check objects to, for the given messages."""
    return lambda *messages: [
        o.turn for o in TruncatedTurns().check(a_trajectory(messages=messages))
    ]


@pytest.mark.parametrize(
    "cut",
    [
        "I found two flights,",
        "Here are your options:",
        "You can bring things such as",
        "The flight leaves at noon and the",
        "It costs 20 euros (",
        "I found it. The flight leaves Oslo at eight in the morning and gets you to Rome",
        "It is warm in Oslo. That is a temper",
        "```python\nprint(1)",
        '{"celsius": 21.5, "wind": {"speed"',
        'The sign says "do not enter after dark',
        "That is a half-fin-",
    ],
)
def test_a_turn_that_breaks_off_is_masked(
    masked: Build, user: Build, says: Build, cut: str
) -> None:
    asked = user("What is the temperature?")
    assert masked(asked, says(cut)) == [1]


@pytest.mark.parametrize(
    "whole",
    [
        "It is 21.5 degrees.",
        "Have a great trip! ✈️",
        "The options are:\n\n1. Change of plan\n2. Airline cancelled flight",
        'Good books.\n\n1. "Gone Girl" by Gillian Flynn',
        "It is done.\n- **Visa** ending in 6437",
        "```python\nprint(1)\n```",
        "Sorry :(",
        "Vitamin A",
        '{"celsius": 21.5}',
        "Done. Positive emotion: love or admiration",
        "Best regards,",
    ],
)
def test_what_needs_no_full_stop_is_whole(
    masked: Build, user: Build, says: Build, whole: str
) -> None:
    assert masked(user(), says(whole)) == []


def test_a_call_may_be_announced(masked: Build, user: Build, result: Build, says: Build) -> None:
    call = ToolCall(id="a", name="get_temperature", arguments='{"city": "Oslo"}')
    announced = Message(role="assistant", content="Let me look:", tool_calls=(call,))
    assert masked(user(), announced, result("a"), says()) == []


@pytest.mark.parametrize(
    "text",
    [
        "The ticket is refundable. If",
        "The ticket is refundable. You may then",
        "The ticket covers the train, the ferry and b",
        "The whole of the sum goes to",
    ],
)
def test_a_sentence_that_has_only_begun_is_masked(
    masked: Build, user: Build, says: Build, text: str
) -> None:
    assert masked(user(), says(text)) == [1]
    assert masked(user(), says(f"{text} all is said.")) == []


def test_a_flood_of_letters_takes_no_time_to_speak_of(a_trajectory: Callable[..., Any]) -> None:
    flood = Message(role="assistant", content="x" * 400_000)
    started = time.process_time()
    for _ in TruncatedTurns().check(a_trajectory(messages=(flood, flood))):
        pass
    assert time.process_time() - started < 2
