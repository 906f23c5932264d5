"""Retries, on an exact virtual clock."""

from __future__ import annotations

import gc
import random
import sys
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from simkit.clients.retrying import Retrying, RetryPolicy
from simkit.clients.scripted import Line, Scripted
from simkit.traces.calls import Answer, CallTimes, ChatRequest, Completion
from simkit.traces.events import CallRetried
from simkit.traces.provider_errors import (
    ContentRefused,
    KeyRefused,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    UnusableReply,
)

ARequest = Callable[..., ChatRequest]


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def retrying(
    *script: Line, seed: int = 1, seconds: float = 0.0
) -> tuple[Retrying[ChatRequest, Answer], list[CallRetried]]:
    """A retrying client of a script, and the list that its pauses are told to."""
    told: list[CallRetried] = []
    inner = Scripted(script, seconds=seconds)
    return Retrying(inner, RetryPolicy(), jitter=random.Random(seed), on_retry=told.append), told


async def test_a_failure_is_tried_again_and_each_pause_is_told(a_request: ARequest) -> None:
    client, told = retrying(ProviderUnavailable("down"), UnusableReply("HTML"), "hello", seconds=2)
    began = anyio.current_time()
    answer = await client.complete(a_request(scenario=4))

    assert answer.completion.content == "hello"
    assert [(event.cause, event.attempt) for event in told] == [
        ("provider_unavailable", 1),
        ("unusable_reply", 2),
    ]
    assert all(event.scenario == 4 and event.role == "assistant" for event in told)
    pauses = [event.pause_seconds for event in told]
    assert 1 <= pauses[0] <= 2
    assert 2 <= pauses[1] <= 4
    assert answer.times.attempts == 3
    assert answer.times.provider_seconds == 2
    assert answer.times.total_seconds == pytest.approx(6 + sum(pauses))
    assert answer.times.total_seconds == pytest.approx(anyio.current_time() - began)


async def test_the_start_is_when_the_caller_asked(a_request: ARequest) -> None:
    client, told = retrying(ProviderUnavailable("down"), "hello", seconds=2)
    times = (await client.complete(a_request())).times
    plain = (await retrying("hello", seconds=2)[0].complete(a_request())).times
    # The clock on the wall stands still here: both replies "end" 2 s after the same second.
    assert plain.started_at - times.started_at == pytest.approx(2 + told[0].pause_seconds, abs=1)


async def test_the_last_error_is_raised_when_the_attempts_are_used_up(a_request: ARequest) -> None:
    client, told = retrying(*[ProviderUnavailable(f"down {i}") for i in range(10)])
    with pytest.raises(ProviderUnavailable, match=r"^down 7 \(gave up after 8 attempts\)$"):
        await client.complete(a_request())
    assert len(told) == 7


@pytest.mark.parametrize("error", [ContentRefused("no"), KeyRefused("no key")])
async def test_what_another_try_cannot_help_is_raised_as_it_is(
    a_request: ARequest, error: ProviderError
) -> None:
    client, told = retrying(error, "hello")
    with pytest.raises(type(error)) as caught:
        await client.complete(a_request())
    assert caught.value is error
    assert str(error) in ("no", "no key")
    assert told == []


async def test_a_bug_is_no_failure_of_a_provider(a_request: ARequest) -> None:
    client, told = retrying()
    with pytest.raises(LookupError, match="no reply left"):
        await client.complete(a_request())
    assert told == []


async def test_garbage_is_paid_for_less_often_than_failures(a_request: ARequest) -> None:
    client, told = retrying(*[UnusableReply(f"HTML {i}") for i in range(10)])
    with pytest.raises(UnusableReply, match=r"^HTML 3 \(gave up after 4 attempts\)$"):
        await client.complete(a_request())
    assert len(told) == 3

    mixed = [ProviderUnavailable("down"), UnusableReply("HTML")] * 3
    client, _ = retrying(*mixed, "hello")
    assert (await client.complete(a_request())).times.attempts == 7


async def test_rate_limits_use_up_no_attempts(a_request: ARequest) -> None:
    limited = [RateLimited("slow down", retry_after_seconds=20) for _ in range(30)]
    failures = [ProviderUnavailable("down") for _ in range(5)]
    client, _ = retrying(*limited, *failures, "hello")
    assert (await client.complete(a_request())).times.attempts == 36


