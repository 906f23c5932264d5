"""The stand-in provider over real HTTP on loopback."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import anyio
import orjson
import pytest

from simkit.standin.brain_contract import Brain
from simkit.standin.faults import FaultMix
from simkit.standin.server import running, serve
from simkit.standin.settings import StandinError, StandinSettings

Build = Callable[..., dict[str, Any]]
Calling = Callable[..., AbstractAsyncContextManager[Any]]


async def test_an_answer_has_the_openai_shape_and_says_who_wrote_it(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    async with calling(echo) as caller:
        status, reply, headers = await caller.ask(a_body("a longer question"))

    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert reply["object"] == "chat.completion"
    assert reply["created"] == 0
    assert reply["model"] == "standin"
    assert reply["system_fingerprint"] == "standin"
    [choice] = reply["choices"]
    assert choice["message"] == {"role": "assistant", "content": "a longer question"}
    assert choice["finish_reason"] == "stop"
    sent = len(orjson.dumps(a_body("a longer question")))
    assert reply["usage"] == {
        "prompt_tokens": -(-sent // 4),
        "completion_tokens": 5,
        "total_tokens": -(-sent // 4) + 5,
    }
    assert "never for training" in reply["standin"]["notice"]
    assert reply["standin"]["mistake"] is None


async def test_tool_calls_get_ids_and_a_mistake_is_labelled(
    echo: Brain, a_body: Build, a_tool: Build, calling: Calling
) -> None:
    async with calling(echo) as caller:
        _, reply, _ = await caller.ask(a_body("call", tools=[a_tool()]))
        stats = await caller.stats()

    [choice] = reply["choices"]
    first, second = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["reasoning_content"] == "as asked"
    assert first["type"] == "function"
    assert first["function"]["name"] == "get_temperature"
    assert first["id"].startswith("call_")
    assert first["id"] != second["id"]
    assert reply["standin"]["mistake"] == "duplicate_call"
    assert stats["mistakes"] == {"duplicate_call": 1}


async def test_the_same_request_gets_the_same_bytes_from_any_provider_of_that_seed(
    echo: Brain, a_body: Build, a_tool: Build, calling: Calling
) -> None:
    body = a_body("call", tools=[a_tool()])
    replies = []
    for seed in (1, 1, 2):
        async with calling(echo, seed=seed) as caller:
            await caller.ask(a_body("something else first"))
            replies.append((await caller.ask(body))[1])

    assert replies[0] == replies[1]
    assert replies[0] != replies[2]


async def test_a_wrong_request_is_answered_400_and_told_in_the_stats(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    async with calling(echo) as caller:
        status, reply, _ = await caller.ask(a_body(""))
        unknown, _, _ = await caller.ask(a_body(model="other"))
        stats = await caller.stats()

    assert status == 400
    assert unknown == 404
    assert reply["error"]["type"] == "invalid_request_error"
    assert reply["error"]["param"] == "messages[0].content"
    assert reply["error"]["code"] is None
    assert stats["refused"] == {"400 messages": 1, "404 model": 1}
    assert stats["recent_refusals"][0] == reply["error"]["message"]
    assert stats["requests"] == 2
    assert stats["answered"] == 0


async def test_without_the_right_key_nothing_but_stats_is_shown(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    async with calling(echo, api_key="secret-key") as caller:
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer é"}):
            status, reply, _ = await caller.ask(a_body(), **headers)
            assert (status, reply["error"]["code"]) == (401, "invalid_api_key")
            assert "secret-key" not in str(reply)
        right = {"authorization": "Bearer secret-key"}
        assert (await caller.ask(a_body(), **right))[0] == 200
        assert (await caller.get("/v1/models"))[0] == 401
        assert (await caller.get("/v1/models", **right))[0] == 200
        assert (await caller.get("/stats"))[0] == 200


async def test_the_models_are_listed(echo: Brain, calling: Calling) -> None:
    async with calling(echo, models=("large", "small")) as caller:
        status, listed = await caller.get("/v1/models")

    assert status == 200
    assert [entry["id"] for entry in listed["data"]] == ["large", "small"]


async def test_an_unknown_address_is_answered_with_a_json_error(
    echo: Brain, calling: Calling
) -> None:
    async with calling(echo) as caller:
        status, answer = await caller.get("/v2/chat")

    assert status == 404
    assert "GET /v2/chat" in answer["error"]["message"]


async def test_too_many_requests_are_answered_429_with_advice(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    async with calling(echo, rpm=6, tpm=100_000) as caller:
        first, _, headers = await caller.ask(a_body())
        second, reply, refused = await caller.ask(a_body())
        stats = await caller.stats()

    assert (first, second) == (200, 429)
    assert headers["x-ratelimit-limit-requests"] == "6"
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert headers["x-ratelimit-limit-tokens"] == "100000"
    assert headers["x-ratelimit-reset-requests"].endswith("s")
    assert reply["error"]["code"] == "rate_limit_exceeded"
    assert 5 < float(refused["retry-after"]) <= 10
    assert stats["rate_limited"] == {"requests": 1}


async def test_a_client_that_leaves_gives_its_place_back(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    async with calling(echo, latency_seconds=3600, concurrency=1) as caller:
        stats = await caller.leave(a_body())

    assert stats["abandoned"] == 1
    assert stats["peak_in_flight"] == 1


async def test_more_at_once_than_allowed_is_refused(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    statuses: Counter[int] = Counter()

    async def ask(caller: Any) -> None:
        statuses[(await caller.ask(a_body()))[0]] += 1

    async with (
        calling(echo, latency_seconds=0.5, concurrency=3) as caller,
        anyio.create_task_group() as tg,
    ):
        for _ in range(8):
            tg.start_soon(ask, caller)

    assert statuses == {200: 3, 429: 5}


async def observed(caller: Any, body: bytes) -> str:
    """What the fault of one attempt looks like to a client."""
    url = f"{caller.base_url}/chat/completions"
    try:
        async with caller.session.post(url, data=body) as answer:
            text = await answer.text()
            if answer.status == 503:
                assert 0 <= float(answer.headers["retry-after"]) <= 1
            if answer.content_type == "text/html":
                return f"{answer.status} html"
            choices = orjson.loads(text).get("choices")
            return f"{answer.status} {'empty' if choices == [] else 'json'}"
    except aiohttp.ServerDisconnectedError:
        return "disconnected"
    except aiohttp.ClientPayloadError:
        return "cut"


LOOKS = {
    None: "200 json",
    "server_error": "500 json",
    "unavailable": "503 json",
    "bad_gateway": "502 html",
    "html_page": "200 html",
    "empty_choices": "200 empty",
    "truncated_body": "cut",
    "dropped_connection": "disconnected",
}


async def test_every_fault_reaches_the_client_as_it_was_drawn(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    settings = {"seed": 5, "faults": 0.7}
    expected, mix = [], FaultMix(StandinSettings(**settings))
    raw = [orjson.dumps(a_body(f"question {number}")) for number in range(40)]
    async with calling(echo, **settings) as caller:
        seen = [await observed(caller, body) for body in raw]
        stats = await caller.stats()
    for body in raw:
        kind, _ = mix.next_attempt(blake(body))
        expected.append(LOOKS[kind])

    assert seen == expected
    assert set(seen) == set(LOOKS.values())
    assert stats["answered"] + sum(stats["faults"].values()) == stats["requests"] == 40
    assert stats["in_flight"] == 0


def blake(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=16).digest()


async def test_a_faulted_request_is_answered_as_if_nothing_had_happened(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    body = orjson.dumps(a_body("try me"))
    async with calling(echo, seed=1) as sound:
        expected = (await sound.ask(body))[1]
    async with calling(echo, seed=1, faults=0.9) as faulty:
        while (look := await observed(faulty, body)) != "200 json":
            assert look in LOOKS.values()
        assert (await faulty.ask(body))[1] == expected


async def test_a_hang_lasts_until_the_client_gives_up(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    settings = {"faults": 1, "hangs": True}
    mix, number = FaultMix(StandinSettings(**settings)), 0
    while mix.next_attempt(blake(orjson.dumps(a_body(f"{number}"))))[0] != "hang":
        number += 1
    async with calling(echo, **settings) as caller:
        stats = await caller.leave(a_body(f"{number}"))

    assert stats["faults"] == {"hang": 1}
    assert stats["abandoned"] == 0


async def test_a_brain_that_breaks_is_answered_500_and_counted(
    echo: Brain, a_body: Build, caplog: pytest.LogCaptureFixture, calling: Calling
) -> None:
    async with calling(echo) as caller:
        url = f"{caller.base_url}/chat/completions"
        async with caller.session.post(url, json=a_body("break")) as answer:
            assert answer.status == 500
        assert (await caller.stats())["broken"] == 1
        assert (await caller.ask(a_body()))[0] == 200
    assert "the brain broke" in caplog.text


async def test_a_taken_port_is_one_clear_error(echo: Brain) -> None:
    async with running(StandinSettings(), echo) as base_url:
        port = int(base_url.removesuffix("/v1").rsplit(":", 1)[1])
        with pytest.raises(StandinError, match=rf"port {port}: .*another --port, or 0"):
            async with running(StandinSettings(port=port), echo):
                pass


async def test_serving_ends_when_it_is_cancelled_and_frees_the_port(echo: Brain) -> None:
    ready = anyio.Event()
    urls: list[str] = []

    def on_ready(base_url: str) -> None:
        urls.append(base_url)
        ready.set()

    async def serve_once(port: int) -> None:
        await serve(StandinSettings(port=port), echo, on_ready=on_ready)

    for attempt in range(2):
        port = int(urls[0].removesuffix("/v1").rsplit(":", 1)[1]) if attempt else 0
        async with anyio.create_task_group() as tg:
            tg.start_soon(serve_once, port)
            await ready.wait()
            tg.cancel_scope.cancel()
        ready = anyio.Event()
    assert urls[0] == urls[1]
    assert urls[0].startswith("http://127.0.0.1:")


async def test_the_server_speaks_ipv6_and_localhost_too(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    async with calling(echo, host="localhost") as caller:
        assert caller.base_url.startswith("http://127.0.0.1:")
    async with calling(echo, host="::1") as caller:
        assert caller.base_url.startswith("http://[::1]:")
        assert (await caller.ask(a_body()))[0] == 200
