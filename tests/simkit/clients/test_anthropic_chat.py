"""The client of Anthropic's Messages API, against real HTTP on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
import pytest
from aiohttp import web

from simkit.clients.anthropic_chat import AnthropicChat
from simkit.clients.anthropic_request import (
    BLANK,
    DEFAULT_MAX_TOKENS,
    INVALID_JSON,
    OPENING,
    encode_messages_request,
)
from simkit.clients.http_session import open_session
from simkit.traces.calls import (
    Allowance,
    ChatRequest,
    Completion,
    ReplySchema,
    RequestedCall,
    Usage,
)
from simkit.traces.functions import Function
from simkit.traces.provider_errors import (
    BalanceExhausted,
    ContentRefused,
    KeyRefused,
    ModelUnknown,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
    UnusableReply,
)
from simkit.traces.records import Message, ToolCall

from .conftest import API_KEY, Handler, Listen

ARequest = Callable[..., ChatRequest]
AFunction = Callable[..., Function]
Serve = Callable[..., Awaitable[AnthropicChat]]

SCHEMA = ReplySchema(name="weather", schema={"type": "object", "properties": {}})


@pytest.fixture
async def serve(listen: Listen) -> AsyncIterator[Serve]:
    """Start a provider that answers with a handler, and give a client of it."""
    async with open_session(max_connections=10) as session:

        async def start(handler: Handler, **options: Any) -> AnthropicChat:
            defaults: dict[str, Any] = {
                "base_url": await listen(handler),
                "model": "small-model",
                "api_key": API_KEY,
                "connect_seconds": 5.0,
                "first_byte_seconds": 5.0,
                "total_seconds": 10.0,
            }
            return AnthropicChat(session, **(defaults | options))

        yield start


def a_reply(*content: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "small-model-2026",
        "content": list(content) or [{"type": "text", "text": "Warm."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 12, "output_tokens": 3},
    } | changes


def a_use(arguments: Any, name: str = "get_temperature") -> dict[str, Any]:
    return {"type": "tool_use", "id": "toolu_1", "name": name, "input": arguments}


def says(reply: Any, status: int = 200, **headers: str) -> Handler:
    """A provider that answers everything with the same text, or value as JSON."""
    body = reply if isinstance(reply, bytes) else orjson.dumps(reply)

    async def handle(request: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=body, status=status, headers=named)

    return handle


def streams(*events: dict[str, Any]) -> Handler:
    """A provider that answers everything with the same events."""
    body = b"".join(
        b"event: %s\ndata: %s\n\n" % (event["type"].encode(), orjson.dumps(event))
        for event in events
    )
    return says(body, content_type="text/event-stream")


def sent(request: ChatRequest) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(encode_messages_request(request, "small-model"))
    return body


def call(number: int, arguments: str = "{}") -> ToolCall:
    return ToolCall(id=f"call_{number}", name="get_temperature", arguments=arguments)


def result(number: int, content: str = "21") -> Message:
    return Message(role="tool", tool_call_id=f"call_{number}", content=content)


def user(text: str) -> Message:
    return Message(role="user", content=text)


def assistant(text: str = "", *calls: ToolCall) -> Message:
    return Message(role="assistant", content=text, reasoning="Secret.", tool_calls=calls)


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


async def test_a_request_goes_to_messages_with_key_and_version(
    serve: Serve, a_request: ARequest
) -> None:
    seen: list[Any] = []

    async def handle(request: web.Request) -> web.Response:
        names = ("x-api-key", "anthropic-version", "Authorization", "X-Team")
        seen.append((request.path, *(request.headers.get(name) for name in names)))
        seen.append(orjson.loads(await request.read()))
        return web.Response(body=orjson.dumps(a_reply()))

    client = await serve(handle, extra_headers={"X-Team": "research"})
    await client.complete(a_request())
    without_key = await serve(handle, api_key=None)
    await without_key.complete(a_request())

    assert seen == [
        ("/v1/messages", API_KEY, "2023-06-01", None, "research"),
        {
            "model": "small-model",
            "max_tokens": DEFAULT_MAX_TOKENS,
            "messages": [{"role": "user", "content": "How warm is it in Oslo?"}],
        },
        ("/v1/messages", None, "2023-06-01", None, None),
        seen[1],
    ]


def test_settings_and_tools_are_put_as_this_api_has_them(
    a_request: ARequest, a_function: AFunction
) -> None:
    function = a_function()
    body = sent(
        a_request(
            messages=(Message(role="system", content="Be brief."), user("Hello.")),
            tools=(function,),
            temperature=1.4,
            max_output_tokens=99,
            seed=5,
        )
    )
    assert body == {
        "model": "small-model",
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "Hello."}],
        "tools": [
            {
                "name": function.name,
                "description": function.description,
                "input_schema": function.parameters,
            }
        ],
        "temperature": 1.0,
        "max_tokens": 99,
    }


def test_all_results_of_a_message_stand_first_in_one_message_of_the_user(
    a_request: ARequest,
) -> None:
    body = sent(
        a_request(
            messages=(
                user("Compare."),
                assistant("I look.", call(1, '{"city":"Oslo"}'), call(2, '{"city":"Rome"}')),
                result(1, "4"),
                result(2, " "),
                user("Well?"),
            )
        )
    )
    uses = [
        {"type": "tool_use", "id": "call_1", "name": "get_temperature", "input": {"city": "Oslo"}},
        {"type": "tool_use", "id": "call_2", "name": "get_temperature", "input": {"city": "Rome"}},
    ]
    assert body["messages"] == [
        {"role": "user", "content": "Compare."},
        {"role": "assistant", "content": [text("I look."), *uses]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": "4"},
                {"type": "tool_result", "tool_use_id": "call_2"},
                text("Well?"),
            ],
        },
    ]


@pytest.mark.parametrize(
    ("messages", "turns"),
    [
        ((assistant("Hi."), user("Yes?")), [("user", OPENING), "Hi.", "Yes?"]),
        ((Message(role="system", content="Write."),), [("user", OPENING)]),
        ((user("a"), user("b"), user("c")), [("user", [text("a"), text("b"), text("c")])]),
        ((user("a"), assistant(), user(" ")), ["a", [text(BLANK)], [text(BLANK)]]),
    ],
)
def test_whatever_the_history_turns_alternate_from_the_user_on_and_none_is_blank(
    a_request: ARequest, messages: tuple[Message, ...], turns: list[Any]
) -> None:
    found = sent(a_request(messages=messages))["messages"]
    assert [turn["role"] for turn in found] == ["user", "assistant", "user"][: len(found)]
    contents = [turn[1] if isinstance(turn, tuple) else turn for turn in turns]
    assert [turn["content"] for turn in found] == contents


@pytest.mark.parametrize(
    "arguments", ["not json", "[1]", '{"city":', '{"a":' * 200 + "1" + "}" * 200]
)
def test_arguments_that_are_no_object_are_shown_as_what_they_were(
    a_request: ARequest, arguments: str
) -> None:
    history = (user("Go."), assistant("", call(1, arguments)), result(1, "error"))
    use = sent(a_request(messages=history))["messages"][1]["content"][0]
    assert use["input"] == {INVALID_JSON: arguments}


async def test_a_reply_schema_is_a_tool_that_must_be_used_and_its_input_the_reply(
    serve: Serve, a_request: ARequest
) -> None:
    reply = a_reply(text("Here:"), a_use({"warm": True}, "weather"), stop_reason="tool_use")
    client = await serve(says(reply))
    request = a_request(reply_schema=SCHEMA)
    completion = (await client.complete(request)).completion

    body = sent(request)
    assert body["tools"][0]["name"] == "weather"
    assert body["tools"][0]["input_schema"] == SCHEMA.schema
    assert body["tool_choice"]["type"] == "tool"
    assert body["tool_choice"]["name"] == "weather"
    assert completion.content == '{"warm":true}'
    assert completion.tool_calls == ()
    assert completion.finish_reason == "stop"


def test_next_to_functions_a_reply_schema_leaves_the_choice(
    a_request: ARequest, a_function: AFunction
) -> None:
    body = sent(a_request(reply_schema=SCHEMA, tools=(a_function(),)))
    assert [tool["name"] for tool in body["tools"]] == ["get_temperature", "weather"]
    assert body["tool_choice"] == {"type": "any"}


async def test_a_reply_is_read_whole(serve: Serve, a_request: ARequest) -> None:
    reply = a_reply(
        {"type": "thinking", "thinking": "I look it up.", "signature": "x"},
        {"type": "redacted_thinking", "data": "x"},
        text("A mo"),
        text("ment."),
        a_use({"city": "Oslo"}),
        {"type": "something_new"},
        stop_reason="tool_use",
        usage={
            "input_tokens": 10,
            "cache_read_input_tokens": 64,
            "cache_creation_input_tokens": 6,
            "output_tokens": 30,
        },
        x_unknown=[1],
    )
    client = await serve(
        says(
            reply,
            anthropic_ratelimit_requests_limit="50",
            anthropic_ratelimit_requests_remaining="49",
        )
    )
    answer = await client.complete(a_request())
    assert answer.completion == Completion(
        content="A moment.",
        reasoning="I look it up.",
        tool_calls=(
            RequestedCall(id="toolu_1", name="get_temperature", arguments='{"city":"Oslo"}'),
        ),
        finish_reason="tool_calls",
        usage=Usage(input_tokens=80, output_tokens=30, cached_input_tokens=64),
        model="small-model-2026",
        extras={"x_unknown": [1]},
    )
    assert answer.allowances == (Allowance(limit="requests", per_minute=50, remaining=49),)
    assert 0 < answer.times.provider_seconds == answer.times.total_seconds < 5


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "other"),
        ("tired", "other"),
        (None, "other"),
        ([], "other"),
    ],
)
async def test_stop_reasons_are_mapped_to_ours(
    serve: Serve, a_request: ARequest, said: Any, read: str
) -> None:
    client = await serve(says(a_reply(stop_reason=said)))
    assert (await client.complete(a_request())).completion.finish_reason == read


@pytest.mark.parametrize("details", [None, {"type": "refusal", "explanation": "Too cold."}])
async def test_a_refusal_is_no_reply_even_after_some_text(
    serve: Serve, a_request: ARequest, details: Any
) -> None:
    client = await serve(says(a_reply(text("Fir"), stop_reason="refusal", stop_details=details)))
    with pytest.raises(ContentRefused, match="Too cold" if details else "no reason"):
        await client.complete(a_request())


@pytest.mark.parametrize(
    "usage",
    [None, [], {"input_tokens": -1, "output_tokens": "3"}, {"input_tokens": 10**15}, {"x": 1.5}],
)
async def test_absurd_usage_counts_as_nothing(
    serve: Serve, a_request: ARequest, usage: Any
) -> None:
    client = await serve(says(a_reply(usage=usage)))
    assert (await client.complete(a_request())).completion.usage == Usage()


async def test_a_model_with_nothing_to_say_has_replied(serve: Serve, a_request: ARequest) -> None:
    client = await serve(says(a_reply() | {"content": []}))
    completion = (await client.complete(a_request())).completion
    assert (completion.content, completion.finish_reason) == ("", "stop")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Please wait</html>",
        b'{"type": "message", "content": [{"ty',
        [],
        {},
        a_reply() | {"content": "Warm."},
        a_reply() | {"content": None},
        a_reply({"type": "tool_use", "id": "toolu_1", "input": {}}),
        {"choices": []},
    ],
)
async def test_what_is_no_message_is_an_unusable_reply(
    serve: Serve, a_request: ARequest, body: Any
) -> None:
    client = await serve(says(body))
    with pytest.raises(UnusableReply):
        await client.complete(a_request())


def an_error(kind: str, message: str = "no") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


ERRORS: list[tuple[int, dict[str, Any], type[ProviderError]]] = [
    (400, an_error("invalid_request_error", "max_tokens: too large"), RequestRefused),
    (400, an_error("invalid_request_error", "Your credit balance is too low"), BalanceExhausted),
    (
        400,
        an_error("invalid_request_error", "You have reached your specified API usage limits."),
        BalanceExhausted,
    ),
    (
        400,
        an_error("invalid_request_error", "Output blocked by content filtering policy"),
        ContentRefused,
    ),
    (401, an_error("authentication_error", "invalid x-api-key"), KeyRefused),
    (402, an_error("billing_error"), BalanceExhausted),
    (403, an_error("permission_error"), KeyRefused),
    (404, an_error("not_found_error", "model: small-model"), ModelUnknown),
    (413, an_error("request_too_large"), RequestRefused),
    (429, an_error("rate_limit_error", "That would exceed your rate limit"), RateLimited),
    (500, an_error("api_error"), ProviderUnavailable),
    (504, an_error("timeout_error"), ProviderUnavailable),
    (529, an_error("overloaded_error", "Overloaded"), ProviderUnavailable),
]


@pytest.mark.parametrize(("status", "body", "kind"), ERRORS)
async def test_each_error_is_the_kind_of_failure_that_it_means(
    serve: Serve, a_request: ARequest, status: int, body: Any, kind: type[ProviderError]
) -> None:
    client = await serve(says(body, status))
    with pytest.raises(ProviderError, match=f"HTTP {status}") as caught:
        await client.complete(a_request())
    assert type(caught.value) is kind


@pytest.mark.parametrize(("status", "body", "kind"), ERRORS)
async def test_an_error_in_a_stream_means_the_same_whatever_came_before(
    serve: Serve, a_request: ARequest, status: int, body: Any, kind: type[ProviderError]
) -> None:
    client = await serve(streams(*events_of(a_reply())[:3], body), stream=True)
    with pytest.raises(ProviderError) as caught:
        await client.complete(a_request())
    assert type(caught.value) is kind


async def test_a_rate_limit_says_how_long_and_which_limit(
    serve: Serve, a_request: ARequest
) -> None:
    complaint = "This request would exceed your rate limit of 40,000 input tokens per minute"
    client = await serve(
        says(
            an_error("rate_limit_error", complaint),
            429,
            retry_after="7",
            Date="Sun, 01 Mar 2026 12:00:00 GMT",
            anthropic_ratelimit_input_tokens_limit="40000",
            anthropic_ratelimit_input_tokens_remaining="0",
            anthropic_ratelimit_input_tokens_reset="2026-03-01T12:00:07Z",
        )
    )
    with pytest.raises(RateLimited) as caught:
        await client.complete(a_request())
    assert caught.value.retry_after_seconds == 7
    assert caught.value.limit == "input_tokens"
    assert caught.value.allowances == (
        Allowance(limit="input_tokens", per_minute=40_000, remaining=0, reset_seconds=7),
    )


def events_of(whole: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a reply, each text or input in two pieces."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": whole | {"content": [], "stop_reason": None}},
        {"type": "ping"},
    ]
    for index, block in enumerate(whole["content"]):
        kind = block["type"]
        begun = block | ({"input": {}} if kind == "tool_use" else {kind: ""})
        events.append({"type": "content_block_start", "index": index, "content_block": begun})
        said = orjson.dumps(block["input"]).decode() if kind == "tool_use" else block[kind]
        delta, member = {
            "tool_use": ("input_json_delta", "partial_json"),
            "text": ("text_delta", "text"),
            "thinking": ("thinking_delta", "thinking"),
        }[kind]
        events += [
            {"type": "content_block_delta", "index": index, "delta": {"type": delta, member: piece}}
            for piece in ("", said[:3], said[3:])
        ]
        events.append({"type": "content_block_stop", "index": index})
    stop = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    usage = {"output_tokens": whole["usage"]["output_tokens"]}
    events.append({"type": "message_delta", "delta": stop, "usage": usage})
    return [*events, {"type": "message_stop"}]


FULL = a_reply(
    {"type": "thinking", "thinking": "Hmm, å."},
    text("Wärm: 暖"),
    a_use({"city": "Ålesund", "days": [1, 2]}),
    a_use({}, "now"),
    stop_reason="tool_use",
    extra="kept",
)


async def test_a_streamed_reply_is_the_same_reply(serve: Serve, a_request: ARequest) -> None:
    seen: list[Any] = []
    plain = await serve(says(FULL))
    answer = streams(*events_of(FULL))

    async def handle(request: web.Request) -> web.StreamResponse:
        seen.append(orjson.loads(await request.read())["stream"])
        return await answer(request)

    streamed = await serve(handle, stream=True)
    expected = (await plain.complete(a_request())).completion
    assert (await streamed.complete(a_request())).completion == expected
    assert expected.content == "Wärm: 暖"
    assert expected.tool_calls[1].arguments == "{}"
    assert seen == [True]


async def test_a_server_that_does_not_stream_is_read_all_the_same(
    serve: Serve, a_request: ARequest
) -> None:
    client = await serve(says(a_reply()), stream=True)
    assert (await client.complete(a_request())).completion.content == "Warm."


@pytest.mark.parametrize("left_out", range(1, 6))
async def test_a_stream_that_breaks_off_is_no_reply(
    serve: Serve, a_request: ARequest, left_out: int
) -> None:
    client = await serve(streams(*events_of(FULL)[:-left_out]), stream=True)
    with pytest.raises(UnusableReply, match="breaks off"):
        await client.complete(a_request())


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_start", "index": [], "content_block": {}},
    ],
)
async def test_an_event_out_of_place_makes_a_stream_unusable(
    serve: Serve, a_request: ARequest, event: dict[str, Any]
) -> None:
    client = await serve(streams(event, *events_of(FULL)), stream=True)
    with pytest.raises(UnusableReply):
        await client.complete(a_request())


async def test_input_that_was_cut_at_the_output_limit_stays_as_it_came(
    serve: Serve, a_request: ARequest
) -> None:
    whole = a_reply(a_use({"city": "Oslo"}), stop_reason="max_tokens")
    events = [
        event
        for event in events_of(whole)
        if event.get("delta", {}).get("partial_json") != ('{"city":"Oslo"}'[3:])
    ]
    client = await serve(streams(*events), stream=True)
    completion = (await client.complete(a_request())).completion
    assert completion.tool_calls[0].arguments == '{"c'
    assert completion.finish_reason == "length"


async def test_a_check_finds_a_wrong_key_and_sends_the_right_one(serve: Serve) -> None:
    async def handle(request: web.Request) -> web.Response:
        known = request.headers.get("x-api-key") == API_KEY
        assert (request.path, request.headers["anthropic-version"]) == ("/v1/models", "2023-06-01")
        return web.Response(status=200 if known else 401)

    await (await serve(handle)).check()
    with pytest.raises(KeyRefused):
        await (await serve(handle, api_key="sk-ant-something-else")).check()


async def test_a_key_that_a_provider_echoes_appears_in_no_error_and_no_reply(
    serve: Serve, a_request: ARequest
) -> None:
    complains = await serve(says(an_error("authentication_error", f"invalid: {API_KEY}"), 401))
    with pytest.raises(KeyRefused) as caught:
        await complains.complete(a_request())
    assert API_KEY not in str(caught.value)
    for stream in (False, True):
        whole = a_reply(text(API_KEY))
        echoes = await serve(streams(*events_of(whole)) if stream else says(whole), stream=stream)
        completion = (await echoes.complete(a_request())).completion
        assert completion.content == "[key]"
