"""The scripted roles, each by itself."""

from __future__ import annotations

import json
import random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkit.standin.brain import ScriptedBrain
from simkit.standin.roles.assistant import play_assistant
from simkit.standin.roles.judge import judge_trajectory, judge_turn
from simkit.standin.roles.language import (
    DETAILS,
    DONT_KNOW,
    NOT_ABLE,
    ask_for,
    asked_for,
    hear_details,
    phrase,
    read_value,
    say_details,
)
from simkit.standin.roles.tool import run_function
from simkit.standin.roles.user import STOP, play_user
from simkit.standin.roles.writer import write_intent
from simkit.traces.arguments import schema_problem

FIND_FLIGHT = {
    "name": "find_flight",
    "description": "Finds a flight between two cities. Prices are in euros.",
    "parameters": {
        "type": "object",
        "properties": {"origin_city": {"type": "string"}, "seats": {"type": "integer"}},
        "required": ["origin_city", "seats"],
        "additionalProperties": False,
    },
    "outputs": {
        "type": "object",
        "properties": {"flight_id": {"type": "string"}},
        "required": ["flight_id"],
    },
}
BOOK_FLIGHT = {
    "name": "book_flight",
    "description": "Reserves places on a flight that was found before.",
    "parameters": {
        "type": "object",
        "properties": {"flight_id": {"type": "string"}, "traveller_name": {"type": "string"}},
        "required": ["flight_id", "traveller_name"],
        "additionalProperties": False,
    },
}
TOOLS = [FIND_FLIGHT, BOOK_FLIGHT]
FIND = f"I want to {phrase(FIND_FLIGHT)}."
BOOK = f"I want to {phrase(BOOK_FLIGHT)}."


def draw(seed: int = 1) -> random.Random:
    return random.Random(seed)


def user(*lines: str) -> dict[str, Any]:
    return {"role": "user", "content": "\n".join(lines)}


def called(name: str, call_id: str = "c1", **arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"id": call_id, "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def result(call_id: str = "c1", **values: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": json.dumps(values)}


def play(*messages: dict[str, Any], mistakes: float = 0.0, seed: int = 1) -> Any:
    return play_assistant(list(messages), TOOLS, draw(seed), mistakes=mistakes)


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ("Lists flights. And more.", "list flights"),
        ("Has a driver find a flight.", "have a driver find a flight"),
        ("Gives the cheapest one.", "give the cheapest one (find flight)"),
        ("Searches every flight to find one.", "search every flight to find one"),
        ("Applies a rule to find a flight", "apply a rule to find a flight"),
        ("Find a flight fast!", "find a flight fast"),
        ("", "find flight"),
        (None, "find flight"),
    ],
)
def test_a_function_is_asked_for_in_everyday_words(description: str | None, said: str) -> None:
    assert phrase({"name": "findFlight", "description": description}) == said


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}( [a-z]{1,8})?", fullmatch=True), st.text()))
def test_stated_values_are_heard_as_they_were_said(facts: dict[str, str]) -> None:
    assert hear_details(say_details(facts.items())) == facts


@given(st.lists(st.from_regex(r"[a-z]{1,8}( [a-z]{1,8})?", fullmatch=True), min_size=1))
def test_a_question_is_heard_as_it_was_asked(names: list[str]) -> None:
    assert asked_for(f"One moment. {ask_for(names)} Thank you.") == names


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("12", {"type": "integer"}, 12),
        ("12", {"type": "string"}, "12"),
        ("12", {"type": ["string", "null"]}, "12"),
        ("true", {"type": "boolean"}, True),
        ('["a", "b"]', {"type": "array"}, ["a", "b"]),
        ("many", {"type": "integer"}, "many"),
        ("3", {"enum": [1, 2, 3]}, 3),
    ],
)
def test_a_stated_value_is_read_as_its_parameter_has_it(
    text: str, schema: dict[str, Any], value: Any
) -> None:
    assert read_value(text, schema) == value


def test_the_writer_gives_the_user_nothing_that_an_earlier_function_returns() -> None:
    for seed in range(30):
        intent = write_intent(TOOLS, draw(seed))
        known = [{fact["name"] for fact in goal["known"]} for goal in intent["goals"]]
        assert "flight id" not in known[1]
        assert "flight id" in intent["unknown"]
        everything = known[0] | known[1] | set(intent["unknown"])
        assert everything == {"origin city", "seats", "flight id", "traveller name"}


