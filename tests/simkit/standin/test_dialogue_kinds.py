"""The scripted user and assistant in dialogues that do not just go from goal to goal."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, get_args

import orjson
import pytest

from simkit.agents import PROMPTS
from simkit.agents.personas import persona
from simkit.standin.brain import ScriptedBrain
from simkit.standin.roles.assistant import play_assistant
from simkit.standin.roles.language import (
    BY_THE_WAY,
    CHANGED,
    HAND_OVER,
    I_WANT,
    NOT_ABLE,
    ask_again,
    asked_again,
    hear_results,
    say_results,
)
from simkit.standin.roles.tool import run_function
from simkit.standin.roles.user import STOP, TRANSFER, dialogue_kind, play_user
from simkit.standin.roles.writer import write_intent
from simkit.traces.plans import DialogueKind
from simkit.traces.prompts import PromptSet

KINDS = get_args(DialogueKind)


def a_function(name: str, about: str, *required: str, gives: str = "") -> dict[str, Any]:
    def fields(names: list[str]) -> dict[str, Any]:
        properties = {field: {"type": "string"} for field in names}
        return {"type": "object", "properties": properties, "required": names}

    outputs = fields(gives.split())
    parameters = fields(list(required))
    return {"name": name, "description": about, "parameters": parameters, "outputs": outputs}


GUEST = a_function("find_guest", "Finds a guest by e-mail.", "guest_email", gives="guest_id")
ROOM = a_function("list_rooms", "Lists rooms of a hotel.", "hotel_name", gives="room_name")
BOOK = a_function("book_room", "Books a stay.", "guest_id", "room_name", gives="stay_id")
ALL = [GUEST, ROOM, BOOK]


def converse(intent: dict[str, Any], kind: DialogueKind, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Every message of a conversation, without mistakes; the user's last one holds a token."""
    draw = random.Random(seed)
    messages: list[dict[str, Any]] = []
    seen: list[dict[str, Any]] = [{"role": "user", "content": "(begin)"}]
    past: list[dict[str, Any]] = []
    for _ in range(30):
        said = play_user(intent, seen, draw, kind)
        yield {"role": "user", "content": said}
        if "###" in said:
            return
        messages.append({"role": "user", "content": said})
        seen.append({"role": "assistant", "content": said})
        while (reply := play_assistant(messages, ALL, draw, mistakes=0.0)).tool_calls:
            calls = [
                {"id": f"c{len(messages)}-{n}", "function": {"name": name, "arguments": text}}
                for n, (name, text) in enumerate(reply.tool_calls)
            ]
            made = [{"role": "assistant", "content": None, "tool_calls": calls}]
            for call, (name, text) in zip(calls, reply.tool_calls, strict=True):
                function = next(one for one in ALL if one["name"] == name)
                asked = {"name": name, "arguments": json.loads(text)}
                result = run_function(function, asked, past, draw)
                content = result.removeprefix("<func_return>").removesuffix("</func_return>")
                past.append({**asked, "result": json.loads(content)})
                made.append({"role": "tool", "tool_call_id": call["id"], "content": content})
            messages += made
            yield from made
        messages.append({"role": "assistant", "content": reply.content})
        seen.append({"role": "user", "content": reply.content})
        yield messages[-1]
    raise AssertionError("the conversation has no end")


def calls_in(messages: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (call["function"]["name"], json.loads(call["function"]["arguments"]))
        for message in messages
        for call in message.get("tool_calls") or ()
    ]


def an_intent(**more: Any) -> dict[str, Any]:
    return write_intent(ALL, random.Random(3), **more)


@pytest.mark.parametrize("kind", KINDS)
def test_the_user_understands_what_the_prompt_asks_of_it(kind: DialogueKind) -> None:
    prompt = PromptSet(PROMPTS).render(
        "user",
        intent=an_intent(),
        persona=None,
        dialogue=kind,
        stop="S",
        transfer="T",
        out_of_scope="O",
    )
    assert dialogue_kind(prompt) == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_dialogue_gets_everything_done_and_ends(kind: DialogueKind) -> None:
    for seed in range(8):
        intent = an_intent(changes=kind == "change_of_mind")
        talk = list(converse(intent, kind, seed))
        assert STOP in talk[-1]["content"]
        assert {name for name, _ in calls_in(talk)} == {one["name"] for one in ALL}


def test_a_single_request_tells_it_all_at_once() -> None:
    talk = list(converse(an_intent(), "single"))
    assert [message["role"] for message in talk].count("user") == 2
    assert all(goal["text"] in talk[0]["content"] for goal in an_intent()["goals"])


def test_a_change_of_mind_makes_the_calls_again_and_those_that_hung_on_them() -> None:
    intent = an_intent(changes=True)
    value = intent["goals"][0]["known"][0]["value"]
    intent["change"] = {"goal": 1, "name": "guest email", "first": "old@example.com"}
    talk = list(converse(intent, "single"))
    emails = [given["guest_email"] for name, given in calls_in(talk) if name == "find_guest"]
    assert emails == ["old@example.com", value]
    (first, second) = [given["guest_id"] for name, given in calls_in(talk) if name == "book_room"]
    assert first
    assert second
    assert [name for name, _ in calls_in(talk)].count("list_rooms") == 1
    assert any(str(message["content"]).startswith(CHANGED) for message in talk)


def test_small_talk_is_answered_without_a_call() -> None:
    talk = list(converse(an_intent(), "chit_chat"))
    places = [i for i, one in enumerate(talk) if str(one["content"]).startswith(BY_THE_WAY)]
    assert 1 <= len(places) <= 2
    for place in places:
        assert talk[place + 1]["role"] == "assistant"
        assert talk[place + 1]["content"]


