"""The embeddings client, over real HTTP on loopback."""

from __future__ import annotations

import base64
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import numpy as np
import orjson
import pytest
from aiohttp import web

from simkit.clients.embeddings import EmbeddingRequest
from simkit.clients.http_session import open_session
from simkit.clients.openai_embeddings import OpenAIEmbeddings
from simkit.clients.retrying import Retrying, RetryPolicy
from simkit.traces.calls import Allowance, Usage
from simkit.traces.provider_errors import (
    BalanceExhausted,
    KeyRefused,
    ModelUnknown,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
    UnusableReply,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[..., Awaitable[OpenAIEmbeddings]]

KEY = "sk-proj-Q7xW2bN9vL4tR8yM"
THREE = EmbeddingRequest(texts=("one", "two", "three"))


@pytest.fixture
async def serve(listen: Callable[[Handler], Awaitable[str]]) -> AsyncIterator[Serve]:
    """Start a provider that answers with a handler, and give a client of it."""
    async with open_session(max_connections=10) as session:

        async def start(handler: Handler, **options: Any) -> OpenAIEmbeddings:
            defaults: dict[str, Any] = {
                "base_url": await listen(handler),
                "model": "small-embedder",
                "api_key": KEY,
                "connect_seconds": 5.0,
                "first_byte_seconds": 5.0,
                "total_seconds": 10.0,
            }
            return OpenAIEmbeddings(session, **(defaults | options))

        yield start


def entry(index: int | None, vector: Any) -> dict[str, Any]:
    place = {} if index is None else {"index": index}
    return {"object": "embedding", **place, "embedding": vector}


def a_reply(*entries: Any, **changes: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    return {"object": "list", "data": list(entries), "model": "m", "usage": usage, **changes}


def says(*replies: Any, status: int = 200, **headers: str) -> Handler:
    """A provider that answers with *replies* in turn, the last one again and again."""
    bodies = [reply if isinstance(reply, bytes) else orjson.dumps(reply) for reply in replies]

    async def handle(request: web.Request) -> web.Response:
        body = bodies.pop(0) if len(bodies) > 1 else bodies[0]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=body, status=status, headers=named)

    return handle


SOUND = a_reply(entry(0, [1, 0]), entry(1, [0.5, -0.5]), entry(2, [0, 2]))


async def test_texts_are_sent_as_they_are_and_the_usage_comes_back(serve: Serve) -> None:
    seen: list[tuple[str, str | None, Any]] = []

    async def handle(request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        seen.append((request.path, request.headers.get("Authorization"), body))
        return web.Response(body=orjson.dumps(SOUND))

    client = await serve(handle)
    request = EmbeddingRequest(texts=("größer", 'a "quoted" text', "x"), scenario=4)
    answer = await client.complete(request)

    asked = {
        "model": "small-embedder",
        "input": ["größer", 'a "quoted" text', "x"],
        "encoding_format": "float",
    }
    assert seen == [("/v1/embeddings", f"Bearer {KEY}", asked)]
    assert answer.vectors.dtype == np.float32
    assert answer.vectors.tolist() == [[1, 0], [0.5, -0.5], [0, 2]]
    assert answer.usage == Usage(input_tokens=7)
    assert answer.times.total_seconds > 0


def test_a_request_says_what_limits_and_queues_want_to_know() -> None:
    request = EmbeddingRequest(texts=("größer", "x"), scenario=4)
    assert (request.scenario, request.role, request.max_output_tokens) == (4, "embedder", 0)
    assert request.input_characters == len('["größer","x"]'.encode())


async def test_vectors_come_back_in_the_order_of_the_texts(serve: Serve) -> None:
    """
    Only ``index`` tells which text a vector is of; servers that batch may answer in any order.
    """
    client = await serve(says(a_reply(entry(2, [3, 3]), entry(0, [1, 1]), entry(1, [2, 2]))))
    answer = await client.complete(THREE)
    assert answer.vectors[:, 0].tolist() == [1, 2, 3]


async def test_an_index_that_is_left_out_is_the_place(serve: Serve) -> None:
    """
    Servers whose JSON is made from protocol buffers leave out an index of 0.
    """
    client = await serve(says(a_reply(entry(None, [1, 1]), entry(1, [2, 2]), entry(2, [3, 3]))))
    assert (await client.complete(THREE)).vectors[:, 0].tolist() == [1, 2, 3]


async def test_vectors_may_be_base64(serve: Serve) -> None:
    rows = np.array([[1.5, -2], [0, 3], [4, 0.25]], "<f4")
    entries = [entry(n, base64.b64encode(row.tobytes()).decode()) for n, row in enumerate(rows)]
    client = await serve(says(a_reply(*entries)))
    assert np.array_equal((await client.complete(THREE)).vectors, rows)


def packed(*numbers: float) -> str:
    return base64.b64encode(np.array(numbers, "<f4").tobytes()).decode()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ([], "of 0 texts, and was asked for 2"),
        ([entry(0, [1, 0])], "of 1 texts, and was asked for 2"),
        ([entry(n, [1, 0]) for n in range(3)], "of 3 texts, and was asked for 2"),
        ([entry(1, [1, 0]), entry(1, [0, 1])], "same index twice"),
        ([entry(0, [1, 0]), entry(2, [0, 1])], "index that is not in 0 to 1"),
        ([entry(0, [1, 0]), entry(-1, [0, 1])], "index that is not in 0 to 1"),
        ([entry(True, [1, 0]), entry(0, [0, 1])], "index that is not in 0 to 1"),
        ([entry(0, [1, 0]), entry(1, [0, 1, 0])], "different lengths"),
        ([entry(0, []), entry(1, [])], "vectors of 0 numbers"),
        ([entry(n, [0.1] * 20_000) for n in range(2)], "vectors of 20000 numbers"),
        ([entry(0, [1, None]), entry(1, [0, 1])], "no lists of numbers"),
        ([entry(0, ["1", "2"]), entry(1, [0, 1])], "no lists of numbers"),
        ([entry(0, [[1, 0]]), entry(1, [[0, 1]])], "no lists of numbers"),
        ([entry(0, [1, [0]]), entry(1, [0, 1])], "no lists of numbers"),
        ([entry(0, [True, False]), entry(1, [0, 1])], "no lists of numbers"),
        ([entry(0, None), entry(1, [0, 1])], "no lists of numbers"),
        ([entry(0, {"a": 1}), entry(1, [0, 1])], "no lists of numbers"),
        ([entry(0, "no base64!"), entry(1, [0, 1])], "no lists of numbers"),
        ([entry(0, "é"), entry(1, [0, 1])], "no lists of numbers"),
        ([entry(0, "AAA="), entry(1, [0, 1])], "no lists of numbers"),
        ([entry(0, packed(1, float("nan"))), entry(1, [0, 1])], "not finite"),
        ([entry(0, packed(1, float("-inf"))), entry(1, [0, 1])], "not finite"),
        ([entry(0, [1e300, 0]), entry(1, [0, 1])], "absurdly large"),
        (["text", "text"], "without a list of vectors"),
        ({"0": [1, 0]}, "without a list of vectors"),
        (None, "without a list of vectors"),
    ],
)
async def test_what_is_not_one_vector_for_each_text_is_unusable(
    serve: Serve, data: Any, complaint: str
) -> None:
    client = await serve(says(a_reply() | {"data": data}))
    with pytest.raises(UnusableReply, match=complaint):
        await client.complete(EmbeddingRequest(texts=("one", "two")))


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"<html>Please wait</html>", "no usable JSON: the body is an HTML page"),
        (b'{"data": [{"embedding": [NaN]}]}', "no usable JSON"),
        (b'{"data": [{"embedd', "no usable JSON"),
        (b"[1]", "no JSON object"),
        (b"", "the body is empty"),
        (b'{"error": {"message": "out of memory"}}', "an error as a reply.*out of memory"),
        (b'{"error":' + b"[" * 1_000 + b"]" * 1_000 + b"}", "no usable JSON"),
        (b'{"data":' + b"[" * 1_000 + b"]" * 1_000 + b"}", "without a list of vectors"),
    ],
)
async def test_what_is_no_reply_at_all_is_unusable(
    serve: Serve, body: bytes, complaint: str
) -> None:
    client = await serve(says(body))
    with pytest.raises(UnusableReply, match=complaint):
        await client.complete(THREE)