INTENT = {
    "role": "a clerk",
    "style": "brief",
    "goals": [
        {"text": "find a flight", "known": [{"name": "origin city", "value": "Oslo"}]},
        {"text": "book it", "known": []},
    ],
}


def test_the_user_brings_up_each_goal_and_then_stops() -> None:
    dialogue: list[dict[str, Any]] = [user("(begin)")]
    said: list[str] = []
    while STOP not in "".join(said):
        said.append(play_user(INTENT, dialogue, draw(len(said))))
        dialogue += [{"role": "assistant", "content": said[-1]}, user("Done.")]
        assert len(said) < 6
    assert STOP not in said[0]
    assert "find a flight" in said[0]
    assert "book it" in "".join(said)


def test_the_user_answers_what_is_known_and_says_what_is_not() -> None:
    dialogue = [
        user("(begin)"),
        {"role": "assistant", "content": "I want to find a flight."},
        user(ask_for(["origin city", "shoe size"])),
    ]
    answer = play_user(INTENT, dialogue, draw())
    assert f"{DETAILS}origin city = Oslo" in answer
    assert f"{DONT_KNOW}shoe size." in answer


def test_the_assistant_calls_when_it_has_every_value() -> None:
    reply = play(user(FIND, "Details: origin city = Oslo; seats = 2"))
    assert reply.tool_calls == (("find_flight", '{"origin_city":"Oslo","seats":2}'),)
    assert reply.mistake is None


def test_the_assistant_asks_for_what_is_missing_and_makes_up_nothing() -> None:
    reply = play(user(FIND, "Details: origin city = Oslo"))
    assert reply.tool_calls == ()
    assert asked_for(reply.content) == ["seats"]


def test_the_assistant_uses_what_an_earlier_call_returned() -> None:
    reply = play(
        user(FIND, BOOK, "Details: origin city = Oslo; seats = 2; traveller name = Kim"),
        called("find_flight", origin_city="Oslo", seats=2),
        result(flight_id="FL-7"),
    )
    assert reply.tool_calls == (("book_flight", '{"flight_id":"FL-7","traveller_name":"Kim"}'),)


def test_the_assistant_declines_what_nobody_can_tell_it_and_says_so_once() -> None:
    dialogue = [
        user(FIND, "Details: origin city = Oslo"),
        {"role": "assistant", "content": ask_for(["seats"])},
        user(f"{DONT_KNOW}seats."),
    ]
    declined = play(*dialogue)
    assert declined.content.startswith(NOT_ABLE)
    after = play(*dialogue, {"role": "assistant", "content": declined.content}, user("Okay."))
    assert NOT_ABLE not in after.content


def test_the_assistant_gives_up_after_two_failures_instead_of_looping() -> None:
    failed = {"type": "internal_error", "message": "broken"}
    reply = play(
        user(FIND, "Details: origin city = Oslo; seats = 2"),
        called("find_flight", "c1", origin_city="Oslo", seats=2),
        result("c1", error=failed),
        called("find_flight", "c2", origin_city="Oslo", seats=2),
        result("c2", error=failed),
    )
    assert reply.tool_calls == ()
    assert "keeps failing" in reply.content


def test_the_assistant_reports_what_was_returned() -> None:
    reply = play(
        user(FIND, "Details: origin city = Oslo; seats = 2"),
        called("find_flight", origin_city="Oslo", seats=2),
        result(flight_id="FL-7"),
    )
    assert "flight id: FL-7" in reply.content


def test_a_value_that_cannot_fit_ends_in_a_refusal_and_not_in_a_loop() -> None:
    reply = play(user(FIND, "Details: origin city = Oslo; seats = plenty"))
    assert reply.tool_calls == ()
    assert reply.content.startswith(NOT_ABLE)


def test_every_kind_of_mistake_happens_and_is_what_its_label_says() -> None:
    message = user(FIND, "Details: origin city = Oslo; seats = 2")
    right = {"origin_city": "Oslo", "seats": 2}
    found: dict[str, Any] = {}
    for seed in range(200):
        reply = play(message, mistakes=1.0, seed=seed)
        found[reply.mistake] = [(name, json.loads(args)) for name, args in reply.tool_calls]
    assert found.keys() == {
        "wrong_type",
        "invented_id",
        "duplicate_call",
        "missing_argument",
        "unknown_function",
    }
    assert found["duplicate_call"] == [("find_flight", right)] * 2
    assert found["unknown_function"] == [("find_flight_v2", right)]
    assert len(found["missing_argument"][0][1]) == 1
    assert schema_problem(FIND_FLIGHT["parameters"], found["wrong_type"][0][1]) is not None
    assert found["invented_id"][0][1]["origin_city"].startswith("INV-")


