"""Stop words, template tokens and prompts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.rules.leaked_tokens import LeakedTokens
from simkit.traces.records import Message

Build = Callable[..., Any]


@pytest.fixture
def masked(a_trajectory: Build) -> Callable[..., list[int | None]]:
    """The turns that the check objects to, for the given messages."""
    return lambda *messages: [o.turn for o in LeakedTokens().check(a_trajectory(messages=messages))]


@pytest.mark.parametrize(
    "leaked",
    [
        "That is all. ###STOP###",
        "###OUT-OF-SCOPE###",
        "It is warm.<|im_end|>",
        "<|eot_id|>It is warm.",
        "[INST] How warm is it? [/INST]",
        '<tool_call>{"city": "Oslo"}</tool_call>',
        "<func_return>21.5</func_return>",
        "<think>I should look.</think> It is warm.",
        "My private intent is to find out the weather.",
        "You are a helpful assistant. Never make up a value.",
        "It is warm.</s>",
    ],
)
def test_a_turn_with_machinery_in_it_is_masked(
    masked: Build, user: Build, says: Build, leaked: str
) -> None:
    assert masked(user(), says(leaked)) == [1]


def test_a_token_in_the_reasoning_is_masked_too(masked: Build, user: Build) -> None:
    thought = Message(role="assistant", content="Warm.", reasoning="So.<|im_end|>")
    assert masked(user(), thought) == [1]


def test_who_answers_a_leak_is_masked(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    assert masked(user("Thanks. ###TRANSFER###"), says()) == [1]
    assert masked(user("In this simulation I am a nurse."), says()) == [1]
    cut = result("a", "<func_return>{}</func_return>")
    assert masked(user(), calls(a={}), cut, says()) == [3]


def test_the_system_message_said_aloud_is_masked(masked: Build, user: Build, says: Build) -> None:
    policy = " ".join(f"rule{n}" for n in range(60))
    system = Message(role="system", content=policy)
    assert masked(system, user(), says(f"I follow this: {policy[30:300]}.")) == [2]
    assert masked(system, user(), says(f"I follow {policy[30:90]}.")) == []


@pytest.mark.parametrize(
    "sound",
    [
        "### Outbound flight ###\nHAT001",
        "Use `<b>` and <i>italics</i>, a < b, and a |> f <| b.",
        "You are a gold member. You have two bags.",
        "The prompt at the ATM asks for a PIN.",
    ],
)
def test_headings_and_html_are_no_leaks(
    masked: Build, user: Build, says: Build, sound: str
) -> None:
    assert masked(user(), says(sound)) == []