async def test_vectors_must_stay_as_long_as_those_before(serve: Serve) -> None:
    """
    Vectors of two models behind one address cannot be compared with each other.
    """
    longer = a_reply(*(entry(n, [1, 2, 3]) for n in range(3)))
    client = await serve(says(SOUND, longer))
    await client.complete(THREE)
    with pytest.raises(UnusableReply, match="vectors of 3 numbers, after vectors of 2"):
        await client.complete(THREE)


async def test_an_error_that_comes_with_http_200_is_that_error(serve: Serve) -> None:
    client = await serve(says({"error": {"message": "Slow down", "code": 429}}))
    with pytest.raises(RateLimited, match="Slow down"):
        await client.complete(THREE)


@pytest.mark.parametrize("tokens", [-1, 1.5, "7", None, True, 10**15])
async def test_a_usage_that_makes_no_sense_counts_as_untold(serve: Serve, tokens: Any) -> None:
    client = await serve(says(SOUND | {"usage": {"prompt_tokens": tokens}}))
    assert (await client.complete(THREE)).usage == Usage()


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"message": "Slow down", "code": "rate_limit_exceeded"}, RateLimited),
        (503, {"message": "Overloaded"}, ProviderUnavailable),
        (401, {"message": "Wrong key"}, KeyRefused),
        (404, {"message": "No such model", "code": "model_not_found"}, ModelUnknown),
        (402, {"message": "Top up"}, BalanceExhausted),
        (400, {"message": "Input too long"}, RequestRefused),
        (413, {"message": "Batch too large"}, RequestRefused),
        (422, {"message": "batch size 128 > 32"}, RequestRefused),
    ],
)
async def test_failures_mean_what_they_mean_for_chat(
    serve: Serve, status: int, error: dict[str, str], kind: type[ProviderError]
) -> None:
    client = await serve(says({"error": error}, status=status, x_ratelimit_limit_requests="600"))
    with pytest.raises(kind, match=error["message"]) as caught:
        await client.complete(THREE)
    assert caught.value.allowances == (Allowance(limit="requests", per_minute=600),)


