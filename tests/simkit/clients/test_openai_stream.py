"""Streamed chat completions give the same as whole ones, or count for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson
import pytest
from aiohttp import web

from simkit.traces.calls import ChatRequest, Completion, RequestedCall, Usage
from simkit.traces.provider_errors import (
    ContentRefused,
    ProviderError,
    ProviderUnavailable,
    UnusableReply,
)

from .conftest import API_KEY, Handler, Serve

ARequest = Callable[..., ChatRequest]

DONE = b"data: [DONE]\n\n"
STOP: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def event(value: Any) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def delta(**fields: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "model": "small-model-2025",
        "system_fingerprint": "fp_1",
        "obfuscation": "aX9",
        "usage": None,
        "choices": [{"index": 0, "delta": fields, "finish_reason": None}],
    }


def call(index: int | None, arguments: Any, **fields: Any) -> dict[str, Any]:
    name = {"name": fields.pop("name")} if "name" in fields else {}
    place = {} if index is None else {"index": index}
    return delta(tool_calls=[{**place, **fields, "function": {**name, "arguments": arguments}}])


def streams(chunks: Iterable[bytes], *, broken_off: bool = False) -> Handler:
    """A provider that streams the same chunks to everybody."""

    async def handle(request: web.Request) -> web.StreamResponse:
        asked = orjson.loads(await request.read())
        assert (asked["stream"], asked["stream_options"]) == (True, {"include_usage": True})
        headers = {"Content-Type": "text/event-stream; charset=utf-8", "x-ratelimit-limit-req": "9"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if broken_off:
            assert request.transport is not None
            request.transport.close()
        return response

    return handle


@pytest.fixture
def complete(serve: Serve, a_request: ARequest) -> Callable[..., Any]:
    """Ask a provider that streams the given chunks."""

    async def ask(*chunks: bytes, broken_off: bool = False) -> Completion:
        client = await serve(streams(chunks, broken_off=broken_off), stream=True)
        return (await client.complete(a_request())).completion

    return ask


Complete = Callable[..., Any]

WHOLE = [
    event(delta(role="assistant", content="")),
    b": keep-alive\n\n",
    event(delta(reasoning_content="I look ")),
    event(delta(reasoning_content="it up.")),
    event(delta(content="Grüße ")),
    event(delta(content="🌍!")),
    event(call(0, "", id="call_1", name="get_temperature")),
    event(call(0, '{"city":')),
    event(call(1, "{}", id="call_2", name="get_time")),
    event(call(0, '"Oslo"}')),
    event({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
    event({"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 3}}),
    DONE,
]

EXPECTED = Completion(
    content="Grüße 🌍!",
    reasoning="I look it up.",
    tool_calls=(
        RequestedCall(id="call_1", name="get_temperature", arguments='{"city":"Oslo"}'),
        RequestedCall(id="call_2", name="get_time", arguments="{}"),
    ),
    finish_reason="tool_calls",
    usage=Usage(input_tokens=12, output_tokens=3),
    model="small-model-2025",
    extras={"system_fingerprint": "fp_1"},
)


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
async def test_a_streamed_reply_is_the_same_as_a_whole_one_however_it_is_cut(
    complete: Complete, size: int, ends: bytes
) -> None:
    text = b"".join(WHOLE).replace(b"\n", ends)
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    assert await complete(*chunks) == EXPECTED


async def test_a_streamed_answer_tells_the_limits_and_the_times(
    serve: Serve, a_request: ARequest
) -> None:
    client = await serve(streams(WHOLE), stream=True)
    answer = await client.complete(a_request())
    assert [(it.limit, it.per_minute) for it in answer.allowances] == [("requests", 9)]
    assert 0 < answer.times.provider_seconds < 5


async def test_streamed_calls_reuse_their_connection(serve: Serve, a_request: ARequest) -> None:
    ports = set()

    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        return await streams(WHOLE)(request)

    client = await serve(handle, stream=True)
    for _ in range(5):
        await client.complete(a_request())
    assert len(ports) == 1


async def test_a_server_that_ignores_streaming_is_read_as_it_answers(
    serve: Serve, a_request: ARequest
) -> None:
    reply = {"choices": [{"message": {"content": "Warm."}, "finish_reason": "stop"}]}

    async def handle(request: web.Request) -> web.Response:
        return web.json_response(reply)

    client = await serve(handle, stream=True)
    assert (await client.complete(a_request())).completion == Completion(content="Warm.")


@pytest.mark.parametrize(
    "pieces",
    [
        [call(None, "{}", id="a", name="f"), call(None, "[]", id="b", name="g")],
        [call(0, "{}", id="a", name="f"), call(0, "[]", id="b", name="g")],
        [call(None, "{", id="a", name="f"), call(None, "}"), call(None, "[]", id="b", name="g")],
        [call(0, {}, id="a", name="f"), call(1, [], id="b", name="g")],
        [
            call(0, "{", id="a", name="f"),
            call(0, "}", id="a", name="f"),
            call(1, "[]", id="b", name="g"),
        ],
    ],
)
async def test_tool_calls_are_told_apart_by_whatever_a_server_gives(
    complete: Complete, pieces: list[Any]
) -> None:
    completion = await complete(*map(event, pieces), event(STOP), DONE)
    assert completion.tool_calls == (
        RequestedCall(id="a", name="f", arguments="{}"),
        RequestedCall(id="b", name="g", arguments="[]"),
    )


async def test_a_refusal_is_put_together_too(complete: Complete) -> None:
    chunks = (event(delta(refusal="I can't ")), event(delta(refusal="do that.")))
    assert (await complete(*chunks, event(STOP), DONE)).content == "I can't do that."
    filtered = {"choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]}
    with pytest.raises(ContentRefused):
        await complete(*chunks, event(filtered), DONE)


async def test_an_end_without_done_is_an_end_when_the_model_had_stopped(
    complete: Complete,
) -> None:
    assert (await complete(event(delta(content="Warm.")), event(STOP))).content == "Warm."


async def test_a_key_is_removed_even_when_it_comes_in_pieces(complete: Complete) -> None:
    pieces = (event(delta(content=f"You sent {API_KEY[:9]}")), event(delta(content=API_KEY[9:])))
    assert (await complete(*pieces, event(STOP), DONE)).content == "You sent [key]"


PIECE = event(delta(content="Wa"))


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [PIECE],
        [PIECE, DONE],
        [PIECE, event(STOP)[:-9]],
        [PIECE, b"data: {cut\n\n"],
        [PIECE, b"data: []\n\n"],
        [PIECE, event({"choices": "none"})],
        [PIECE, event({"error": {"message": "upstream fell over"}}), event(STOP), DONE],
        [PIECE, b"event: error\n" + event({"error": "upstream fell over"}), event(STOP), DONE],
        [event(delta(content=5)), event(STOP), DONE],
        [event(delta(tool_calls={})), event(delta(tool_calls={"a": 1})), event(STOP), DONE],
        [event(delta(tool_calls=[7])), event(STOP), DONE],
        [event(call(0, "{}", id="call_1")), event(STOP), DONE],
    ],
)
async def test_a_part_of_a_reply_never_counts(complete: Complete, chunks: list[bytes]) -> None:
    with pytest.raises(UnusableReply, match="small-model at http://127"):
        await complete(*chunks)


async def test_a_connection_lost_within_a_stream_is_worth_another_try(complete: Complete) -> None:
    with pytest.raises((UnusableReply, ProviderUnavailable)):
        await complete(PIECE, event(STOP), broken_off=True)


async def test_an_error_within_a_stream_is_the_error_that_it_names(complete: Complete) -> None:
    error = {"error": {"code": 503, "message": "no capacity"}}
    with pytest.raises(ProviderUnavailable, match="no capacity"):
        await complete(PIECE, event(error))


async def test_a_failure_before_the_stream_is_read_as_ever(
    serve: Serve, a_request: ARequest
) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "no"}}, status=400)

    client = await serve(handle, stream=True)
    with pytest.raises(ProviderError, match="HTTP 400"):
        await client.complete(a_request())