def test_a_follow_up_is_answered_from_what_was_found() -> None:
    talk = list(converse(an_intent(), "follow_up"))
    place = next(i for i, one in enumerate(talk) if asked_again(str(one["content"])))
    label = asked_again(talk[place]["content"])
    told = hear_results("\n".join(str(one["content"]) for one in talk[:place]))
    assert talk[place + 1] == {"role": "assistant", "content": f"The {label} is {told[label]}."}


@pytest.mark.parametrize("doubted", [None, "12: or so", "a really big one"])
def test_a_question_about_something_told_is_heard_as_it_was_asked(doubted: str | None) -> None:
    assert asked_again(ask_again("room name", doubted)) == "room name"
    assert asked_again("what was the room name again?") is None


def test_results_are_heard_as_they_were_told_save_what_was_cut_short() -> None:
    told = say_results("find guest", [("guest id", "G-1"), ("note", "long…"), ("at", "10:30")])
    assert hear_results(f"Fine.\n{told}") == {"guest id": "G-1", "at": "10:30"}


def test_a_user_who_is_handed_over_takes_their_leave_so() -> None:
    asked = {"role": "user", "content": f"{I_WANT}fly."}
    answers = {
        play_assistant([asked], ALL, random.Random(seed), mistakes=0.0).content
        for seed in range(60)
    }
    assert all(NOT_ABLE in str(answer) for answer in answers)
    (handed,) = [answer for answer in answers if HAND_OVER in str(answer)]
    seen = [
        {"role": "user", "content": "(begin)"},
        {"role": "assistant", "content": f"{I_WANT}fly."},
        {"role": "user", "content": handed},
    ]
    intent = {"goals": [{"text": f"{I_WANT}fly", "known": []}]}
    assert play_user(intent, seen, random.Random(1)) == TRANSFER


def test_the_writer_gives_a_change_only_when_one_is_wanted_and_constraints_always() -> None:
    for seed in range(20):
        draw = random.Random(seed)
        assert "change" not in write_intent(ALL, draw)
        intent = write_intent(ALL, draw, changes=True)
        change = intent["change"]
        known = {
            fact["name"]: fact["value"] for fact in intent["goals"][change["goal"] - 1]["known"]
        }
        assert known[change["name"]] != change["first"]
        assert len(intent["constraints"]) <= 3


def test_the_writer_reads_persona_and_kind_from_the_projects_prompt() -> None:
    person = persona(5)
    task = PromptSet(PROMPTS).render("writer_task", functions=ALL, steps=[], persona=asdict(person))
    schema = {"name": "intent", "schema": {"properties": {"change": {}}}}
    body = {
        "messages": [{"role": "user", "content": task}],
        "response_format": {"type": "json_schema", "json_schema": schema},
    }
    intent = orjson.loads(ScriptedBrain().reply(body, random.Random(1)).content or "")
    assert intent["role"] == person.occupation
    assert intent["change"]["goal"]


def test_a_result_says_of_what_was_asked_for_what_the_call_said() -> None:
    """
    Whatever its type, where the schema lets it; else nothing, if it may be left out.
    """
    outputs = {
        "type": "object",
        "properties": {
            "order_id": {"type": "integer"},
            "item_number": {"type": "string", "pattern": "^I-[0-9]+$"},
            "city_code": {"type": "string", "enum": ["OSL"]},
        },
        "required": ["order_id", "item_number"],
    }
    function = {"name": "get_order", "parameters": {}, "outputs": outputs}
    arguments = {"order_id": "17", "item_number": "I-5", "city_code": "TRD"}
    for seed in range(10):
        call = {"name": "get_order", "arguments": arguments}
        text = run_function(function, call, [], random.Random(seed))
        result = json.loads(text.removeprefix("<func_return>").removesuffix("</func_return>"))
        assert result == {"order_id": 17, "item_number": "I-5"}


def test_what_another_call_gave_as_well_outlasts_a_change_of_mind() -> None:
    """
    A result often repeats what the call said; that does not make it the only source.
    """
    balance = a_function("get_balance", "Tells the balance.", gives="currency")
    convert = a_function("convert", "Converts money.", "amount", "currency", gives="currency")

    def called(name: str, number: str, **arguments: str) -> list[dict[str, Any]]:
        function = {"name": name, "arguments": json.dumps(arguments)}
        content = json.dumps({"currency": "GBP"})
        return [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": number, "function": function}],
            },
            {"role": "tool", "tool_call_id": number, "content": content},
        ]

    talk = [
        {
            "role": "user",
            "content": f"{I_WANT}tell the balance.\n{I_WANT}convert money.\nDetails: amount = 5",
        },
        *called("get_balance", "c1"),
        *called("convert", "c2", amount="5", currency="GBP"),
        {"role": "assistant", "content": "Done."},
        {"role": "user", "content": f"{CHANGED}amount.\nDetails: amount = 6"},
    ]
    reply = play_assistant(talk, [balance, convert], random.Random(1), mistakes=0.0)
    assert [(name, json.loads(given)) for name, given in reply.tool_calls] == [
        ("convert", {"amount": "6", "currency": "GBP"})
    ]


def test_what_was_refused_was_not_said() -> None:
    """
    Asked again, the user opens with a single goal, and forgets none.
    """
    intent = an_intent()
    opened = "\n".join(f"{goal['text']}." for goal in intent["goals"])
    refused = "That reply cannot be used: it tells everything at once. Reply again, mended."
    seen = [
        {"role": "user", "content": "(begin)"},
        {"role": "assistant", "content": opened},
        {"role": "user", "content": refused},
    ]
    for seed in range(20):
        said = play_user(intent, seen, random.Random(seed))
        assert [goal["text"] in said for goal in intent["goals"]] == [True, False, False]
