"""The client of chat completions, against real HTTP on loopback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog.testing
from aiohttp import web

from simkit.clients.http_session import environment_proxy, open_session
from simkit.clients.openai_chat import OpenAIChat
from simkit.traces.calls import Allowance, ChatRequest, ReplySchema, RequestedCall, Usage
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
    Unreachable,
    UnusableReply,
)

from .conftest import API_KEY, Handler, Listen, Serve

ARequest = Callable[..., ChatRequest]

DEEP = b'{"a":' * 1_000 + b"1" + b"}" * 1_000
"""More levels than orjson writes or `str` walks, and fewer than orjson reads."""


def a_reply(message: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "Warm."} if message is None else message,
        "finish_reason": changes.pop("finish_reason", "stop"),
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "small-model-2025",
        "choices": [choice],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
        **changes,
    }


def says(reply: Any, status: int = 200, **headers: str) -> Handler:
    """A provider that answers everything with the same text, or value as JSON."""
    body = reply if isinstance(reply, bytes) else orjson.dumps(reply)

    async def handle(request: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=body, status=status, headers=named)

    return handle


async def test_a_request_is_sent_whole_and_with_nothing_that_was_not_asked_for(
    serve: Serve, a_request: ARequest, a_function: Callable[..., Function]
) -> None:
    seen: list[tuple[str, str | None, str | None, Any]] = []

    async def handle(request: web.Request) -> web.Response:
        headers = request.headers
        body = orjson.loads(await request.read())
        seen.append((request.path, headers.get("Authorization"), headers.get("X-Team"), body))
        return web.Response(body=orjson.dumps(a_reply()))

    client = await serve(handle, extra_headers={"X-Team": "research"})
    plain = a_request()
    schema = ReplySchema(name="weather", schema={"type": "object", "properties": {}})
    full = a_request(
        tools=(a_function(),), reply_schema=schema, temperature=0.7, max_output_tokens=99, seed=5
    )
    await client.complete(plain)
    await client.complete(full)

    message = {"role": "user", "content": "How warm is it in Oslo?"}
    common = {"model": "small-model", "messages": [message]}
    asked = {
        "tools": [a_function().as_tool()],
        "response_format": orjson.loads(schema.wire),
        "temperature": 0.7,
        "max_tokens": 99,
        "seed": 5,
    }
    address = ("/v1/chat/completions", f"Bearer {API_KEY}", "research")
    assert seen == [(*address, common), (*address, common | asked)]


async def test_a_call_without_a_key_sends_no_authorization(
    serve: Serve, a_request: ARequest
) -> None:
    async def handle(request: web.Request) -> web.Response:
        assert "Authorization" not in request.headers
        return web.Response(body=orjson.dumps(a_reply()))

    client = await serve(handle, api_key=None)
    assert (await client.complete(a_request())).completion.content == "Warm."


async def test_a_reply_is_read_whole(serve: Serve, a_request: ARequest) -> None:
    usage = {
        "prompt_tokens": 120,
        "completion_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 10},
    }
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_temperature", "arguments": '{"city":"Oslo"}'},
    }
    message = {"content": None, "reasoning_content": "I look it up.", "tool_calls": [call]}
    reply = a_reply(
        message,
        finish_reason="tool_calls",
        usage=usage,
        system_fingerprint="fp_1",
        x_unknown={"a": [1]},
    )
    client = await serve(says(reply))
    answer = await client.complete(a_request())
    completion = answer.completion

    assert completion.content == ""
    assert completion.reasoning == "I look it up."
    assert completion.tool_calls == (
        RequestedCall(id="call_1", name="get_temperature", arguments='{"city":"Oslo"}'),
    )
    assert completion.finish_reason == "tool_calls"
    assert completion.usage == Usage(
        input_tokens=120, output_tokens=30, cached_input_tokens=64, reasoning_tokens=10
    )
    assert completion.model == "small-model-2025"
    assert completion.extras == {"system_fingerprint": "fp_1", "x_unknown": {"a": [1]}}
    assert answer.times.attempts == 1
    assert 0 < answer.times.provider_seconds == answer.times.total_seconds < 5


@pytest.mark.parametrize(
    ("message", "content", "reasoning"),
    [
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab", None),
        ({"content": [{"type": "image_url"}, 3, {"type": "text", "text": "b"}]}, "b", None),
        ({"content": "Warm.", "reasoning": "Hm."}, "Warm.", "Hm."),
        ({"content": "<think>\nHm.\n</think>\n\nWarm."}, "Warm.", "Hm."),
        ({"content": "<think></think>Warm."}, "Warm.", None),
        ({"content": "<think>cut while thin"}, "", "cut while thin"),
        ({"content": "I say <think>no</think>."}, "I say <think>no</think>.", None),
        ({"content": "", "refusal": "I can't help with that."}, "I can't help with that.", None),
        ({"content": None}, "", None),
        ({}, "", None),
    ],
)
async def test_text_and_reasoning_are_found_wherever_a_provider_puts_them(
    serve: Serve,
    a_request: ARequest,
    message: dict[str, Any],
    content: str,
    reasoning: str | None,
) -> None:
    client = await serve(says(a_reply(message)))
    completion = (await client.complete(a_request())).completion
    assert (completion.content, completion.reasoning) == (content, reasoning)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [({"city": "Oslo"}, '{"city":"Oslo"}'), (None, ""), ("not json", "not json")],
)
async def test_arguments_are_kept_as_written_and_objects_become_json(
    serve: Serve, a_request: ARequest, arguments: Any, text: str
) -> None:
    message = {"tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}
    client = await serve(says(a_reply(message)))
    completion = (await client.complete(a_request())).completion
    assert completion.tool_calls == (RequestedCall(id="", name="f", arguments=text),)


async def test_what_the_model_got_wrong_is_kept_for_those_who_know_what_was_asked(
    serve: Serve, a_request: ARequest
) -> None:
    calls = [
        {"id": "call_1", "function": {"name": "no_such_function", "arguments": '{"city": '}},
        {"id": "call_1", "function": {"name": "", "arguments": "[1, 2"}},
    ]
    client = await serve(says(a_reply({"content": None, "tool_calls": calls})))
    assert (await client.complete(a_request())).completion.tool_calls == (
        RequestedCall(id="call_1", name="no_such_function", arguments='{"city": '),
        RequestedCall(id="call_1", name="", arguments="[1, 2"),
    )


LIMITS = {
    "x_ratelimit_limit_requests": "500",
    "x_ratelimit_remaining_requests": "499",
    "x_ratelimit_reset_requests": "120ms",
    "x_ratelimit_limit_tokens": "NaN",
}


async def test_an_answer_tells_the_limits_that_its_headers_name(
    serve: Serve, a_request: ARequest
) -> None:
    client = await serve(says(a_reply(), **LIMITS))
    assert (await client.complete(a_request())).allowances == (
        Allowance(limit="requests", per_minute=500, remaining=499, reset_seconds=0.12),
    )


@pytest.mark.parametrize("status", [200, 400, 401, 429, 503])
async def test_a_failing_answer_tells_them_too(
    serve: Serve, a_request: ARequest, status: int
) -> None:
    client = await serve(says(error_body(), status, **LIMITS))
    with pytest.raises(ProviderError) as caught:
        await client.complete(a_request())
    assert caught.value.allowances == (
        Allowance(limit="requests", per_minute=500, remaining=499, reset_seconds=0.12),
    )


async def test_a_header_that_makes_no_sense_is_logged_once_for_each_endpoint(
    serve: Serve, a_request: ARequest
) -> None:
    client = await serve(says(error_body(), 429, **LIMITS, Retry_After=f"soon, {API_KEY}"))
    with structlog.testing.capture_logs() as log:
        for _ in range(3):
            with pytest.raises(RateLimited):
                await client.complete(a_request())
    told = [(entry["header"], entry["value"], entry["provider"]) for entry in log]
    who = told[0][2]
    assert who.startswith("small-model at http://127.0.0.1")
    assert told == [
        ("Retry-After", "soon, [key]", who),
        ("x-ratelimit-limit-tokens", "NaN", who),
    ]


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("stop", "stop"),
        ("function_call", "tool_calls"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("tired", "other"),
        (None, "other"),
        ([], "other"),
    ],
)
async def test_finish_reasons_are_mapped_to_ours(
    serve: Serve, a_request: ARequest, said: Any, read: str
) -> None:
    client = await serve(says(a_reply(finish_reason=said)))
    assert (await client.complete(a_request())).completion.finish_reason == read


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (None, Usage()),
        ("many", Usage()),
        ({"prompt_tokens": -5, "completion_tokens": 1e300}, Usage()),
        ({"prompt_tokens": True, "completion_tokens": "7"}, Usage()),
        ({"prompt_tokens": 10**15, "completion_tokens": 7}, Usage(output_tokens=7)),
        ({"prompt_tokens": 10**9, "completion_tokens": 7}, Usage(output_tokens=7)),
        (
            {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 50}},
            Usage(input_tokens=5, cached_input_tokens=5),
        ),
        ({"prompt_tokens": 5, "prompt_tokens_details": None}, Usage(input_tokens=5)),
    ],
)
async def test_odd_usage_counts_as_nothing_and_breaks_nothing(
    serve: Serve, a_request: ARequest, usage: Any, read: Usage
) -> None:
    client = await serve(says(a_reply(usage=usage)))
    assert (await client.complete(a_request())).completion.usage == read


def error_body(message: str = "no", **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error_body("bad temperature"), RequestRefused),
        (400, error_body(code="content_filter"), ContentRefused),
        (400, error_body(code="model_not_found"), ModelUnknown),
        (401, error_body("no such key"), KeyRefused),
        (402, error_body("pay"), BalanceExhausted),
        (403, error_body("not for you"), KeyRefused),
        (403, error_body("It requires moderation and was flagged"), ContentRefused),
        (404, error_body("The model `small-model` does not exist"), ModelUnknown),
        (404, {"detail": "Not Found"}, Unreachable),
        (404, b"<html>No model here</html>", Unreachable),
        (405, b"", Unreachable),
        (408, b"", ProviderUnavailable),
        (409, b"", ProviderUnavailable),
        (413, b"too long", RequestRefused),
        (418, [], RequestRefused),
        (422, {"detail": [{"loc": ["body"], "msg": "odd"}]}, RequestRefused),
        (425, b"", ProviderUnavailable),
        (429, error_body(type="requests"), RateLimited),
        (429, [{"error": {"code": 429, "message": "slow down"}}], RateLimited),
        (429, error_body(type="insufficient_quota"), BalanceExhausted),
        (429, error_body(code="billing_hard_limit_reached"), BalanceExhausted),
        (500, {"error": "overloaded"}, ProviderUnavailable),
        (503, b"<html>gateway</html>", ProviderUnavailable),
        (503, b'{"error": {"message": ' + DEEP + b"}}", ProviderUnavailable),
        (503, b'{"error": {"code": ' + DEEP + b"}}", ProviderUnavailable),
        (529, error_body(type="overloaded_error"), ProviderUnavailable),
    ],
)
async def test_each_status_is_the_kind_of_failure_that_it_means(
    serve: Serve, a_request: ARequest, status: int, body: Any, kind: type[ProviderError]
) -> None:
    client = await serve(says(body, status))
    with pytest.raises(ProviderError, match=f"HTTP {status}") as caught:
        await client.complete(a_request())
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!doctype html><p>Sorry</p>",
        b'{"choices": [{"mess',
        b"\xff\xfe",
        b'"\\ud800"',
        b"[]",
        b"null",
        b"{}",
        orjson.dumps({"choices": []}),
        orjson.dumps({"choices": [{}]}),
        b'{"choices": [{"message": {"content": "Hi"}}], "usage": {"prompt_tokens": NaN}}',
        orjson.dumps({"choices": [None]}),
        orjson.dumps({"choices": [{"message": None}]}),
        orjson.dumps({"choices": [{"message": {"content": 5}}]}),
        orjson.dumps({"choices": [{"message": {"tool_calls": {}}}]}),
        orjson.dumps({"choices": [{"message": {"tool_calls": [{"id": "a"}]}}]}),
        orjson.dumps({"choices": [{"message": {"tool_calls": [{"function": {"name": 1}}]}}]}),
        orjson.dumps({"error": {"message": "odd"}}),
        b'{"error": {"code": 500, "message": ' + DEEP + b"}}",
        b'{"error": {"message": ' + DEEP + b"}}",
        b'{"choices": [{"message": {"content": "Hi"}}], "extra": ' + DEEP + b"}",
    ],
)
async def test_what_is_no_reply_is_unusable(serve: Serve, a_request: ARequest, body: bytes) -> None:
    client = await serve(says(body))
    with pytest.raises(UnusableReply, match="small-model at http://127"):
        await client.complete(a_request())


async def test_an_error_sent_as_a_success_is_the_error_that_it_names(
    serve: Serve, a_request: ARequest
) -> None:
    client = await serve(says({"error": {"code": 502, "message": "upstream is down"}}))
    with pytest.raises(ProviderUnavailable, match="upstream is down"):
        await client.complete(a_request())


@pytest.mark.parametrize("message", [{"content": ""}, {"content": None, "refusal": "No."}])
async def test_a_reply_that_the_filter_emptied_is_refused_content(
    serve: Serve, a_request: ARequest, message: dict[str, Any]
) -> None:
    client = await serve(says(a_reply(message, finish_reason="content_filter")))
    with pytest.raises(ContentRefused, match="filtered the reply"):
        await client.complete(a_request())


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"retry_after_ms": "250", "Retry_After": "1"}, 0.25),
        ({"Retry_After": "86400"}, 86400.0),
        ({"Retry_After": "100000"}, None),
        ({"Retry_After": "6m0s"}, 360.0),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "-3"}, None),
        ({"Retry_After": "nan"}, None),
        ({}, None),
        (
            {
                "Retry_After": "Wed, 01 Jan 2025 00:01:30 GMT",
                "Date": "Wed, 01 Jan 2025 00:00:00 GMT",
            },
            90.0,
        ),
        ({"Retry_After": "Wed, 01 Jan 2020 00:00:00 GMT"}, 0.0),
        ({"Retry_After": "Wed, 01 Jan 2020 00:00:00 +99999999999999999999"}, None),
    ],
)
async def test_a_hint_to_wait_is_passed_on_when_it_makes_sense(
    serve: Serve,
    a_request: ARequest,
    status: int,
    headers: dict[str, str],
    seconds: float | None,
) -> None:
    client = await serve(says(error_body(), status, **headers))
    with pytest.raises((RateLimited, ProviderUnavailable)) as caught:
        await client.complete(a_request())
    assert caught.value.retry_after_seconds == seconds


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_a_key_that_the_provider_echoes_is_in_no_error(
    serve: Serve, a_request: ARequest, status: int
) -> None:
    client = await serve(says(error_body(f"Wrong key: {API_KEY}!"), status))
    with pytest.raises(ProviderError, match=r"Wrong key: \[key\]!") as caught:
        await client.complete(a_request())
    assert API_KEY not in repr(caught.value)


async def test_a_key_in_a_header_of_its_own_is_in_no_error_either(
    serve: Serve, a_request: ARequest
) -> None:
    secret = "0123456789abcdef"
    client = await serve(
        says(secret.encode(), 500), api_key=None, extra_headers={"api-key": secret}
    )
    with pytest.raises(ProviderUnavailable) as caught:
        await client.complete(a_request())
    assert secret not in str(caught.value)


async def test_an_echoed_key_is_removed_from_what_is_kept_of_a_reply(
    serve: Serve, a_request: ARequest
) -> None:
    reply = a_reply({"content": f"You sent {API_KEY}."}, debug={"auth": f"Bearer {API_KEY}"})
    client = await serve(says(reply))
    completion = (await client.complete(a_request())).completion
    assert completion.content == "You sent [key]."
    assert completion.extras == {"debug": {"auth": "Bearer [key]"}}


async def test_a_placeholder_for_a_key_does_not_change_what_a_model_says(
    serve: Serve, a_request: ARequest
) -> None:
    client = await serve(says(a_reply({"content": "The list is EMPTY."})), api_key="EMPTY")
    assert (await client.complete(a_request())).completion.content == "The list is EMPTY."


async def test_a_refused_key_is_named_by_where_it_comes_from(
    serve: Serve, a_request: ARequest
) -> None:
    client = await serve(says(error_body(), 401), key_hint="$ACME_API_KEY")
    with pytest.raises(KeyRefused, match=r"Check the API key \(it comes from \$ACME_API_KEY\)"):
        await client.complete(a_request())
    client = await serve(says(error_body(), 401), api_key=None, key_hint="$ACME_API_KEY")
    with pytest.raises(KeyRefused, match=r"No API key was sent: provide one in \$ACME_API_KEY"):
        await client.complete(a_request())


async def test_a_key_that_no_header_can_carry_is_refused_before_any_call(serve: Serve) -> None:
    with pytest.raises(KeyRefused, match=r"from \$ACME_API_KEY holds a line break") as caught:
        await serve(says(b""), api_key=f"{API_KEY}\n", key_hint="$ACME_API_KEY")
    assert API_KEY not in str(caught.value)


async def test_an_address_with_a_user_and_a_key_besides_is_refused_before_any_call(
    serve: Serve,
) -> None:
    with pytest.raises(KeyRefused, match="only one of them") as caught:
        await serve(says(b""), base_url="http://me:hunter2@localhost/v1")
    assert "hunter2" not in str(caught.value)


async def test_a_password_in_the_address_is_in_no_error(serve: Serve, a_request: ARequest) -> None:
    client = await serve(says(b""), base_url="http://me:hunter2@127.0.0.1:1/v1", api_key=None)
    with pytest.raises(ProviderUnavailable) as caught:
        await client.complete(a_request())
    assert "hunter2" not in str(caught.value)


async def test_a_long_complaint_is_cut(serve: Serve, a_request: ARequest) -> None:
    client = await serve(says(error_body("very long " * 10_000), 400))
    with pytest.raises(RequestRefused) as caught:
        await client.complete(a_request())
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(serve: Serve, a_request: ARequest, status: int) -> None:
    calls = 0

    async def handle(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    client = await serve(handle)
    with pytest.raises(Unreachable, match="points to /elsewhere"):
        await client.complete(a_request())
    assert calls == 1


async def test_a_compressed_reply_is_unpacked(serve: Serve, a_request: ARequest) -> None:
    async def handle(request: web.Request) -> web.Response:
        response = web.Response(body=orjson.dumps(a_reply()))
        response.enable_compression(web.ContentCoding.gzip)
        return response

    client = await serve(handle)
    assert (await client.complete(a_request())).completion.content == "Warm."


async def test_a_broken_compression_is_unusable(serve: Serve, a_request: ARequest) -> None:
    client = await serve(says(b"this is not gzip", Content_Encoding="gzip"))
    with pytest.raises(UnusableReply):
        await client.complete(a_request())


async def test_a_reply_shorter_than_announced_is_unusable(
    serve: Serve, a_request: ARequest
) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"choices": [')
        assert request.transport is not None
        request.transport.close()
        return response

    client = await serve(handle)
    with pytest.raises(UnusableReply, match="breaks off"):
        await client.complete(a_request())


async def test_a_dropped_connection_is_worth_another_try(serve: Serve, a_request: ARequest) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    client = await serve(handle)
    with pytest.raises(ProviderUnavailable, match="no connection to small-model"):
        await client.complete(a_request())


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1/v1", "http://nowhere.invalid/v1"])
async def test_nobody_there_is_unavailable_in_a_run_and_unreachable_when_checked(
    serve: Serve, a_request: ARequest, base_url: str
) -> None:
    client = await serve(says(b""), base_url=base_url)
    with pytest.raises(ProviderUnavailable, match="no connection"):
        await client.complete(a_request())
    with pytest.raises(Unreachable, match="Check the base URL"):
        await client.check()


@pytest.mark.parametrize("base_url", ["api.acme.example/v1", "http://", "ftp://x/v1", "http://[::"])
async def test_what_is_no_address_is_unreachable(
    serve: Serve, a_request: ARequest, base_url: str
) -> None:
    client = await serve(says(b""), base_url=base_url)
    with pytest.raises(Unreachable, match="that is no address"):
        await client.complete(a_request())
    with pytest.raises(Unreachable, match="that is no address"):
        await client.check()


@pytest.mark.parametrize("status", [200, 403, 404, 405, 429, 500, 501])
async def test_a_check_passes_when_anything_but_a_refusal_answers(
    serve: Serve, status: int
) -> None:
    await (await serve(says(b"<html>", status))).check()


@pytest.mark.parametrize(("status", "kind"), [(401, KeyRefused), (302, Unreachable)])
async def test_a_check_finds_a_refused_key_and_a_moved_address(
    serve: Serve, status: int, kind: type[ProviderError]
) -> None:
    client = await serve(says(error_body(API_KEY), status))
    with pytest.raises(kind) as caught:
        await client.check()
    assert API_KEY not in str(caught.value)


async def test_the_proxy_of_the_environment_is_used(
    listen: Listen, a_request: ARequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def proxy(request: web.Request) -> web.Response:
        asked.append(str(request.url))
        return web.Response(body=orjson.dumps(a_reply()))

    monkeypatch.setenv("http_proxy", await listen(proxy))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with open_session(max_connections=1) as session:
        client = OpenAIChat(
            session,
            base_url="http://provider.invalid/v1/",
            model="m",
            api_key=API_KEY,
            first_byte_seconds=5,
            total_seconds=5,
        )
        await client.complete(a_request())
    assert asked == ["http://provider.invalid/v1/chat/completions"]


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://api.acme.example/v1", "http://proxy.example:3128"),
        ("https://inside.acme.example/v1", None),
        ("http://localhost:8000/v1", None),
        ("http://127.0.0.1:8000/v1", None),
        ("http://[::1]:8000/v1", None),
        ("http://[::", None),
    ],
)
def test_no_proxy_stands_before_this_machine_or_what_is_exempt(
    monkeypatch: pytest.MonkeyPatch, url: str, proxy: str | None
) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.acme.example")
    assert environment_proxy(url) == proxy


async def test_a_password_file_of_the_user_changes_nothing(
    serve: Serve, a_request: ARequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    async def handle(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {API_KEY}"
        return web.Response(body=orjson.dumps(a_reply()))

    await (await serve(handle)).complete(a_request())