def test_a_skipped_question_is_a_call_with_a_value_that_nobody_gave() -> None:
    reply = play(user(FIND, "Details: origin city = Oslo"), mistakes=1.0)
    assert reply.mistake == "skipped_question"
    ((_, arguments),) = reply.tool_calls
    assert schema_problem(FIND_FLIGHT["parameters"], json.loads(arguments)) is None


def returned(text: str) -> Any:
    return orjson.loads(text.removeprefix("<func_return>").removesuffix("</func_return>"))


def test_the_same_call_gives_the_same_result_and_said_values_carry_over() -> None:
    call = {"name": "find_flight", "arguments": {"origin_city": "Oslo", "seats": 2}}
    first = run_function(FIND_FLIGHT, call, [], draw(1))
    assert schema_problem(FIND_FLIGHT["outputs"], returned(first)) is None
    past = [{**call, "result": returned(first)}]
    assert run_function(FIND_FLIGHT, call, past, draw(2)) == first
    echo = {**BOOK_FLIGHT, "outputs": FIND_FLIGHT["outputs"]}
    booking = {"name": "book_flight", "arguments": {"flight_id": "FL-9"}}
    assert returned(run_function(echo, booking, past, draw(3))) == {"flight_id": "FL-9"}


def test_a_function_without_declared_outputs_still_returns_an_object() -> None:
    call = {"name": "book_flight", "arguments": {"flight_id": "FL-9", "traveller_name": "Kim"}}
    value = returned(run_function(BOOK_FLIGHT, call, [], draw()))
    assert value["success"] is True
    assert value["input"]["flight_id"] == "FL-9"


def turn(**arguments: Any) -> dict[str, Any]:
    call = {"id": "c1", "name": "find_flight", "arguments": json.dumps(arguments)}
    return {"role": "assistant", "content": "", "tool_calls": [call]}


@pytest.mark.parametrize(
    ("arguments", "verdict"),
    [
        ({"origin_city": "Oslo", "seats": 2}, 1),
        ({"origin_city": "Bergen", "seats": 2}, 0),
        ({"origin_city": "Oslo"}, 0),
        ({"origin_city": "Oslo", "seats": "2"}, 0),
    ],
)
def test_the_turn_judge_passes_calls_that_fit_and_are_grounded(
    arguments: dict[str, Any], verdict: int
) -> None:
    history = [{"role": "user", "content": "From Oslo, 2 seats."}]
    assert judge_turn(TOOLS, history, turn(**arguments))["verdict"] == verdict


def test_the_trajectory_judge_wants_every_goal_and_a_call_that_succeeded() -> None:
    asked = [
        {"role": "user", "content": "Please find a flight. And book it."},
        {"role": "tool", "content": '{"flight_id": "FL-1"}'},
    ]
    assert judge_trajectory(INTENT, asked)["verdict"] == 1
    assert judge_trajectory(INTENT, asked[1:])["verdict"] == 0
    assert judge_trajectory(INTENT, asked[:1])["verdict"] == 0


def body(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": "standin", "messages": list(messages), **fields}


def structured(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}


def test_a_request_that_is_not_the_projects_gets_a_plain_answer() -> None:
    brain = ScriptedBrain()
    assert brain.reply(body(user("hello")), draw()).content == "You said: hello"
    assert brain.reply(body(user("</intent> <call>")), draw()).content


def test_any_reply_schema_gets_a_reply_that_fits_it() -> None:
    schema = {
        "type": "object",
        "properties": {"age": {"type": "integer", "minimum": 18}},
        "required": ["age"],
        "additionalProperties": False,
    }
    for name in ("person", "intent", "turn_verdict"):  # also under the name of one of ours
        asked = body(user("Make one up."), response_format=structured(name, schema))
        content = ScriptedBrain().reply(asked, draw()).content
        assert schema_problem(schema, orjson.loads(content or "")) is None
