"""A client that waits for its turn, on an exact virtual clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import pytest

from simkit.clients.limited import Limited, TokenExpectation
from simkit.clients.retrying import Retrying, RetryPolicy
from simkit.clients.scripted import Scripted
from simkit.limits import AccountLimiter
from simkit.traces.calls import Allowance, Answer, CallSite, ChatRequest, Completion, Usage
from simkit.traces.provider_errors import ProviderUnavailable, RateLimited, RequestRefused

ARequest = Callable[..., ChatRequest]


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def using(input_tokens: int, output_tokens: int) -> Completion:
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    return Completion(content="hello", usage=usage)


async def test_waiting_is_counted_as_queued_and_in_the_total(a_request: ARequest) -> None:
    client = Limited(Scripted(["a", "b"], seconds=2), AccountLimiter(requests_per_minute=6))
    first = (await client.complete(a_request())).times
    second = (await client.complete(a_request())).times
    assert (first.queued_seconds, first.total_seconds) == (0, 2)
    waited = 10 / 0.98 - 2
    assert (second.queued_seconds, second.total_seconds) == pytest.approx((waited, waited + 2))
    assert second.provider_seconds == 2


async def test_an_attempt_that_fails_says_how_long_it_had_waited(a_request: ARequest) -> None:
    script = ["a", ProviderUnavailable("down"), "b"]
    client = Limited(Scripted(script), AccountLimiter(requests_per_minute=6))
    await client.complete(a_request(0))
    with pytest.raises(ProviderUnavailable) as failed:
        await client.complete(a_request(1))
    assert failed.value.queued_seconds == pytest.approx(10 / 0.98)


async def test_waiting_is_counted_over_all_attempts_of_a_call(a_request: ARequest) -> None:
    script = ["a", ProviderUnavailable("down"), "b"]
    limited: Limited[ChatRequest, Answer] = Limited(
        Scripted(script), AccountLimiter(requests_per_minute=6)
    )
    client = Retrying(limited, RetryPolicy(max_pause_seconds=1), jitter=random.Random(1))
    await client.complete(a_request(0))
    times = (await client.complete(a_request(1))).times
    assert (times.attempts, times.queued_seconds) == (2, pytest.approx(20 / 0.98 - 1))
    assert times.total_seconds == pytest.approx(20 / 0.98)  # a pause of 1 s between the two


async def test_real_usage_replaces_the_estimate(a_request: ARequest) -> None:
    limiter = AccountLimiter(tokens_per_minute=600)  # 10 a second, a burst of 5
    client = Limited(Scripted([using(400, 100), using(1, 1)]), limiter)
    await client.complete(a_request())
    # 500 were used: the next, larger than the burst, goes when all is paid and full again.
    assert (await client.complete(a_request())).times.queued_seconds == pytest.approx(50, rel=0.01)


async def test_a_reply_without_usage_costs_its_estimate(a_request: ARequest) -> None:
    limiter = AccountLimiter(tokens_per_minute=600)
    client = Limited(Scripted(["a", "b"]), limiter)
    request = a_request(max_output_tokens=20)
    expected = TokenExpectation().of(request, request.input_characters)
    assert expected == Usage(input_tokens=round(request.input_characters / 4), output_tokens=20)
    await client.complete(request)
    tokens = expected.input_tokens + expected.output_tokens
    queued = (await client.complete(request)).times.queued_seconds
    assert queued == pytest.approx(tokens / 10, rel=0.01)


async def test_expectations_follow_what_calls_use_and_roles_apart(a_request: ARequest) -> None:
    expectation = TokenExpectation()
    request = a_request()
    judge = a_request(site=CallSite(scenario=0, role="judge", turn=1))
    size = request.input_characters
    for _ in range(200):
        expectation.learn(request, size, Usage(input_tokens=100, output_tokens=1000))
        expectation.learn(judge, size, Usage(input_tokens=100, output_tokens=5))
        expectation.learn(judge, size, Usage())  # a provider that does not count
    sent = pytest.approx(100, rel=0.02)
    expected, of_judge = expectation.of(request, size), expectation.of(judge, size)
    assert (expected.input_tokens, expected.output_tokens) == (sent, pytest.approx(1000, rel=0.01))
    assert (of_judge.input_tokens, of_judge.output_tokens) == (sent, pytest.approx(5, abs=1))
    assert expectation.of(a_request(max_output_tokens=50), size).output_tokens == 50


async def test_a_rate_limit_rests_the_whole_account(a_request: ARequest) -> None:
    limiter = AccountLimiter()
    client = Limited(Scripted([RateLimited("slow", retry_after_seconds=9), "a", "b"]), limiter)
    with pytest.raises(RateLimited):
        await client.complete(a_request())
    assert (await client.complete(a_request(1))).times.queued_seconds == 9
    assert (await client.complete(a_request(2))).times.queued_seconds == 0
    assert limiter.open_reservations == 0


async def test_older_conversations_go_first(a_request: ARequest) -> None:
    inner = Scripted(lambda _: "hello", seconds=1)
    client = Limited(inner, AccountLimiter(max_in_flight=1))
    async with anyio.create_task_group() as tg:
        for scenario in (0, 7, 3, 5):
            tg.start_soon(partial(client.complete, a_request(scenario)))
            await anyio.wait_all_tasks_blocked()
    assert [request.site.scenario for request in inner.requests] == [0, 3, 5, 7]


async def test_a_cancelled_call_leaves_nothing_taken(a_request: ARequest) -> None:
    limiter = AccountLimiter(max_in_flight=1)
    client = Limited(Scripted(["a", "b"], seconds=60), limiter)
    with anyio.move_on_after(1):
        await client.complete(a_request())
    assert limiter.open_reservations == 0
    assert (await client.complete(a_request())).times.queued_seconds == 0


async def test_judges_wait_in_a_share_of_their_own(a_request: ARequest) -> None:
    inner = Scripted(lambda _: "hello", seconds=1)
    client = Limited(inner, AccountLimiter(max_in_flight=1))

    def judge(scenario: int) -> ChatRequest:
        return a_request(site=CallSite(scenario=scenario, role="judge", turn=1))

    async with anyio.create_task_group() as tg:
        for request in [*map(a_request, range(9)), *map(judge, range(100, 108))]:
            tg.start_soon(partial(client.complete, request))
            await anyio.wait_all_tasks_blocked()
    roles = [request.role for request in inner.requests]
    assert abs(roles[1:9].count("judge") - 4) <= 1


async def test_limits_that_answers_tell_of_reach_the_limiter(a_request: ARequest) -> None:
    told = (Allowance(limit="requests", per_minute=600),)
    refusal = RateLimited("slow", retry_after_seconds=1, limit="requests")
    refusal.allowances = (Allowance(limit="tokens", per_minute=60_000),)
    failure = ProviderUnavailable("down")
    failure.allowances = (Allowance(limit="output_tokens", per_minute=6000),)

    class Telling(Scripted):
        async def complete(self, request: ChatRequest) -> Answer:
            return replace(await super().complete(request), allowances=told)

    limiter = AccountLimiter()
    client = Limited(Telling(["a", refusal, failure], seconds=1), limiter)
    await client.complete(a_request())
    assert limiter.per_minute == {"requests": pytest.approx(600, rel=0.01)}
    with pytest.raises(RateLimited):
        await client.complete(a_request())
    assert limiter.per_minute["tokens"] == pytest.approx(60_000, rel=0.01)
    with pytest.raises(ProviderUnavailable):
        await client.complete(a_request())
    assert limiter.per_minute["output_tokens"] == pytest.approx(6000, rel=0.01)


async def test_a_refused_request_leaves_nothing_taken(a_request: ARequest) -> None:
    limiter = AccountLimiter(max_in_flight=1)
    client = Limited(Scripted([RequestRefused("wrong"), "b"]), limiter)
    with pytest.raises(RequestRefused):
        await client.complete(a_request())
    assert limiter.open_reservations == 0
    assert (await client.complete(a_request())).times.queued_seconds == 0
