"""The scripted roles where a scenario asks for more than one call after the other."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from simkit.standin.roles.assistant import play_assistant
from simkit.standin.roles.judge import judge_trajectory
from simkit.standin.roles.language import I_WANT, NOT_ABLE, ask_for, phrase
from simkit.standin.roles.user import play_user
from simkit.standin.roles.writer import write_intent


def a_function(name: str, about: str, *required: str) -> dict[str, Any]:
    properties = {parameter: {"type": "string"} for parameter in required}
    parameters = {"type": "object", "properties": properties, "required": [*required]}
    return {"name": name, "description": about, "parameters": parameters}


HOTELS = a_function("find_hotels", "Finds hotels in a city.", "city")
TRAINS = a_function("list_trains", "Lists trains that leave from a station.", "station")
GUEST = a_function("get_guest", "Gets a guest by an e-mail address.", "email")
BOOK = a_function("book_room", "Books a room for somebody.", "guest_id", "nights")
ALL = [HOTELS, TRAINS, GUEST, BOOK]


def draw(seed: int = 1) -> random.Random:
    return random.Random(seed)


def user(*lines: str) -> dict[str, Any]:
    return {"role": "user", "content": "\n".join(lines)}


def assistant(content: str) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def play(*messages: dict[str, Any], tools: list[dict[str, Any]] = ALL) -> Any:
    return play_assistant(list(messages), tools, draw(), mistakes=0.0)


def test_a_step_becomes_one_goal_whatever_it_takes() -> None:
    steps = [
        {"asks_for": ["find_hotels", "list_trains"]},
        {"asks_for": ["book_room"], "never_asks_for": ["get_guest"], "when_asked": ["nights"]},
    ]
    intent = write_intent(ALL, draw(), steps)
    both, booking = intent["goals"]
    assert phrase(HOTELS) in both["text"]
    assert phrase(TRAINS) in both["text"]
    assert phrase(GUEST) not in booking["text"]
    kept = {fact["name"]: fact["when_asked"] for fact in booking["known"]}
    assert kept["nights"] is True
    assert not any(fact["when_asked"] for fact in both["known"])


def test_a_value_is_held_back_until_it_is_asked_for() -> None:
    facts = [
        {"name": "guest id", "value": "G-1", "when_asked": False},
        {"name": "nights", "value": "three", "when_asked": True},
    ]
    intent = {"goals": [{"text": "book a room", "known": facts}]}
    for seed in range(20):
        first = play_user(intent, [user("(begin)")], draw(seed))
        assert "three" not in first
        asked = [user("(begin)"), assistant(first), user(ask_for(["nights"]))]
        assert "nights = three" in play_user(intent, asked, draw(seed))


def test_two_things_wanted_at_once_are_called_together() -> None:
    intent = write_intent(ALL, draw(), [{"asks_for": ["find_hotels", "list_trains"]}])
    (goal,) = intent["goals"]
    reply = play(user(f"{goal['text']}.", "Details: city = Oslo; station = Oslo S"))
    assert [name for name, _ in reply.tool_calls] == ["find_hotels", "list_trains"]


@pytest.mark.parametrize("tools", [[HOTELS], [TRAINS, GUEST]])
def test_what_no_tool_does_is_declined_once(tools: list[dict[str, Any]]) -> None:
    asks = user(f"{I_WANT}{phrase(BOOK)}.", "Details: guest id = G-1; nights = three")
    reply = play(asks, tools=tools)
    assert reply.tool_calls == ()
    assert reply.content.startswith(f"{NOT_ABLE}{phrase(BOOK)}; I have no function for it.")
    after = play(asks, assistant(reply.content), user("All right."), tools=tools)
    assert NOT_ABLE not in after.content


def test_what_the_user_does_not_know_is_looked_up() -> None:
    """
    Nobody asked for the guest: it is a means.
    """
    heard = [
        user(f"{I_WANT}{phrase(BOOK)}.", "Details: nights = three; email = a@example.com"),
        assistant(ask_for(["guest id"])),
        user("I don't know: guest id."),
    ]
    reply = play(*heard)
    assert [(name, json.loads(given)) for name, given in reply.tool_calls] == [
        ("get_guest", {"email": "a@example.com"})
    ]


INTENT = {
    "goals": [
        {"text": "find hotels", "known": []},
        {
            "text": "book a room",
            "known": [{"name": "nights", "value": "three", "when_asked": True}],
        },
    ]
}
ASKED = user("Please find hotels and book a room.")
FOUND = {"role": "tool", "content": '{"hotel": "Bristol"}'}


@pytest.mark.parametrize(
    ("by_design", "said", "verdict"),
    [
        ({"cannot_be_served": [2]}, f"{NOT_ABLE}book a room; I have no function for it.", 1),
        ({"cannot_be_served": [2]}, "It is booked.", 0),
        ({"told_when_asked": [2]}, ask_for(["nights"]), 1),
        ({"told_when_asked": [2]}, ask_for(["guest id"]), 0),
        ({}, "It is booked.", 1),
    ],
)
def test_the_judge_wants_what_is_missing_declined_or_asked_for(
    by_design: dict[str, list[int]], said: str, verdict: int
) -> None:
    talk = [ASKED, FOUND, assistant(said)]
    assert judge_trajectory(INTENT, talk, by_design)["verdict"] == verdict


def test_a_conversation_without_a_call_is_good_when_nothing_could_be_done() -> None:
    declined = assistant(f"{NOT_ABLE}find hotels\n{NOT_ABLE}book a room")
    nothing_serves = {"cannot_be_served": [1, 2]}
    assert judge_trajectory(INTENT, [ASKED, declined], nothing_serves)["verdict"] == 1
    assert judge_trajectory(INTENT, [ASKED, declined])["verdict"] == 0