async def test_the_wait_after_a_rate_limit_is_left_to_the_limiter(a_request: ARequest) -> None:
    """Only the limiter knows when the account may be asked again, and who goes first."""
    client, told = retrying(
        *[RateLimited("slow", retry_after_seconds=333) for _ in range(20)], "hello"
    )
    began = anyio.current_time()
    await client.complete(a_request())
    assert 0.01 * 20 <= anyio.current_time() - began <= 0.05 * 20
    assert len({event.pause_seconds for event in told}) == 20


async def test_an_outage_after_rate_limits_has_short_pauses_first(a_request: ARequest) -> None:
    limited = [RateLimited("slow") for _ in range(30)]
    client, told = retrying(*limited, ProviderUnavailable("down"), "hello")
    await client.complete(a_request())
    assert 1 <= told[-1].pause_seconds <= 2


async def test_a_provider_that_asks_for_time_gets_it(a_request: ARequest) -> None:
    client, told = retrying(ProviderUnavailable("down", retry_after_seconds=33), "hello")
    await client.complete(a_request())
    assert told[0].pause_seconds == 33


@pytest.mark.parametrize("at_once", [1, 3, 30])
async def test_an_outage_of_a_minute_fails_no_request(a_request: ARequest, at_once: int) -> None:
    began = anyio.current_time()

    def line(request: ChatRequest) -> Line:
        is_over = anyio.current_time() >= began + 60
        return "hello" if is_over else ProviderUnavailable("down")

    for seed in range(100 // at_once + 10):
        began = anyio.current_time()
        inner = Scripted(line)
        client = Retrying(inner, RetryPolicy(), jitter=random.Random(seed))
        async with anyio.create_task_group() as tg:
            for scenario in range(at_once):
                tg.start_soon(client.complete, a_request(scenario))


async def test_an_outage_is_not_waited_out_for_longer_than_the_longest_pause(
    a_request: ARequest,
) -> None:
    client, told = retrying(ProviderUnavailable("down", retry_after_seconds=3600), "hello")
    await client.complete(a_request())
    assert told[0].pause_seconds == 60


async def test_patience_with_a_rate_limit_ends(a_request: ARequest) -> None:
    """A daily quota comes back within it."""
    hour = 3600
    client, _ = retrying(*[RateLimited("no") for _ in range(50)], seconds=hour)
    began = anyio.current_time()
    with pytest.raises(RateLimited, match="gave up after 37 attempts"):
        await client.complete(a_request())
    assert 36 * hour < anyio.current_time() - began < 37.1 * hour


async def test_calls_that_failed_together_do_not_come_back_together(a_request: ARequest) -> None:
    pauses = set()
    for seed in range(20):
        client, told = retrying(ProviderUnavailable("down"), "hello", seed=seed)
        await client.complete(a_request())
        pauses.add(told[0].pause_seconds)
    assert len(pauses) == 20


async def test_a_pause_can_be_cancelled(a_request: ARequest) -> None:
    client, _ = retrying(ProviderUnavailable("down", retry_after_seconds=50), "hello")
    began = anyio.current_time()
    with anyio.move_on_after(3) as scope:
        await client.complete(a_request())
    assert scope.cancelled_caught
    assert anyio.current_time() - began == 3


class Shaky:
    """Fails as transports do, with an error that nobody keeps, and then answers."""

    model = "shaky"

    def __init__(self) -> None:
        self.failures = 0

    async def complete(self, request: ChatRequest) -> Answer:
        if self.failures:
            self.failures -= 1
            raise ProviderUnavailable("down")
        return Answer(completion=Completion(content="hello"), times=CallTimes(started_at=0))


@pytest.mark.parametrize("failures", [0, 2])
async def test_a_call_leaves_no_garbage_that_holds_its_request(
    a_request: ARequest, failures: int
) -> None:
    """What must wait for the collector adds up to hundreds of megabytes at high rates."""
    inner = Shaky()
    client = Retrying(inner, RetryPolicy(), jitter=random.Random(1))
    await client.complete(a_request())  # what is made once is made now
    request = a_request()
    inner.failures = failures
    gc.collect()
    gc.disable()
    try:
        held = sys.getrefcount(request)
        await client.complete(request)
        assert sys.getrefcount(request) == held
    finally:
        gc.enable()