async def test_the_limits_that_an_answer_tells_of_are_handed_on(serve: Serve) -> None:
    """
    Also those of an answer that is of no use: the call has counted.
    """
    told = (Allowance(limit="requests", per_minute=600, remaining=599),)
    headers = {"x_ratelimit_limit_requests": "600", "x_ratelimit_remaining_requests": "599"}
    client = await serve(says(SOUND, a_reply(), **headers))
    assert (await client.complete(THREE)).allowances == told
    with pytest.raises(UnusableReply) as caught:
        await client.complete(THREE)
    assert caught.value.allowances == told


async def test_an_unusable_reply_is_asked_for_again(serve: Serve) -> None:
    client = await serve(says(a_reply(), b"<html>", SOUND))
    retrying = Retrying(client, RetryPolicy(min_pause_seconds=0.001), jitter=random.Random(0))
    answer = await retrying.complete(THREE)
    assert len(answer.vectors) == 3
    assert answer.times.attempts == 3


async def test_a_cancelled_call_leaves_the_provider(serve: Serve) -> None:
    asked, left = anyio.Event(), anyio.Event()

    async def handle(request: web.Request) -> web.Response:
        asked.set()
        try:
            await anyio.sleep_forever()
        finally:
            left.set()
        raise AssertionError

    client = await serve(handle)
    async with anyio.create_task_group() as group:
        group.start_soon(client.complete, THREE)
        await asked.wait()
        group.cancel_scope.cancel()
    with anyio.fail_after(60):
        await left.wait()


async def test_an_echoed_key_is_in_no_error(serve: Serve) -> None:
    client = await serve(says({"error": {"message": f"bad key {KEY}"}}, status=401))
    with pytest.raises(KeyRefused) as caught:
        await client.complete(THREE)
    assert KEY not in str(caught.value)
