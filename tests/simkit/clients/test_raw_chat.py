"""Raw requests over real HTTP: what goes out, what comes back, what is no reply."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
import pytest
from aiohttp import web

from simkit.clients.http_session import open_session
from simkit.clients.raw_chat import RawChat, RawRequest
from simkit.traces.calls import Usage
from simkit.traces.provider_errors import KeyRefused, ProviderUnavailable, UnusableReply

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Ask = Callable[[Handler], Awaitable[RawChat]]

REQUEST = RawRequest(number=7, body=b'{"model":"m",  "messages":[{"role":"user"}], "odd":1e2}')
REPLY = {
    "choices": [{"message": {"role": "assistant", "content": None}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 3},
    "odd": [1],
}


@pytest.fixture
async def ask(listen: Callable[[Handler], Awaitable[str]]) -> AsyncIterator[Ask]:
    """Start a provider that answers with a handler and give a client of it."""
    async with open_session(max_connections=10) as session:

        async def start(handler: Handler) -> RawChat:
            return RawChat(
                session,
                base_url=await listen(handler),
                model="m",
                api_key="sk-proj-Q7xW2bN9vL4tR8yM",
                connect_seconds=5.0,
                first_byte_seconds=5.0,
                total_seconds=5.0,
            )

        yield start


def answering(body: Any, *, status: int = 200, **headers: str) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        return web.Response(status=status, body=raw, headers=headers)

    return handler


async def test_a_body_goes_out_and_a_reply_comes_back_byte_for_byte(ask: Ask) -> None:
    sent = []
    reply = b'{\n "choices": [{"message": {}}],\n "big": 123456789012345678901234567890}'

    async def handler(request: web.Request) -> web.Response:
        sent.append((request.path, await request.read(), request.headers["Authorization"]))
        return web.Response(body=reply)

    answer = await (await ask(handler)).complete(REQUEST)

    assert sent == [("/v1/chat/completions", REQUEST.body, "Bearer sk-proj-Q7xW2bN9vL4tR8yM")]
    assert answer.reply == reply
    assert answer.times.attempts == 1


async def test_usage_and_limits_are_read_from_the_answer(ask: Ask) -> None:
    client = await ask(answering(REPLY, **{"x-ratelimit-limit-requests": "600"}))
    answer = await client.complete(REQUEST)

    assert answer.usage == Usage(input_tokens=5, output_tokens=3)
    assert [(found.limit, found.per_minute) for found in answer.allowances] == [("requests", 600)]


@pytest.mark.parametrize(
    "message",
    [{"content": None}, {"content": ""}, {"refusal": "no"}, {"tool_calls": [{"function": 3}]}],
)
async def test_what_a_model_says_is_not_judged(ask: Ask, message: dict[str, Any]) -> None:
    """
    The file of replies is there to be judged by whoever asked.
    """
    reply = {"choices": [{"message": message, "finish_reason": "content_filter"}]}
    answer = await (await ask(answering(reply))).complete(REQUEST)

    assert orjson.loads(answer.reply) == reply


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>busy</html>",
        b'{"choices": [{"mess',
        b"[]",
        {},
        {"choices": []},
        {"choices": None},
        {"choices": [None]},
        {"choices": [{"message": None}]},
        {"choices": [{"message": {}}, {"message": None}]},
        {"error": {"message": "overloaded"}},
    ],
)
async def test_what_is_no_reply_is_worth_another_try(ask: Ask, body: Any) -> None:
    client = await ask(answering(body))
    with pytest.raises(UnusableReply):
        await client.complete(REQUEST)


async def test_an_error_inside_a_success_is_what_its_code_says(ask: Ask) -> None:
    client = await ask(answering({"error": {"code": 503, "message": "no upstream"}}))
    with pytest.raises(ProviderUnavailable, match="no upstream"):
        await client.complete(REQUEST)


async def test_failures_are_those_of_every_client(ask: Ask) -> None:
    client = await ask(answering({"error": {"message": "who?"}}, status=401))
    with pytest.raises(KeyRefused):
        await client.complete(REQUEST)
    with pytest.raises(KeyRefused):
        await client.check()


def test_a_request_waits_by_its_number_and_is_measured_by_its_body() -> None:
    assert (REQUEST.scenario, REQUEST.role) == (7, "request")
    assert REQUEST.input_characters == len(REQUEST.body)
