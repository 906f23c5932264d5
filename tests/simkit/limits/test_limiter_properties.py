"""What holds of the limiter whatever is asked of it, in virtual time."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simkit.limits import AccountLimiter
from simkit.traces.calls import Usage
from simkit.traces.provider_errors import RateLimited

InVirtualTime = Callable[[Callable[[], Awaitable[Any]]], Any]

JITTER_SECONDS = 0.05


@dataclass(frozen=True)
class Plan:
    """One call that will be made."""

    at: float
    estimate: float
    """Of its tokens, as a share of what the limit allows in a second."""
    used: float
    """As a share of the estimate."""
    jitter: float
    """On its way, as a share of the most that there is."""
    patience: float
    """Cancelled after so many seconds."""


plans = st.lists(
    st.builds(
        Plan,
        at=st.floats(0, 20),
        estimate=st.floats(0, 0.9),
        used=st.floats(0, 1),
        jitter=st.floats(0, 1),
        patience=st.sampled_from([0.0, 0.01, 0.3, 5.0, 1e6]),
    ),
    min_size=1,
    max_size=60,
)


def most_within(events: list[tuple[float, float]], seconds: float) -> float:
    """The largest sum of amounts over any window of *seconds*; events are (time, amount)."""
    worst, start, total = 0.0, 0, 0.0
    for time, amount in events:
        total += amount
        while events[start][0] <= time - seconds:
            total -= events[start][1]
            start += 1
        worst = max(worst, total)
    return worst


def tolerated_jitter(per_minute: int) -> float:
    """At about a request a second neither side has a burst: there are 2 % of the spacing."""
    return JITTER_SECONDS if per_minute >= 66 else min(JITTER_SECONDS, 0.02 * 60 / per_minute)


@given(
    requests=st.integers(1, 3000),
    tokens=st.integers(600, 2_000_000),
    concurrency=st.integers(1, 40),
    plan=plans,
)
@settings(max_examples=60, deadline=None)
def test_a_provider_with_exactly_the_told_limits_never_refuses(
    requests: int,
    tokens: int,
    concurrency: int,
    plan: list[Plan],
    in_virtual_time: InVirtualTime,
    simulated_provider: Any,
) -> None:
    """
    Whatever comes when, is cancelled when, takes how long, and used less than estimated:
    neither a bucket with a burst of a second nor a window of a second or a minute overflows.
    """
    provider = simulated_provider(
        requests_per_minute=requests, tokens_per_minute=tokens, concurrency=concurrency
    )
    sent: list[tuple[float, int]] = []

    async def call(limiter: AccountLimiter, planned: Plan) -> None:
        await anyio.sleep(planned.at)
        estimate = max(1, int(planned.estimate * tokens / 60))
        with anyio.move_on_after(planned.patience):
            with await limiter.reserve(estimate, 0, (0,)) as reservation:
                sent.append((anyio.current_time(), estimate))
                await anyio.sleep(planned.jitter * tolerated_jitter(requests))
                used = max(1, int(planned.used * estimate))
                usage, _ = await provider.serve(used, 0, counted=used)
                reservation.settle(usage, role="assistant")

    async def main() -> None:
        limiter = AccountLimiter(
            requests_per_minute=requests, tokens_per_minute=tokens, max_in_flight=concurrency
        )
        async with anyio.create_task_group() as tg:
            for planned in plan:
                tg.start_soon(call, limiter, planned)
        assert limiter.open_reservations == limiter.waiting == 0

    in_virtual_time(main)
    assert provider.refused == []
    for seconds in (1, 60):
        second = requests / 60
        bound = second * seconds + max(second / 2, 1)
        assert most_within([(time, 1) for time, _ in sent], seconds) <= bound + 1e-6


@given(
    tokens=st.integers(600, 60_000),
    plan=st.lists(
        st.tuples(st.floats(0, 60), st.integers(1, 900), st.integers(1, 900), st.floats(0, 9)),
        min_size=1,
        max_size=40,
    ),
)
@settings(max_examples=40, deadline=None)
def test_a_minute_is_overdrawn_only_by_what_calls_in_flight_were_underestimated_by(
    tokens: int, plan: list[tuple[float, int, int, float]], in_virtual_time: InVirtualTime
) -> None:
    charges: list[tuple[float, float]] = []

    async def call(
        limiter: AccountLimiter, at: float, estimate: int, used: int, takes: float
    ) -> None:
        await anyio.sleep(at)
        with await limiter.reserve(estimate, 0, (0,)) as reservation:
            charges.append((anyio.current_time(), used))
            await anyio.sleep(takes)
            reservation.settle(Usage(input_tokens=used), role="assistant")

    async def main() -> None:
        limiter = AccountLimiter(tokens_per_minute=tokens)
        async with anyio.create_task_group() as tg:
            for planned in plan:
                tg.start_soon(call, limiter, *planned)

    in_virtual_time(main)
    surprise = sum(max(0, used - estimate) for _, estimate, used, _ in plan)
    largest = max(max(estimate, used) for _, estimate, used, _ in plan)
    bound = tokens + tokens / 60 + largest + surprise
    assert most_within(charges, 60) <= bound + 1e-6


@pytest.mark.parametrize("kind", ["requests", "tokens", "input_tokens", "output_tokens"])
@given(seed=st.integers(0, 10**6), per_minute=st.integers(30, 60_000))
@settings(max_examples=15, deadline=None)
def test_whoever_can_go_has_gone(
    kind: str, seed: int, per_minute: int, in_virtual_time: InVirtualTime
) -> None:
    """
    While somebody waits, what was admitted until now is all that the limit, less 2 %, has
    allowed until now, but for what the head needs.
    """
    chance = random.Random(seed)
    sizes = [(chance.randrange(1, 900), chance.randrange(1, 900)) for _ in range(80)]

    async def main() -> None:
        limiter = AccountLimiter(max_in_flight=1000, **{f"{kind}_per_minute": per_minute})  # type: ignore[arg-type]  # a limit by name
        began = anyio.current_time()
        admitted = 0.0

        async def call(input_tokens: int, output_tokens: int) -> None:
            nonlocal admitted
            share: Any = "filters" if input_tokens % 3 == 0 else "generation"
            with await limiter.reserve(input_tokens, output_tokens, (0,), share):
                cost = {
                    "requests": 1,
                    "tokens": input_tokens + output_tokens,
                    "input_tokens": input_tokens,
                    "output_tokens": output_tokens,
                }[kind]
                allowed = 0.98 * per_minute / 60 * (anyio.current_time() - began)
                assert admitted + cost >= allowed - 1e-6
                admitted += cost

        async with anyio.create_task_group() as tg:
            for size in sizes:
                tg.start_soon(call, *size)

    in_virtual_time(main)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_whenever_somebody_waits_an_obstacle_is_named_and_real(
    seed: int, in_virtual_time: InVirtualTime
) -> None:
    chance = random.Random(seed)

    async def main() -> None:
        limiter = AccountLimiter(
            requests_per_minute=600, tokens_per_minute=60_000, max_in_flight=chance.randint(1, 9)
        )
        resting_until = 0.0

        def check() -> None:
            obstacle = limiter.limiting()
            assert (obstacle == "nothing") == (limiter.waiting == 0)
            if obstacle == "concurrency":
                assert limiter.open_reservations >= limiter.max_in_flight
            elif obstacle == "cool-down":
                assert anyio.current_time() < resting_until

        async def call(number: int) -> None:
            nonlocal resting_until
            await anyio.sleep(chance.uniform(0, 8))
            with await limiter.reserve(chance.randrange(1, 900), 9, (number,)) as reservation:
                check()
                await anyio.sleep(chance.uniform(0, 1))
                if chance.random() < 0.1:
                    rest = chance.uniform(0, 2)
                    resting_until = max(resting_until, anyio.current_time() + rest)
                    reservation.refused(RateLimited("too fast", retry_after_seconds=rest))
                else:
                    reservation.settle(Usage(input_tokens=5), role="assistant")
            check()

        async with anyio.create_task_group() as tg:
            for number in range(60):
                tg.start_soon(call, number)
        check()

    in_virtual_time(main)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_nothing_leaks_when_calls_are_cancelled_at_random(
    seed: int, in_virtual_time: InVirtualTime
) -> None:
    """
    Waiting, admitted but not yet awake, or in flight: whoever is cancelled frees its place,
    and the account is afterwards as good as new.
    """
    chance = random.Random(seed)

    async def main() -> None:
        limiter = AccountLimiter(requests_per_minute=600, tokens_per_minute=60_000, max_in_flight=4)

        async def call(number: int, patience: float) -> None:
            await anyio.sleep(chance.uniform(0, 3))
            with anyio.move_on_after(patience):
                tokens = chance.randrange(1, 2000)
                with await limiter.reserve(tokens, 0, (number,)) as reservation:
                    await anyio.sleep(chance.choice([0, 0.1, 0.25]))
                    if chance.random() < 0.1:
                        reservation.failed()
                    else:
                        reservation.settle(Usage(input_tokens=tokens), role="assistant")

        async with anyio.create_task_group() as tg:
            for number in range(60):
                tg.start_soon(call, number, chance.choice([0, 0.1, 0.25, 1, 5]))
        assert limiter.open_reservations == limiter.waiting == 0
        await anyio.sleep(120)  # whatever was charged is paid off
        began = anyio.current_time()
        for _ in range(4):
            await limiter.reserve(100, 0, (0,))
        assert anyio.current_time() == began

    in_virtual_time(main)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_a_cancelled_wait_delays_nobody(seed: int, in_virtual_time: InVirtualTime) -> None:
    """
    Those who stay are admitted at the very moments at which they would have been had the
    others never come, but for places in the queue that these held.
    """
    chance = random.Random(seed)
    quitters = [(chance.uniform(0, 4), chance.uniform(0, 0.04)) for _ in range(40)]

    async def main() -> None:
        limiter = AccountLimiter(requests_per_minute=240)  # one each 0.251 s
        times: list[float] = []
        began = anyio.current_time()

        async def stay() -> None:
            with await limiter.reserve(1, 0, (5,)):
                times.append(anyio.current_time() - began)

        async def quit_at(at: float, patience: float) -> None:
            await anyio.sleep(at)
            with anyio.move_on_after(patience):
                with await limiter.reserve(1, 0, (9,)):  # younger: never ahead of who stays
                    raise AssertionError("admitted before those who are older")

        async with anyio.create_task_group() as tg:
            for _ in range(25):
                tg.start_soon(stay)
            for quitter in quitters:
                tg.start_soon(partial(quit_at, *quitter))
        spacing = 60 / (240 * 0.995)
        assert times[2:] == pytest.approx(
            [times[1] + spacing * index for index in range(1, 24)], abs=spacing / 50
        )
        assert limiter.open_reservations == limiter.waiting == 0

    in_virtual_time(main)
