"""The limiter, on an exact virtual clock."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import pytest
import trio.testing
from anyio.lowlevel import checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from simkit.limits import AccountLimiter


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def in_virtual_time(main: Callable[[], Awaitable[None]]) -> None:
    """Run *main* on a clock of its own, for each example that hypothesis finds."""
    clock = trio.testing.MockClock(autojump_threshold=0)
    anyio.run(main, backend="trio", backend_options={"clock": clock})


class Calls:
    """Makes calls through a limiter and notes when each was admitted."""

    def __init__(self, limiter: AccountLimiter) -> None:
        self.limiter = limiter
        self.began = anyio.current_time()
        self.admitted: list[tuple[float, int]] = []
        """Seconds since the beginning, and the number of the call."""

    async def make(
        self, number: int = 0, *, tokens: int = 1, seconds: float = 0, used: int | None = None
    ) -> None:
        async with self.limiter.reserve(tokens, (number,)) as reservation:
            self.admitted.append((anyio.current_time() - self.began, number))
            await anyio.sleep(seconds)
            if used is not None:
                reservation.settle(used)

    @property
    def times(self) -> list[float]:
        return [time for time, _ in self.admitted]

    @property
    def numbers(self) -> list[int]:
        return [number for _, number in self.admitted]


async def together(*calls: Callable[[], Awaitable[None]]) -> None:
    async with anyio.create_task_group() as tg:
        for call in calls:
            tg.start_soon(call)


def most_in_a_minute(events: list[tuple[float, float]]) -> float:
    """The largest sum of amounts over any 60 s window; events are ``(time, amount)``."""
    worst, start, total = 0.0, 0, 0.0
    for time, amount in events:
        total += amount
        while events[start][0] <= time - 60:
            total -= events[start][1]
            start += 1
        worst = max(worst, total)
    return worst


async def test_requests_go_at_the_pace_of_their_limit() -> None:
    calls = Calls(AccountLimiter(requests_per_minute=30))
    await together(*[calls.make] * 4)
    assert calls.times == pytest.approx([0, 2, 4, 6])


async def test_a_fast_account_may_send_a_second_worth_at_once() -> None:
    calls = Calls(AccountLimiter(requests_per_minute=180))
    await together(*[calls.make] * 6)
    assert calls.times == pytest.approx([0, 0, 0, 1 / 3, 2 / 3, 1])


async def test_calls_in_flight_are_bounded_and_the_next_goes_when_one_ends() -> None:
    calls = Calls(AccountLimiter(max_in_flight=2))
    await together(*[lambda: calls.make(seconds=5)] * 5)
    assert calls.times == [0, 0, 5, 5, 10]


@given(
    per_minute=st.integers(1, 2000),
    arrivals=st.lists(st.floats(0, 200), min_size=1, max_size=120),
)
@settings(max_examples=30, deadline=None)
def test_no_minute_sees_more_requests_than_the_limit_and_a_burst(
    per_minute: int, arrivals: list[float]
) -> None:
    async def main() -> None:
        calls = Calls(AccountLimiter(requests_per_minute=per_minute))

        async def arrive(at: float) -> None:
            await anyio.sleep(at)
            await calls.make()

        await together(*[partial(arrive, at) for at in arrivals])
        burst = max(per_minute / 60, 1)
        assert most_in_a_minute([(time, 1) for time in calls.times]) <= per_minute + burst + 1e-6
        assert len(calls.times) == len(arrivals)

    in_virtual_time(main)


a_call = st.tuples(
    st.floats(0, 100),  # arrives
    st.integers(1, 900),  # estimate
    st.integers(0, 900),  # used
    st.floats(0, 30),  # takes
)


@given(per_minute=st.integers(60, 6000), plan=st.lists(a_call, min_size=1, max_size=40))
@settings(max_examples=30, deadline=None)
def test_no_minute_is_charged_more_tokens_than_the_limit_a_burst_and_one_large_call(
    per_minute: int, plan: list[tuple[float, int, int, float]]
) -> None:
    async def main() -> None:
        limiter = AccountLimiter(tokens_per_minute=per_minute)
        charges: list[tuple[float, float]] = []

        async def call(at: float, estimate: int, used: int, takes: float) -> None:
            await anyio.sleep(at)
            async with limiter.reserve(estimate, (0,)) as reservation:
                charges.append((anyio.current_time(), estimate))
                await anyio.sleep(takes)
                if used < estimate:  # more than was estimated is a debt, and tested apart
                    reservation.settle(used)
                    charges.append((anyio.current_time(), used - estimate))

        await together(*[partial(call, *planned) for planned in plan])
        largest = max(estimate for _, estimate, _, _ in plan)
        bound = per_minute + per_minute / 60 + largest
        assert most_in_a_minute(charges) <= bound + 1e-6
        assert limiter.open_reservations == limiter.waiting == 0

    in_virtual_time(main)


@given(seed=st.integers(0, 10**6), per_minute=st.integers(30, 600))
@settings(max_examples=20, deadline=None)
def test_whoever_can_go_has_gone(seed: int, per_minute: int) -> None:
    """Under constant demand the account is never idle: *n* calls take (n - burst) / rate."""

    async def main() -> None:
        calls = Calls(AccountLimiter(requests_per_minute=per_minute, tokens_per_minute=10**9))
        chance = random.Random(seed)
        await together(*[lambda: calls.make(chance.randrange(50))] * 100)
        burst = max(per_minute / 60, 1)
        assert max(calls.times) == pytest.approx((100 - burst) * 60 / per_minute)

    in_virtual_time(main)


async def test_the_oldest_conversation_goes_first_and_equals_in_order_of_arrival() -> None:
    limiter = AccountLimiter(max_in_flight=1)
    order: list[str] = []

    async def call(number: int, name: str) -> None:
        async with limiter.reserve(1, (number,)):
            order.append(name)
            await anyio.sleep(1)

    async with anyio.create_task_group() as tg:
        tg.start_soon(call, 0, "running")
        await anyio.wait_all_tasks_blocked()
        for number, name in [(9, "new"), (3, "old"), (9, "new, later"), (1, "oldest")]:
            tg.start_soon(call, number, name)
            await anyio.wait_all_tasks_blocked()
    assert order == ["running", "oldest", "old", "new", "new, later"]


async def test_an_older_call_that_arrives_later_takes_over_the_wait() -> None:
    calls = Calls(AccountLimiter(requests_per_minute=6))
    async with anyio.create_task_group() as tg:
        tg.start_soon(calls.make, 1)
        await anyio.sleep(1)
        tg.start_soon(calls.make, 5)
        await anyio.sleep(1)
        tg.start_soon(calls.make, 2)
    assert calls.admitted == [(0, 1), (10, 2), (20, 5)]


async def test_a_call_larger_than_the_burst_goes_when_the_bucket_is_full_and_is_paid_off() -> None:
    calls = Calls(AccountLimiter(tokens_per_minute=600))  # 10 a second, a burst of 10
    await calls.make(0, tokens=5)
    await together(
        lambda: calls.make(1, tokens=100),
        lambda: calls.make(2, tokens=7),
    )
    # 0.5 s fill the bucket; the large call leaves -90, and 9.7 s later there are 7.
    assert calls.admitted == [(0, 0), (pytest.approx(0.5), 1), (pytest.approx(10.2), 2)]


async def test_small_calls_do_not_overtake_a_large_one_for_ever() -> None:
    calls = Calls(AccountLimiter(tokens_per_minute=600))

    async def stream() -> None:
        for number in range(10, 60):
            await calls.make(number, tokens=5)

    async with anyio.create_task_group() as tg:
        tg.start_soon(stream)
        await anyio.sleep(5)
        tg.start_soon(lambda: calls.make(1, tokens=1000))
    assert calls.times[calls.numbers.index(1)] <= 6


async def test_settling_gives_back_what_was_not_used() -> None:
    calls = Calls(AccountLimiter(tokens_per_minute=600))
    async with anyio.create_task_group() as tg:
        tg.start_soon(partial(calls.make, tokens=50, seconds=1, used=10))
        await anyio.wait_all_tasks_blocked()
        tg.start_soon(partial(calls.make, tokens=10))
    assert calls.times == pytest.approx([0, 1])  # unsettled, the second would go at 5 s


async def test_settling_takes_on_the_debt_of_what_was_used_beyond_the_estimate() -> None:
    calls = Calls(AccountLimiter(tokens_per_minute=600))
    await calls.make(tokens=10, used=50)
    await calls.make(tokens=10)
    assert calls.times == pytest.approx([0, 5])


async def test_a_call_that_is_not_settled_keeps_its_estimate_as_used() -> None:
    calls = Calls(AccountLimiter(tokens_per_minute=600))
    with pytest.raises(ConnectionError):
        async with calls.limiter.reserve(50, (0,)):
            raise ConnectionError
    await calls.make(tokens=10)
    assert calls.times == pytest.approx([5])
    assert calls.limiter.open_reservations == 0


async def test_a_reservation_is_settled_once_and_only_while_it_is_held() -> None:
    limiter = AccountLimiter(tokens_per_minute=600)
    async with limiter.reserve(5, (0,)) as reservation:
        reservation.settle(3)
        assert reservation.tokens == 3
        with pytest.raises(RuntimeError, match="settled once"):
            reservation.settle(3)
    async with limiter.reserve(5, (0,)) as reservation:
        pass
    with pytest.raises(RuntimeError, match="while it is held"):
        reservation.settle(3)


async def test_a_cool_down_holds_everyone_and_is_never_shortened() -> None:
    calls = Calls(AccountLimiter())
    calls.limiter.pause(30)
    calls.limiter.pause(10)
    async with anyio.create_task_group() as tg:
        for _ in range(3):
            tg.start_soon(calls.make)
        await anyio.sleep(20)
        assert calls.limiter.limiting() == "cool-down"
        calls.limiter.pause(20)  # the head is waiting, and its alarm must move
    assert calls.times == [40, 40, 40]


async def test_refusals_without_a_hint_rest_longer_each_time_but_once_a_burst() -> None:
    limiter = AccountLimiter()
    began = anyio.current_time()

    async def refused_burst() -> float:
        async def refused() -> None:
            async with limiter.reserve(1, (0,)) as reservation:
                await checkpoint()
                reservation.refused(None)

        sent_at = anyio.current_time()
        await together(*[refused] * 20)
        async with limiter.reserve(1, (0,)):
            return anyio.current_time() - sent_at

    assert [await refused_burst() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    async with limiter.reserve(1, (0,)) as reservation:
        reservation.settle(1)
    assert await refused_burst() == 1
    assert anyio.current_time() - began == 184


async def test_a_hint_is_followed_as_it_is() -> None:
    calls = Calls(AccountLimiter())
    async with calls.limiter.reserve(1, (0,)) as reservation:
        reservation.refused(7.5)
    await calls.make()
    assert calls.times == [7.5]


async def test_what_limits_is_named_and_its_time_counted() -> None:
    limiter = AccountLimiter(requests_per_minute=60, tokens_per_minute=600, max_in_flight=1)
    calls = Calls(limiter)
    seen: list[str] = [limiter.limiting()]
    async with anyio.create_task_group() as tg:
        tg.start_soon(partial(calls.make, 0, seconds=0.25))
        await anyio.wait_all_tasks_blocked()
        tg.start_soon(partial(calls.make, 1, tokens=40))
        tg.start_soon(partial(calls.make, 2))
        await anyio.sleep(0.125)
        seen.append(limiter.limiting())  # the call in flight
        await anyio.sleep(0.5)
        seen.append(limiter.limiting())  # one request a second
        await anyio.sleep(1)
        seen.append(limiter.limiting())  # 40 tokens, ten a second
        limiter.pause(20)
        seen.append(limiter.limiting())
    seen.append(limiter.limiting())
    assert seen == ["nothing", "concurrency", "requests", "tokens", "cool-down", "nothing"]
    assert limiter.seconds_waited == {
        "concurrency": pytest.approx(0.25),
        "requests": pytest.approx(0.75),
        "tokens": pytest.approx(0.625),
        "cool-down": pytest.approx(20),
    }


@given(seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_nothing_leaks_when_calls_are_cancelled_at_random(seed: int) -> None:
    chance = random.Random(seed)

    async def main() -> None:
        limiter = AccountLimiter(requests_per_minute=600, tokens_per_minute=60_000, max_in_flight=4)
        calls = Calls(limiter)

        async def call(number: int, patience: float) -> None:
            await anyio.sleep(chance.uniform(0, 3))
            with anyio.move_on_after(patience):
                await calls.make(number, tokens=chance.randrange(1, 2000), seconds=0.25)

        await together(*[partial(call, n, chance.choice([0, 0.1, 0.25, 1, 5])) for n in range(60)])
        assert limiter.open_reservations == limiter.waiting == 0
        await anyio.sleep(120)  # whatever was charged is paid off: the account is as new
        fresh = Calls(limiter)
        await together(*[lambda: fresh.make(seconds=1)] * 4)
        assert fresh.times == [0, 0, 0, 0]

    in_virtual_time(main)


async def test_a_call_whose_turn_comes_while_it_is_being_cancelled_is_charged_nothing() -> None:
    """
    Between a cancellation and its arrival the call still stands in the queue and may be
    admitted; what it was given goes to the next at once.
    """
    limiter = AccountLimiter(tokens_per_minute=6000, max_in_flight=1)  # a burst of 100
    calls = Calls(limiter)
    scope = anyio.CancelScope()

    async def doomed() -> None:
        with scope:
            await calls.make(1, tokens=50)

    async with anyio.create_task_group() as tg:
        async with limiter.reserve(50, (0,)):
            tg.start_soon(doomed)
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
        assert limiter.open_reservations == 1  # it has the turn, and will never know
        tg.start_soon(partial(calls.make, 2, tokens=50))
    assert calls.admitted == [(0, 2)]
    assert limiter.open_reservations == limiter.waiting == 0


async def test_five_thousand_calls_wait_in_order() -> None:
    calls = Calls(AccountLimiter(requests_per_minute=60_000))
    numbers = list(range(5000))
    random.Random(1).shuffle(numbers)
    await together(*[partial(calls.make, number) for number in numbers])
    # A burst of 1,000 goes in order of arrival; all that had to wait go oldest first.
    waited = calls.numbers[1000:]
    assert waited == sorted(waited)
    assert max(calls.times) == pytest.approx(4)


@pytest.mark.parametrize(
    "limits",
    [
        {"requests_per_minute": 0},
        {"tokens_per_minute": -1},
        {"requests_per_minute": float("nan")},
        {"max_in_flight": 0},
    ],
)
def test_a_limit_that_lets_nobody_through_is_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        AccountLimiter(**limits)
