"""What one account's answers tell of its limits, and how load and hangs reach a client."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from hashlib import blake2b
from typing import Any

import anyio
import orjson

from simkit.standin.brain_contract import Brain
from simkit.standin.faults import FaultMix
from simkit.standin.latency import draw_latency
from simkit.standin.settings import StandinSettings

Build = Callable[..., dict[str, Any]]
Calling = Callable[..., AbstractAsyncContextManager[Any]]

BARE = {"error": {"message": "Too many requests", "type": "rate_limit_error"}}


def telling(headers: Any) -> set[str]:
    """The names of the headers that tell of limits."""
    names = {name.lower() for name in headers}
    return {name for name in names if "ratelimit" in name or name == "retry-after"}


async def answered_and_refused(
    calling: Calling, echo: Brain, body: Any, **settings: Any
) -> tuple[set[str], dict[str, Any], set[str]]:
    """Telling headers of an answer; body and telling headers of a refusal."""
    async with calling(echo, rpm=1, tpm=10**6, **settings) as caller:
        _, _, headers = await caller.ask(body)
        status, refusal, refused_headers = await caller.ask(body)
    assert status == 429
    return telling(headers), refusal, telling(refused_headers)


async def test_all_hints_name_the_limit_its_level_and_the_time_to_wait(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    told, refusal, refused = await answered_and_refused(calling, echo, a_body())
    assert {"x-ratelimit-remaining-requests", "x-ratelimit-reset-tokens"} <= told
    assert refused == told | {"retry-after"}
    assert refusal["error"]["type"] == "requests"


async def test_an_account_may_tell_only_when_to_come_back(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    told = await answered_and_refused(calling, echo, a_body(), hints="retry_after")
    assert told == (set(), BARE, {"retry-after"})


async def test_an_account_may_tell_nothing(echo: Brain, a_body: Build, calling: Calling) -> None:
    told = await answered_and_refused(calling, echo, a_body(), hints="none")
    assert told == (set(), BARE, set())


async def test_the_reset_of_a_fixed_window_counts_down_to_its_end(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    async with calling(echo, rpm=1, window_seconds=3600) as caller:
        _, _, headers = await caller.ask(a_body())
        for _ in range(59):
            assert (await caller.ask(a_body()))[0] == 200
        status, _, refused = await caller.ask(a_body())
        left = 3600 - anyio.current_time() % 3600

    assert headers["x-ratelimit-limit-requests"] == "1"
    assert headers["x-ratelimit-remaining-requests"] == "59"
    assert status == 429
    assert left <= float(refused["retry-after"]) < left + 5


async def test_input_and_output_limits_have_headers_of_their_own(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    async with calling(echo, itpm=60_000, otpm=60) as caller:
        _, _, headers = await caller.ask(a_body("x" * 400))
        status, refusal, _ = await caller.ask(a_body("x" * 400))

    assert headers["x-ratelimit-limit-input-tokens"] == "60000"
    assert headers["x-ratelimit-remaining-output-tokens"] == "0"
    assert (status, refusal["error"]["type"]) == (429, "output_tokens")


async def test_load_makes_answers_slower(echo: Brain, a_body: Build, calling: Calling) -> None:
    body = orjson.dumps(a_body())
    mix = FaultMix(StandinSettings())
    _, draw = mix.next_attempt(blake2b(body, digest_size=16).digest())
    unloaded = draw_latency(0.05, 2, draw)
    async with calling(echo, latency_seconds=0.05, slowdown_at=0.5) as caller:
        began = time.monotonic()
        assert (await caller.ask(body))[0] == 200

    assert time.monotonic() - began >= 3 * unloaded  # itself is the one in flight


async def test_an_attempt_drawn_to_hang_is_never_answered_and_frees_its_place(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    async with calling(echo, hang_share=1, concurrency=1) as caller:
        stats = await caller.leave(a_body())

    assert stats["faults"] == {"hang": 1}
    assert stats["admitted"] == 1
