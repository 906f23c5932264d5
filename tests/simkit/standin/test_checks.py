"""Requests are refused where hosted APIs refuse them, with the place named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from simkit.standin.checks import RequestChecker
from simkit.standin.invalid_request import InvalidRequest
from simkit.traces.calls import ReplySchema
from simkit.traces.functions import Function
from simkit.traces.records import Message, ToolCall

Build = Callable[..., dict[str, Any]]


@pytest.fixture
def checker() -> RequestChecker:
    return RequestChecker(("standin",))


def refusal(checker: RequestChecker, body: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        checker.checked(body if isinstance(body, bytes) else orjson.dumps(body))
    return caught.value


def user(content: Any = "hi") -> dict[str, Any]:
    return {"role": "user", "content": content}


def calling(*ids: Any, **changes: Any) -> dict[str, Any]:
    function = {"name": "look_up", "arguments": "{}"} | changes
    calls = [{"id": call_id, "type": "function", "function": function} for call_id in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(call_id: Any, content: str = "{}") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def test_what_our_own_records_put_on_the_wire_is_accepted(
    checker: RequestChecker, a_function: Callable[..., Function]
) -> None:
    call = ToolCall(id="call_1", name="get_temperature", arguments='{"city":"Oslo"}')
    messages = (
        Message(role="system", content="You help."),
        Message(role="user", content="How warm is it?"),
        Message(role="assistant", tool_calls=(call,), reasoning="hm"),
        Message(role="tool", content='{"celsius":2}', tool_call_id="call_1"),
    )
    reply_schema = ReplySchema(name="answer", schema={"type": "object", "properties": {}})
    body = {
        "model": "standin",
        "messages": [orjson.Fragment(message.wire) for message in messages],
        "tools": [orjson.Fragment(a_function().tool_json)],
        "response_format": orjson.Fragment(reply_schema.wire),
        "temperature": 1,
        "max_tokens": 100,
        "seed": 2**31 - 1,
    }

    checked = checker.checked(orjson.dumps(body))

    assert [message["role"] for message in checked["messages"]] == [m.role for m in messages]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"<html>"])
def test_a_body_that_is_no_json_object_is_refused(checker: RequestChecker, raw: bytes) -> None:
    assert "body of your request" in str(refusal(checker, raw))


def test_an_unknown_model_is_not_found(checker: RequestChecker, a_body: Build) -> None:
    fault = refusal(checker, a_body(model="gpt-9"))
    assert (fault.status, fault.code, fault.param) == (404, "model_not_found", "model")
    assert refusal(checker, {"messages": [user()]}).param == "model"


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        (None, "messages"),
        ([], "messages"),
        (["hi"], "messages[0]"),
        ([{"role": "robot", "content": "hi"}], "messages[0].role"),
        ([{"role": ["user"], "content": "hi"}], "messages[0].role"),
        ([user(), {"role": "system", "content": "late"}], "messages[1].role"),
        ([user("")], "messages[0].content"),
        ([user(None)], "messages[0].content"),
        ([user([{"type": "text", "text": "hi"}])], "messages[0].content"),
        ([{"role": "user"}], "messages[0].content"),
        ([user(), {"role": "assistant", "content": None}, user()], "messages[1].content"),
        ([user(), {"role": "assistant", "content": "done"}], "messages[1]"),
        ([{**user(), "reasoning_content": "hm"}], "messages[0].reasoning_content"),
        ([user(), {**calling(), "content": "x"}, user()], "messages[1].tool_calls"),
        ([user(), calling(""), result("")], "messages[1].tool_calls[0].id"),
        ([user(), calling("a", "a"), result("a")], "messages[1].tool_calls[1].id"),
        (
            [user(), calling("a"), result("a"), calling("a"), result("a")],
            "messages[3].tool_calls[0].id",
        ),
        (
            [user(), calling("a", name="no spaces"), result("a")],
            "messages[1].tool_calls[0].function.name",
        ),
        (
            [user(), calling("a", arguments={}), result("a")],
            "messages[1].tool_calls[0].function.arguments",
        ),
        ([user(), calling("a"), user()], "messages[2]"),
        ([user(), calling("a", "b"), result("a")], "messages"),
        ([user(), calling("a", "b"), result("a"), user()], "messages[3]"),
        ([user(), calling("a"), result("b")], "messages[2].tool_call_id"),
        ([user(), calling("a"), result("a"), result("a")], "messages[3].tool_call_id"),
        ([user(), result("a")], "messages[1].tool_call_id"),
        ([user(), calling("a"), result(["a"])], "messages[2].tool_call_id"),
        ([user(), calling("a"), result("a", "")], "messages[2].content"),
    ],
)
def test_a_broken_conversation_is_refused_at_its_first_fault(
    checker: RequestChecker, messages: Any, param: str
) -> None:
    fault = refusal(checker, {"model": "standin", "messages": messages})
    assert (fault.status, fault.param) == (400, param)
    assert f"'{param}'" in str(fault)


def test_calls_may_be_answered_in_any_order(checker: RequestChecker) -> None:
    messages = [user(), calling("a", "b"), result("b"), result("a")]
    checker.checked(orjson.dumps({"model": "standin", "messages": messages}))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 2.5}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"seed": "seven"}, "seed"),
        ({"stream": "yes"}, "stream"),
        ({"stream": True, "stream_options": True}, "stream_options"),
        ({"n": 2}, "n"),
        ({"max_token": 5}, "max_token"),
        ({"tools": []}, "tools"),
        ({"tools": {}}, "tools"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ],
)
def test_a_field_with_a_wrong_value_is_refused(
    checker: RequestChecker, a_body: Build, fields: dict[str, Any], param: str
) -> None:
    assert refusal(checker, a_body(**fields)).param == param


def test_an_unknown_field_is_answered_with_the_known_ones(
    checker: RequestChecker, a_body: Build
) -> None:
    assert "max_tokens, messages" in str(refusal(checker, a_body(max_token=5)))


@pytest.mark.parametrize(
    ("parameters", "place"),
    [
        ({"type": "string"}, ""),
        ({"properties": []}, ".properties"),
        ({"properties": None}, ".properties"),
        ({"required": ["town"]}, ".required"),
        ({"required": "city"}, ".required"),
        ({"properties": {"city": {"type": "text"}}}, ".properties.city.type"),
        ({"properties": {"city": {"type": "array"}}}, ".properties.city"),
        ({"properties": {"city": {"$ref": "https://x.org/s"}}}, ".properties.city.$ref"),
        ({"properties": {"city": {"$ref": "#/$defs/no"}}}, ".properties.city.$ref"),
    ],
)
def test_an_unusable_schema_is_refused_where_it_is_broken(
    checker: RequestChecker,
    a_body: Build,
    a_tool: Build,
    parameters: dict[str, Any],
    place: str,
) -> None:
    tools = [a_tool("sound"), a_tool("broken", **parameters)]
    for _ in range(2):  # what was refused once is not remembered as sound
        fault = refusal(checker, a_body(tools=tools))
        assert fault.param == f"tools[1].function.parameters{place}"


def test_a_local_reference_may_lead_anywhere_in_the_schema(
    checker: RequestChecker, a_body: Build, a_tool: Build
) -> None:
    properties = {
        "a": {"anyOf": [{"type": "string"}, {"$ref": "#"}]},
        "b": {"$ref": "#/properties/a/anyOf/0"},
    }
    tool = a_tool(properties=properties, required=[])
    checker.checked(orjson.dumps(a_body(tools=[tool])))


def test_a_schema_that_nests_without_end_is_refused(
    checker: RequestChecker, a_body: Build, a_tool: Build
) -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(200):
        deep = {"type": "array", "items": deep}
    assert "nested deeper" in str(
        refusal(checker, a_body(tools=[a_tool(properties={"city": deep})]))
    )


def test_tools_need_legal_unique_names_and_a_description(
    checker: RequestChecker, a_body: Build, a_tool: Build
) -> None:
    silent = a_tool()
    del silent["function"]["description"]
    for tools, param in (
        ([a_tool("get it")], "tools[0].function.name"),
        ([a_tool("n" * 65)], "tools[0].function.name"),
        ([a_tool("a"), a_tool("a")], "tools[1].function.name"),
        ([silent], "tools[0].function.description"),
        ([{"type": "retrieval"}], "tools[0]"),
        ([a_tool(f"t{number}") for number in range(129)], "tools"),
    ):
        assert refusal(checker, a_body(tools=tools)).param == param


def test_a_tool_choice_must_be_among_the_tools(
    checker: RequestChecker, a_body: Build, a_tool: Build
) -> None:
    def choosing(name: str) -> dict[str, Any]:
        choice = {"type": "function", "function": {"name": name}}
        return a_body(tools=[a_tool("there")], tool_choice=choice)

    checker.checked(orjson.dumps(choosing("there")))
    assert refusal(checker, choosing("elsewhere")).param == "tool_choice"


def test_a_reply_schema_needs_a_legal_name_and_an_object(
    checker: RequestChecker, a_body: Build
) -> None:
    def asking(**changes: Any) -> dict[str, Any]:
        wanted = {"name": "answer", "schema": {"type": "object", "properties": {}}} | changes
        return a_body(response_format={"type": "json_schema", "json_schema": wanted})

    checker.checked(orjson.dumps(asking()))
    where = "response_format.json_schema"
    assert refusal(checker, asking(name="an answer")).param == f"{where}.name"
    assert (
        refusal(checker, asking(schema={"type": "array", "items": {}})).param == f"{where}.schema"
    )
    assert refusal(checker, asking(schema=None)).param == f"{where}.schema"
