"""How much of a quota is used, and how much is refused, when less and less is told.

Each claim is about seconds 10 to 30 of constant load unless it says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import mean
from typing import Any

import anyio
import pytest

from simkit.limits import AccountLimiter
from simkit.traces.calls import Allowance, Usage
from simkit.traces.provider_errors import ProviderUnavailable, RateLimited

Simulate = Callable[..., Any]
"""See the fixture: gives a `Simulation`."""
AProvider = Callable[..., Any]


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def requests_used(simulation: Any, per_minute: float, start: float = 10, end: float = 30) -> float:
    """Admitted requests as a share of what the limit allows."""
    return float(simulation.admitted(start, end)) / ((end - start) * per_minute / 60)


def tokens_used(simulation: Any, per_minute: float) -> float:
    return float(simulation.tokens(10, 30)) / (20 * per_minute / 60)


def test_a_told_limit_is_used_up_and_never_refused(
    simulate: Simulate, simulated_provider: AProvider
) -> None:
    seen = simulate(simulated_provider(requests_per_minute=6000), requests_per_minute=6000)
    assert requests_used(seen, 6000) >= 0.98
    assert seen.provider.refused == []


def test_a_limit_in_headers_is_used_up_and_hardly_ever_refused(
    simulate: Simulate, simulated_provider: AProvider
) -> None:
    seen = simulate(simulated_provider(requests_per_minute=6000, tells="everything"))
    assert requests_used(seen, 6000) >= 0.96
    assert seen.refused_share(0) <= 0.005


@pytest.mark.parametrize("seed", [1, 2])
def test_a_limit_that_nobody_tells_is_found_from_refusals(
    simulate: Simulate, simulated_provider: AProvider, seed: int
) -> None:
    seen = simulate(simulated_provider(requests_per_minute=6000, seed=seed))
    assert requests_used(seen, 6000) >= 0.9
    assert seen.refused_share() <= 0.03


def test_a_limit_of_which_only_retry_after_tells_is_used(
    simulate: Simulate, simulated_provider: AProvider
) -> None:
    seen = simulate(simulated_provider(requests_per_minute=6000, tells="retry-after"))
    assert requests_used(seen, 6000) >= 0.9
    assert seen.refused_share() <= 0.03


def test_an_untold_limit_of_calls_in_flight_is_found(
    simulate: Simulate, simulated_provider: AProvider
) -> None:
    seen = simulate(simulated_provider(concurrency=200), seconds=20)
    call_seconds = 0.3 * math.exp(0.4**2 / 2) + 0.004
    assert requests_used(seen, 60 * 200 / call_seconds, end=20) >= 0.93
    assert seen.refused_share(0) <= 0.01
    assert seen.limiter.max_in_flight <= 205


@pytest.mark.parametrize("told", [True, False])
def test_a_limit_of_tokens_is_used_up_and_large_calls_wait_as_long_as_small_ones(
    simulate: Simulate, simulated_provider: AProvider, told: bool
) -> None:
    limits = {"tokens_per_minute": 1_200_000} if told else {}
    seen = simulate(
        simulated_provider(tokens_per_minute=1_200_000, tells="everything"),
        sizes=lambda chance: (chance.randint(100, 4000), 50),
        workers=100,
        **limits,
    )
    assert tokens_used(seen, 1_200_000) >= 0.96
    assert seen.refused_share(0) <= 0.005
    small = mean(seconds for tokens, seconds in seen.waits[-200:] if tokens < 700)
    large = mean(seconds for tokens, seconds in seen.waits[-200:] if tokens > 3500)
    assert large <= 3 * small


def test_an_untold_limit_of_tokens_is_found(
    simulate: Simulate, simulated_provider: AProvider
) -> None:
    seen = simulate(
        simulated_provider(tokens_per_minute=1_200_000),
        sizes=lambda chance: (chance.randint(100, 4000), 50),
        workers=100,
    )
    assert tokens_used(seen, 1_200_000) >= 0.8
    assert seen.refused_share() <= 0.1  # ten calls a second: each probe is a large share


@pytest.mark.parametrize(
    ("tells", "told", "used", "refused"),
    [("nothing", 60, 0.96, 0), ("everything", None, 0.96, 0.01), ("nothing", None, 0.6, 0.15)],
)
def test_an_account_of_a_request_a_second_is_used(
    simulate: Simulate,
    simulated_provider: AProvider,
    tells: str,
    told: int | None,
    used: float,
    refused: float,
) -> None:
    provider = simulated_provider(requests_per_minute=60, tells=tells)
    seen = simulate(provider, workers=20, seconds=200, requests_per_minute=told)
    assert requests_used(seen, 60, end=200) >= used
    assert seen.refused_share() <= refused


@pytest.mark.parametrize("tells", ["nothing", "everything"])
def test_a_limit_that_is_halved_and_restored_is_used_again_within_ten_seconds(
    simulate: Simulate, simulated_provider: AProvider, tells: str
) -> None:
    provider = simulated_provider(requests_per_minute=3000, tells=tells)
    changes = [
        (20, lambda: provider.change("requests", 1500)),
        (40, lambda: provider.change("requests", 3000)),
    ]
    seen = simulate(provider, seconds=60, changes=changes, workers=100)
    assert requests_used(seen, 1500, 20, 30) >= 0.9
    assert requests_used(seen, 1500, 30, 40) >= 0.9
    assert requests_used(seen, 3000, 40, 50) >= 0.5  # nobody told that it is restored
    assert requests_used(seen, 3000, 50, 60) >= 0.9
    assert seen.refused_share() <= 0.03


def test_a_told_limit_of_twice_the_real_one_is_corrected(
    simulate: Simulate, simulated_provider: AProvider
) -> None:
    seen = simulate(simulated_provider(requests_per_minute=6000), requests_per_minute=12_000)
    assert requests_used(seen, 6000) >= 0.9
    assert seen.refused_share() <= 0.03


def test_fixed_minutes_with_headers_refuse_nothing_after_the_first(
    simulate: Simulate, simulated_provider: AProvider
) -> None:
    provider = simulated_provider(requests_per_minute=600, window_seconds=60, tells="everything")
    seen = simulate(provider, seconds=240, workers=50)
    assert seen.refused_share(60) == 0
    assert requests_used(seen, 600, 60, 240) >= 0.95


def test_failures_of_the_provider_stop_growth_and_cut_nothing(
    simulate: Simulate, simulated_provider: AProvider
) -> None:
    provider = simulated_provider(concurrency=50)

    def fail(error: Exception | None) -> None:
        provider.error = error

    changes = [(10.2, lambda: fail(ProviderUnavailable("down"))), (12.2, lambda: fail(None))]
    seen = simulate(provider, seconds=16, workers=100, changes=changes)
    windows = [window for window, _ in seen.states]
    failing = windows[20:24]  # seconds 10.5 to 12
    assert len(set(failing)) == 1
    assert failing[0] >= 45
    assert requests_used(seen, 60 * 50 / 0.33, 13, 16) >= 0.9


def test_latency_that_rises_with_load_ends_the_doubling_of_calls_in_flight(
    simulate: Simulate, simulated_provider: AProvider
) -> None:
    steady = simulate(simulated_provider(), seconds=3, workers=500)
    slowed = simulate(simulated_provider(slowed_by=50), seconds=15, workers=500)
    assert steady.limiter.max_in_flight >= 450
    at_five_seconds, at_the_end = slowed.states[9][0], slowed.states[-1][0]
    assert at_the_end <= 200
    assert at_the_end <= 1.3 * at_five_seconds


async def learned(limiter: AccountLimiter) -> float:
    """Have a burst of 50 calls refused, and give the requests a minute that are left."""
    burst = [await limiter.reserve(1, 0, (0,)) for _ in range(50)]
    await anyio.sleep(0.1)
    rates = []
    for reservation in burst:
        with reservation:
            reservation.refused(RateLimited("too fast", limit="requests"))
            rates.append(limiter.per_minute["requests"])
    assert len(set(rates)) == 1
    return rates[0]


async def test_one_burst_of_refusals_is_one_cut() -> None:
    limiter = AccountLimiter(max_in_flight=1000, requests_per_minute=6000)
    assert await learned(limiter) == pytest.approx(0.97 * 0.995 * 6000)


async def test_nothing_grows_during_a_cool_down() -> None:
    limiter = AccountLimiter(max_in_flight=1000, requests_per_minute=6000)
    rate = await learned(limiter)
    limiter.pause(30)
    async with anyio.create_task_group() as tg:
        tg.start_soon(limiter.reserve, 1, 0, (0,))
        await anyio.sleep(29)
        assert limiter.seconds_waited["cool-down"] >= 29
        assert limiter.per_minute["requests"] == rate


async def tell(limiter: AccountLimiter, per_minute: float) -> None:
    with await limiter.reserve(1, 0, (0,)) as reservation:
        told = Allowance(limit="requests", per_minute=per_minute)
        reservation.settle(Usage(), role="assistant", allowances=(told,))


async def test_headers_that_rise_are_believed_at_once() -> None:
    limiter = AccountLimiter(max_in_flight=1000)
    await tell(limiter, 6000)
    assert await learned(limiter) < 6000
    await tell(limiter, 9000)
    assert limiter.per_minute["requests"] == 9000


async def test_a_call_that_is_refused_alone_and_first_teaches_no_rate() -> None:
    """
    When a run begins on a quota that the last one has used up, nothing has been admitted
    yet that a rate could be measured from.
    """
    limiter = AccountLimiter()
    began = anyio.current_time()
    answered = 0
    while answered < 20:
        with await limiter.reserve(1000, 300, (0,)) as reservation:
            await anyio.sleep(0.1)
            if anyio.current_time() - began < 10:
                reservation.refused(RateLimited("too fast", retry_after_seconds=9, limit="tokens"))
            else:
                usage = Usage(input_tokens=1000, output_tokens=300)
                reservation.settle(usage, role="assistant")
                answered += 1
    assert anyio.current_time() - began <= 25
