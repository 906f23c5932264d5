"""Counters, time line and control of a running stand-in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
import pytest

from simkit.standin.brain_contract import Brain

Build = Callable[..., dict[str, Any]]
Calling = Callable[..., AbstractAsyncContextManager[Any]]


async def test_limits_change_from_now_on_and_those_in_force_are_shown(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    async with calling(echo, rpm=6) as caller:
        before = [(await caller.ask(a_body()))[0] for _ in range(2)]
        status, shown = await caller.control({"rpm": None, "otpm": 6000})
        after = [(await caller.ask(a_body()))[0] for _ in range(3)]
        _, again = await caller.control({"concurrency": 100})

    assert (before, status, after) == ([200, 429], 200, [200] * 3)
    assert shown == {"rpm": None, "tpm": None, "itpm": None, "otpm": 6000, "concurrency": None}
    assert again == shown | {"concurrency": 100}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (b"{rpm: 5}", "must be JSON"),
        (b"[5]", "must be a JSON object, not [5]"),
        ({"rpms": 5}, "no such limit; there is rpm, tpm, itpm, otpm, concurrency"),
        ({"rpm": "5"}, "must be a number, or null for no limit, not '5'"),
        ({"rpm": True}, "must be a number"),
        ({"concurrency": 1.5}, "must be a whole number"),
        ({"tpm": 0}, "tpm must be above 0"),
        ({"rpm": 1}, "rpm must permit at least 1 in a window of 10 s"),
        ({"rpm": 600, "tpm": -1}, "tpm must be above 0"),
    ],
)
async def test_nonsense_is_answered_400_and_changes_nothing(
    echo: Brain, calling: Calling, wrong: Any, message: str
) -> None:
    async with calling(echo, rpm=60, window_seconds=10) as caller:
        status, reply = await caller.control(wrong)
        _, in_force = await caller.control({})

    assert status == 400
    assert message in reply["error"]["message"]
    assert in_force["rpm"] == 60
    assert in_force["tpm"] is None


async def test_control_needs_the_key_when_there_is_one(echo: Brain, calling: Calling) -> None:
    async with calling(echo, api_key="right") as caller:
        assert (await caller.control({"rpm": 5}))[0] == 401
        status, in_force = await caller.control({}, authorization="Bearer right")
    assert (status, in_force["rpm"]) == (200, None)


async def test_the_time_line_adds_up_to_the_counters(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    async with calling(echo, concurrency=2, latency_seconds=0.3) as caller:
        async with anyio.create_task_group() as tg:
            for number in range(6):
                tg.start_soon(caller.ask, a_body(f"question {number}"))
        stats = await caller.stats()
        status, shown = await caller.get("/timeline")

    assert status == 200
    assert sum(shown["received"]) == stats["requests"] == 6
    assert sum(shown["admitted"]) == stats["admitted"] == 2
    assert sum(shown["refused"]) == stats["rate_limited"]["concurrency"] == 4
    assert sum(shown["answered"]) == stats["answered"] == 2
    assert sum(shown["input_tokens"]) == stats["input_tokens"]
    assert sum(shown["output_tokens"]) == stats["output_tokens"]
    assert 0 < stats["elapsed_seconds"] <= shown["elapsed_seconds"]


async def test_the_stats_tell_what_was_permitted_between_two_moments(
    echo: Brain, a_body: Build, calling: Calling
) -> None:
    async with calling(echo, rpm=6000, tpm=60_000) as caller:
        first = await caller.stats()
        for number in range(5):
            assert (await caller.ask(a_body(f"question {number}")))[0] == 200
        last = await caller.stats()

    requests, tokens = last["limits"]["requests"], last["limits"]["tokens"]
    assert (requests["per_minute"], tokens["per_minute"]) == (6000, 60_000)
    seconds = last["elapsed_seconds"] - first["elapsed_seconds"]
    for kind in ("requests", "tokens"):
        grown = last["limits"][kind]["permitted"] - first["limits"][kind]["permitted"]
        assert grown == pytest.approx(seconds * last["limits"][kind]["per_minute"] / 60)
    assert first["limits"]["requests"]["remaining"] == 100
    assert last["admitted"] == 5 <= 100 + seconds * 100
