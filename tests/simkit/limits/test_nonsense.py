"""Answers that make no sense, or that frighten: no wait is longer than what they imply."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simkit.limits import AccountLimiter
from simkit.traces.calls import Allowance, LimitKind, Usage
from simkit.traces.provider_errors import RateLimited

Told = Callable[[float, int], tuple[Allowance, ...]]
"""What an answer says, so many seconds after the beginning, to the n-th call."""

DAY = 24 * 3600.0


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def requests(
    per_minute: float | None = 600, remaining: float | None = None, reset: float | None = None
) -> tuple[Allowance, ...]:
    return (
        Allowance(
            limit="requests", per_minute=per_minute, remaining=remaining, reset_seconds=reset
        ),
    )


async def answered_at(told: Told, *, calls: int, workers: int = 20) -> list[float]:
    """When each of *calls* was answered, with whatever *told* says on each answer."""
    limiter = AccountLimiter()
    began = anyio.current_time()
    times: list[float] = []

    async def work() -> None:
        while len(times) < calls:
            with await limiter.reserve(10, 10, (0,)) as reservation:
                await anyio.sleep(0.3)
                now = anyio.current_time() - began
                usage = Usage(input_tokens=10, output_tokens=10)
                reservation.settle(usage, role="user", allowances=told(now, len(times)))
                times.append(now)

    async with anyio.create_task_group() as tg:
        for _ in range(workers):
            tg.start_soon(work)
    assert limiter.open_reservations == limiter.waiting == 0
    return times


def longest_gap(times: list[float]) -> float:
    return max(later - earlier for earlier, later in pairwise(times))


@pytest.mark.parametrize("reset", [None, 0, 60])
async def test_nothing_left_for_ever_is_not_believed(reset: float | None) -> None:
    times = await answered_at(lambda *_: requests(600, 0, reset), calls=1000)
    assert times[-1] <= 110  # ten a second, as the limit says
    assert longest_gap(times) <= 2


async def test_more_left_than_the_limit_changes_nothing() -> None:
    times = await answered_at(lambda *_: requests(600, 1e9, 0), calls=1000)
    assert 98 <= times[-1] <= 110


async def test_a_tiny_limit_on_one_answer_of_many_does_no_harm() -> None:
    times = await answered_at(
        lambda _, number: requests(0.001 if number == 100 else 600), calls=1000
    )
    assert times[-1] <= 110
    assert longest_gap(times) <= 2


async def test_a_tiny_limit_is_kept_to_until_an_answer_says_otherwise() -> None:
    times = await answered_at(lambda now, _: requests(0.5 if now < 100 else 600), calls=300)
    assert longest_gap(times) <= 2 * 60 / 0.98 + 1
    assert times[-1] - times[10] <= 300


async def test_a_window_that_is_used_up_holds_until_its_reset_and_no_longer() -> None:
    """
    What is left of a fixed window is spread until its reset; at that moment everything is
    back, however slow the pace was and whatever was owed.
    """
    limiter = AccountLimiter()
    began = anyio.current_time()

    async def say(reservation: Any, remaining: float, reset: float) -> None:
        with reservation:
            told = requests(600, remaining, reset)
            reservation.settle(Usage(), role="user", allowances=told)

    await say(await limiter.reserve(1, 0, (0,)), 300, 40)
    await anyio.sleep(3)
    in_flight = [await limiter.reserve(1, 0, (0,)) for _ in range(4)]
    await say(in_flight[0], 0, 37)
    times = []
    for reservation in in_flight[1:]:
        with reservation:
            pass  # a call that is cut off, and tells nothing
    for _ in range(10):
        with await limiter.reserve(1, 0, (0,)):
            times.append(anyio.current_time() - began)
    assert times[0] == pytest.approx(40)
    assert times[-1] <= 43


kinds: st.SearchStrategy[LimitKind] = st.sampled_from(
    ["requests", "tokens", "input_tokens", "output_tokens", "concurrency"]
)
allowances = st.builds(
    Allowance,
    limit=kinds,
    per_minute=st.none() | st.floats(1, 1e6),
    remaining=st.none() | st.just(0.0) | st.floats(0, 1e9),
    reset_seconds=st.none() | st.just(0.0) | st.floats(0, 1e5),
)


@given(plan=st.lists(st.lists(allowances, max_size=3), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_whatever_answers_say_no_call_waits_for_longer_than_the_slowest_limit_implies(
    plan: list[list[Allowance]], in_virtual_time: Callable[..., Any]
) -> None:
    """
    A limit of one a minute lets 20 tokens through in 20 minutes. The calls in flight may
    have to be paid off first, and a window lasts two minutes at most.
    """

    async def main() -> None:
        times = await answered_at(
            lambda _, number: tuple(plan[number % len(plan)]), calls=40, workers=4
        )
        slowest = min(
            (a.per_minute for said in plan for a in said if a.per_minute is not None), default=1
        )
        assert longest_gap([0.0, *times]) <= 130 + 2 * 5 * 20 * 60 / slowest

    in_virtual_time(main)


async def test_a_quota_that_is_back_tomorrow_is_told_once_and_waited_for() -> None:
    told: list[tuple[float, str]] = []
    limiter = AccountLimiter(
        max_in_flight=100, on_pause=lambda seconds, reason: told.append((seconds, reason))
    )
    in_flight = [await limiter.reserve(1, 0, (0,)) for _ in range(50)]
    for reservation in in_flight:
        await anyio.sleep(0.01)
        with reservation:
            reservation.refused(RateLimited("daily quota", retry_after_seconds=26 * 3600))
    refused_at = anyio.current_time()
    with await limiter.reserve(1, 0, (0,)) as reservation:
        reservation.settle(Usage(), role="user")
    assert anyio.current_time() - refused_at == pytest.approx(26 * 3600)
    assert told == [(26 * 3600, "daily quota")]


async def test_a_pause_of_minutes_is_not_worth_telling_and_a_longer_one_is_told_anew() -> None:
    told: list[float] = []
    limiter = AccountLimiter(on_pause=lambda seconds, _: told.append(seconds))
    in_flight = [await limiter.reserve(1, 0, (0,)) for _ in range(4)]
    for reservation, seconds in zip(in_flight, [60, 400, 400, DAY], strict=True):
        with reservation:
            reservation.refused(RateLimited("wait", retry_after_seconds=seconds))
    assert told == [400, DAY]


async def test_a_minute_of_refusals_without_a_hint_is_overcome_within_two_and_a_half() -> None:
    limiter = AccountLimiter()
    began = anyio.current_time()
    chance = random.Random(1)
    answered = []

    async def work() -> None:
        while anyio.current_time() - began < 300:
            with await limiter.reserve(10, 10, (0,)) as reservation:
                await anyio.sleep(chance.uniform(0.1, 0.2))
                now = anyio.current_time() - began
                if 60 <= now < 120:
                    reservation.refused(RateLimited("too fast"))
                else:
                    reservation.settle(Usage(), role="user")
                    answered.append(now)

    async with anyio.create_task_group() as tg:
        for _ in range(20):
            tg.start_soon(work)
    before = sum(30 <= time < 60 for time in answered)
    after = sum(270 <= time < 300 for time in answered)
    assert longest_gap(answered) <= 60 + 60  # the longest rest is a minute
    assert after >= 0.9 * before
