"""A pause is no trouble: nobody gives up because of one, and nothing is learned from it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from simkit.clients.limited import Limited
from simkit.clients.retrying import Retrying, RetryPolicy
from simkit.clients.scripted import Scripted
from simkit.limits import AccountLimiter
from simkit.limits.pause import Pause
from simkit.traces.calls import Answer, CallSite, ChatRequest
from simkit.traces.provider_errors import ProviderUnavailable, RateLimited
from simkit.traces.records import Message

DAY = 24 * 3600.0


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


class Flaky:
    """Fails with *error* until it is well, and counts what it is asked."""

    model = "small-model"

    def __init__(self, error: Exception) -> None:
        self._error = error
        self._answering = Scripted(["hello"] * 100, model=self.model)
        self.is_well = False
        self.asked = 0

    async def complete(self, request: ChatRequest) -> Answer:
        self.asked += 1
        await anyio.sleep(0.1)
        if not self.is_well:
            raise self._error
        return await self._answering.complete(request)


@pytest.fixture
def a_request() -> Callable[[int], ChatRequest]:
    return lambda scenario: ChatRequest(
        site=CallSite(scenario=scenario, role="assistant", turn=1),
        messages=(Message(role="user", content="How warm is it in Oslo?"),),
    )


@pytest.mark.parametrize(
    "error", [ProviderUnavailable("no connection"), RateLimited("slow down")], ids=["down", "full"]
)
async def test_calls_that_failed_before_a_long_pause_succeed_after_it(
    error: Exception, a_request: Callable[[int], ChatRequest]
) -> None:
    """Retries, the silence of a provider and the limiter count no second of it."""
    limiter, pause = AccountLimiter(max_in_flight=10), Pause()
    provider = Flaky(error)
    client = Retrying(
        Limited(provider, limiter),
        RetryPolicy(attempts=4),
        jitter=random.Random(3),
        clock=pause.clock,
    )
    answers: list[str] = []

    async def call(number: int) -> None:
        answers.append((await client.complete(a_request(number))).completion.content)

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(call, number)
        await anyio.sleep(0.5)
        pause.begin()
        limiter.hold()
        await anyio.sleep(0.2)
        before, most = provider.asked, limiter.max_in_flight
        assert limiter.open_reservations == 0
        await anyio.sleep(2 * DAY)
        assert (provider.asked, limiter.max_in_flight) == (before, most)
        assert limiter.limiting() == "paused"
        pause.end()
        limiter.release()
        await anyio.sleep(0.15)  # still failing: that these fail is no reason to give up
        provider.is_well = True
    assert answers == ["hello"] * 8
    assert provider.asked > before
    assert limiter.seconds_waited["paused"] == pytest.approx(2 * DAY, rel=0.01)


async def test_the_clock_of_a_pause_stands_still_while_it_lasts() -> None:
    pause = Pause()
    began = pause.clock()
    assert pause.seconds is None
    for _ in range(2):
        await anyio.sleep(5)
        pause.begin()
        await anyio.sleep(100)
        pause.begin()  # once is enough
        assert pause.seconds == pytest.approx(100)
        assert pause.clock() - began == pytest.approx(5)
        pause.end()
        pause.end()
        began += 5


async def test_a_changed_rate_holds_at_once_also_for_those_who_wait() -> None:
    limiter = AccountLimiter(requests_per_minute=6, max_in_flight=1_000)
    admitted: list[float] = []

    async def call() -> None:
        with await limiter.reserve(1, 1, (0,)):
            admitted.append(anyio.current_time() - began)

    began = anyio.current_time()
    async with anyio.create_task_group() as group:
        for _ in range(300):
            group.start_soon(call)
        await anyio.sleep(30)
        assert len(admitted) <= 4
        limiter.tell_rate("requests", 600)
        await anyio.sleep(10)
        assert 95 <= len(admitted) <= 110
        limiter.tell_rate("requests", None)
        await anyio.sleep(0.01)
        assert len(admitted) == 300
    with pytest.raises(ValueError, match="positive"):
        limiter.tell_rate("requests", 0)


async def test_a_changed_number_of_calls_in_flight_holds_at_once() -> None:
    limiter = AccountLimiter(max_in_flight=2)

    async def call() -> None:
        with await limiter.reserve(1, 1, (0,)):
            await anyio.sleep(10)

    async with anyio.create_task_group() as group:
        for _ in range(40):
            group.start_soon(call)
        await anyio.sleep(1)
        assert limiter.open_reservations == 2
        limiter.tell_max_in_flight(20)
        await anyio.sleep(1)
        assert limiter.open_reservations == 20
        limiter.tell_max_in_flight(3)
        await anyio.sleep(10)
        assert limiter.open_reservations == 3
        limiter.tell_max_in_flight(None)
    with pytest.raises(ValueError, match="at least 1"):
        limiter.tell_max_in_flight(0)
