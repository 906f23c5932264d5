"""When calls that fail one after another are the fault of the account, on a virtual clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

from simkit.clients.pool import Member, Pool
from simkit.clients.retry_budget import RetryBudget
from simkit.clients.retrying import Retrying, RetryPolicy
from simkit.clients.scripted import Scripted
from simkit.traces.calls import Answer, ChatRequest, Client
from simkit.traces.provider_errors import (
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
    StoppedAnswering,
)

ARequest = Callable[..., ChatRequest]
Fails = Callable[[float], Exception | None]


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


@dataclass
class Provider:
    """Answers, or fails as *fails* says for the time since it was made."""

    fails: Fails
    model: str = "small-model"

    def __post_init__(self) -> None:
        self._began = anyio.current_time()
        self._answering = Scripted(["hello"] * 100_000, model=self.model)

    async def complete(self, request: ChatRequest) -> Answer:
        await anyio.sleep(0.1)
        error = self.fails(anyio.current_time() - self._began)
        if error is not None:
            raise error
        return await self._answering.complete(request)


async def outcomes(
    inner: Client[ChatRequest, Answer],
    a_request: ARequest,
    *,
    calls: int,
    at_once: int,
    policy: RetryPolicy | None = None,
    budget: RetryBudget | None = None,
) -> list[str]:
    """What becomes of so many calls, until one says that all must stop."""
    client = Retrying(inner, policy or RetryPolicy(), jitter=random.Random(7), budget=budget)
    told: list[str] = []
    left = iter(range(calls))

    async def work() -> None:
        for scenario in left:
            try:
                await client.complete(a_request(scenario=scenario))
            except (ProviderUnavailable, RequestRefused) as error:
                told.append(error.cause)
            else:
                told.append("answered")

    async with anyio.create_task_group() as tg:
        for _ in range(at_once):
            tg.start_soon(work)
    return told


def down(seconds: float) -> Exception | None:
    return ProviderUnavailable("no connection") if seconds >= 2 else None


@pytest.mark.parametrize("at_once", [1, 16, 400])
async def test_a_provider_that_is_lost_for_good_stops_the_work_after_a_few_minutes(
    a_request: ARequest, at_once: int
) -> None:
    began = anyio.current_time()
    with pytest.raises(ExceptionGroup) as raised:
        await outcomes(Provider(down), a_request, calls=10**6, at_once=at_once)
    (stopped, *_) = raised.value.exceptions
    assert isinstance(stopped, StoppedAnswering)
    words = r"^small-model has given no usable answer since \d{4}-.* \(\d+ s\): no connection"
    assert anyio.current_time() - began < 600
    with pytest.raises(StoppedAnswering, match=words):
        raise stopped


async def test_an_outage_that_is_shorter_than_the_retries_stops_nothing(
    a_request: ARequest,
) -> None:
    def away(seconds: float) -> Exception | None:
        return ProviderUnavailable("no connection") if 10 <= seconds < 70 else None

    made = await outcomes(Provider(away), a_request, calls=5_000, at_once=16)
    assert set(made) == {"answered"}


@pytest.mark.parametrize(("share", "attempts"), [(0.01, 1), (0.3, 1), (0.5, 3)])
async def test_a_flaky_provider_stops_nothing(
    a_request: ARequest, share: float, attempts: int
) -> None:
    chance = random.Random(3)

    def flaky(_: float) -> Exception | None:
        return ProviderUnavailable("HTTP 500") if chance.random() < share else None

    policy = RetryPolicy(attempts=attempts)
    made = await outcomes(Provider(flaky), a_request, calls=2000, at_once=8, policy=policy)
    assert len(made) == 2000
    assert "provider_unavailable" in made


async def test_without_retries_ten_lost_calls_in_a_row_are_enough(a_request: ARequest) -> None:
    policy = RetryPolicy(attempts=1)
    with pytest.raises(ExceptionGroup):
        await outcomes(Provider(down), a_request, calls=1000, at_once=4, policy=policy)
    assert anyio.current_time() < 4


@pytest.mark.parametrize("other", [RateLimited("slow down"), RequestRefused("too long")])
async def test_a_provider_that_refuses_is_not_silent(a_request: ARequest, other: Exception) -> None:
    chance = random.Random(3)

    def busy(_: float) -> Exception | None:
        return other if chance.random() < 0.5 else ProviderUnavailable("HTTP 500")

    policy = RetryPolicy(attempts=1)
    with anyio.move_on_after(60) as limit:
        await outcomes(Provider(busy), a_request, calls=10**6, at_once=2, policy=policy)
    assert limit.cancelled_caught


async def test_a_fallback_is_used_before_the_work_stops(a_request: ARequest) -> None:
    def member(client: Client[ChatRequest, Answer]) -> Member[ChatRequest, Answer]:
        return Member(client=client, backlog=lambda: 0.0)

    pool = Pool([member(Provider(down))], [member(Provider(lambda _: None, model="other"))])
    made = await outcomes(pool, a_request, calls=3000, at_once=8)
    assert set(made) == {"answered"}
