"""The limiter, call by call on an exact virtual clock."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import pytest

from simkit.limits import AccountLimiter
from simkit.traces.calls import Allowance, Usage
from simkit.traces.provider_errors import RateLimited


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


class Calls:
    """Makes calls through a limiter and notes when each was admitted."""

    def __init__(self, limiter: AccountLimiter) -> None:
        self.limiter = limiter
        self.began = anyio.current_time()
        self.admitted: list[tuple[float, int]] = []
        """Seconds since the beginning, and the number of the call."""

    async def make(
        self, number: int = 0, *, tokens: int = 1, seconds: float = 0, used: int = 0
    ) -> None:
        with await self.limiter.reserve(tokens, 0, (number,)) as reservation:
            self.admitted.append((anyio.current_time() - self.began, number))
            await anyio.sleep(seconds)
            reservation.settle(Usage(input_tokens=used), role="assistant")

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


async def test_requests_go_at_the_pace_of_their_limit_less_two_percent() -> None:
    calls = Calls(AccountLimiter(requests_per_minute=30))
    await together(*[calls.make] * 4)
    spacing = 2 / 0.98
    assert calls.times == pytest.approx([0, spacing, 2 * spacing, 3 * spacing])


async def test_a_fast_account_may_send_half_a_second_worth_at_once() -> None:
    calls = Calls(AccountLimiter(requests_per_minute=1200))
    await together(*[calls.make] * 16)
    assert sum(time < 0.01 for time in calls.times) == 10
    assert calls.times[-1] == pytest.approx(6 / 20, abs=0.01)


async def test_calls_in_flight_are_bounded_and_the_next_goes_when_one_ends() -> None:
    calls = Calls(AccountLimiter(max_in_flight=2))
    await together(*[lambda: calls.make(seconds=5)] * 5)
    assert calls.times == [0, 0, 5, 5, 10]


async def test_without_a_limit_calls_in_flight_double_up_to_the_connections() -> None:
    calls = Calls(AccountLimiter(connections=20))
    await together(*[lambda: calls.make(seconds=1)] * 60)
    assert [calls.times.count(second) for second in range(5)] == [4, 8, 16, 20, 12]


async def test_the_oldest_conversation_goes_first_and_equals_in_order_of_arrival() -> None:
    limiter = AccountLimiter(max_in_flight=1)
    order: list[str] = []

    async def call(number: int, name: str) -> None:
        with await limiter.reserve(1, 0, (number,)):
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
    assert calls.numbers == [1, 2, 5]
    assert calls.times == pytest.approx([0, 10 / 0.98, 20 / 0.98])


async def test_a_call_larger_than_the_burst_goes_when_the_bucket_is_full_and_is_paid_off() -> None:
    calls = Calls(AccountLimiter(tokens_per_minute=1200))  # 20 a second, a burst of 10
    await calls.make(0, tokens=5)
    await together(
        lambda: calls.make(1, tokens=100),
        lambda: calls.make(2, tokens=7),
    )
    # A quarter of a second fills the bucket; the large call leaves -90, paid off in 4.85 s.
    assert calls.times == pytest.approx([0, 0.25, 5.1], rel=0.01)


async def test_small_calls_do_not_overtake_a_large_one_of_an_older_conversation() -> None:
    calls = Calls(AccountLimiter(tokens_per_minute=600))

    async def stream() -> None:
        for number in range(10, 60):
            await calls.make(number, tokens=5)

    async with anyio.create_task_group() as tg:
        tg.start_soon(stream)
        await anyio.sleep(5)
        tg.start_soon(lambda: calls.make(1, tokens=1000))
    assert calls.times[calls.numbers.index(1)] <= 6


async def test_both_shares_go_in_turn_whoever_came_first_and_whatever_either_had_before() -> None:
    limiter = AccountLimiter(max_in_flight=1)
    order: list[str] = []

    async def call(share: Any) -> None:
        with await limiter.reserve(1, 0, (0,), share):
            order.append(share)
            await anyio.sleep(1)

    await together(*[partial(call, "generation")] * 20)
    order.clear()
    async with anyio.create_task_group() as tg:
        tg.start_soon(call, "generation")
        await anyio.wait_all_tasks_blocked()
        for share in ["filters"] * 10 + ["generation"] * 10:
            tg.start_soon(call, share)
            await anyio.wait_all_tasks_blocked()
    for start in range(1, 21, 2):
        assert set(order[start : start + 2]) == {"generation", "filters"}


async def test_each_share_orders_by_age_and_pays_by_tokens() -> None:
    limiter = AccountLimiter(max_in_flight=1)
    order: list[tuple[str, int]] = []

    async def call(share: Any, number: int, tokens: int) -> None:
        with await limiter.reserve(tokens, 0, (number,), share):
            order.append((share, number))
            await anyio.sleep(1)

    async with anyio.create_task_group() as tg:
        tg.start_soon(call, "generation", -1, 1)
        await anyio.wait_all_tasks_blocked()
        for number in range(12):
            tg.start_soon(call, "generation", 11 - number, 10)
            tg.start_soon(call, "filters", number, 30)
            await anyio.wait_all_tasks_blocked()
    shares = [share for share, _ in order[1:17]]
    assert shares.count("generation") == 12  # three small ones for each large one
    for share in ("generation", "filters"):
        numbers = [number for name, number in order if name == share]
        assert numbers == sorted(numbers)


async def test_settling_gives_back_what_was_not_used() -> None:
    calls = Calls(AccountLimiter(tokens_per_minute=1200))
    async with anyio.create_task_group() as tg:
        tg.start_soon(partial(calls.make, tokens=50, seconds=0.5, used=5))
        await anyio.wait_all_tasks_blocked()
        tg.start_soon(partial(calls.make, tokens=9))
    assert calls.times == pytest.approx([0, 0.5])  # unsettled, the second would go at 2.5 s


async def test_settling_takes_on_the_debt_of_what_was_used_beyond_the_estimate() -> None:
    calls = Calls(AccountLimiter(tokens_per_minute=600))
    await calls.make(tokens=5, used=50)
    await calls.make(tokens=5)
    assert calls.times == pytest.approx([0, 5], rel=0.01)


async def test_what_a_provider_does_not_count_is_charged_by_estimate() -> None:
    calls = Calls(AccountLimiter(tokens_per_minute=600))
    await calls.make(tokens=50, used=0)
    await calls.make(tokens=5)
    assert calls.times == pytest.approx([0, 5], rel=0.01)


async def test_a_call_that_says_nothing_keeps_its_estimate_as_used() -> None:
    calls = Calls(AccountLimiter(tokens_per_minute=600))
    with pytest.raises(ConnectionError), await calls.limiter.reserve(40, 10, (0,)):
        raise ConnectionError
    await calls.make(tokens=5)
    assert calls.times == pytest.approx([5], rel=0.01)
    assert calls.limiter.open_reservations == 0


async def test_a_refused_call_has_used_its_request_and_no_tokens() -> None:
    limiter = AccountLimiter(requests_per_minute=6000, tokens_per_minute=6000)
    calls = Calls(limiter)
    with await limiter.reserve(1000, 0, (0,)) as reservation:
        error = RateLimited("too fast", retry_after_seconds=1, limit="requests")
        reservation.refused(error)
    await calls.make(tokens=40)
    assert calls.times == [1]


async def test_input_and_output_have_limits_of_their_own() -> None:
    limiter = AccountLimiter(input_tokens_per_minute=60_000, output_tokens_per_minute=600)
    began = anyio.current_time()
    with await limiter.reserve(100, 50, (0,)):
        pass
    with await limiter.reserve(100, 5, (0,)):
        assert anyio.current_time() - began == pytest.approx(5, rel=0.01)
    assert limiter.seconds_waited["output_tokens"] == pytest.approx(5, rel=0.01)


def how_it_went(reservation: Any) -> list[Callable[[], None]]:
    return [
        lambda: reservation.settle(Usage(), role="assistant"),
        lambda: reservation.refused(RateLimited("too fast")),
        lambda: reservation.failed(),
    ]


@pytest.mark.parametrize("first", range(3))
async def test_how_a_call_went_is_said_once_and_only_while_it_is_held(first: int) -> None:
    limiter = AccountLimiter()
    with await limiter.reserve(5, 0, (0,)) as reservation:
        how_it_went(reservation)[first]()
        for say in how_it_went(reservation):
            with pytest.raises(RuntimeError, match="ends once"):
                say()
    with await limiter.reserve(5, 0, (0,)) as reservation:
        pass
    for say in how_it_went(reservation):
        with pytest.raises(RuntimeError, match="while it is held"):
            say()
    assert limiter.open_reservations == 0


async def test_a_pause_holds_everyone_and_is_never_shortened() -> None:
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


async def test_a_hint_is_followed_as_it_is() -> None:
    calls = Calls(AccountLimiter())
    with await calls.limiter.reserve(1, 0, (0,)) as reservation:
        reservation.refused(RateLimited("too fast", retry_after_seconds=7.5))
    await calls.make()
    assert calls.times == [7.5]


async def test_a_short_rest_for_concurrency_is_not_taken_a_smaller_window_heals_it() -> None:
    limiter = AccountLimiter(max_in_flight=100)
    calls = Calls(limiter)
    held = [await limiter.reserve(1, 0, (0,)) for _ in range(50)]
    for reservation in held:
        with reservation:
            error = RateLimited("too many", retry_after_seconds=0.25, limit="concurrency")
            if reservation.in_flight > 40:
                reservation.refused(error)
    await calls.make()
    assert calls.times == [0]
    assert limiter.max_in_flight < 50


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
        await anyio.sleep(1.5)
        seen.append(limiter.limiting())  # 40 tokens, ten a second
        limiter.pause(20)
        seen.append(limiter.limiting())
    seen.append(limiter.limiting())
    assert seen == ["nothing", "concurrency", "requests", "tokens", "cool-down", "nothing"]
    second = 1 / 0.98
    assert limiter.seconds_waited == {
        "requests": pytest.approx(second - 0.25),
        "tokens": pytest.approx(2.125 - second),
        "input_tokens": 0,
        "output_tokens": 0,
        "concurrency": pytest.approx(0.25),
        "cool-down": pytest.approx(20),
        "paused": 0,
    }


async def test_a_call_whose_turn_comes_while_it_is_being_cancelled_is_charged_nothing() -> None:
    """
    Between a cancellation and its arrival the call still stands in the queue and may be
    admitted; what it was given goes to the next at once.
    """
    limiter = AccountLimiter(tokens_per_minute=12_100, max_in_flight=1)  # a burst of 100
    calls = Calls(limiter)
    scope = anyio.CancelScope()

    async def doomed() -> None:
        with scope:
            await calls.make(1, tokens=50)

    async with anyio.create_task_group() as tg:
        with await limiter.reserve(50, 0, (0,)):
            tg.start_soon(doomed)
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
        assert limiter.open_reservations == 1  # it has the turn, and will never know
        tg.start_soon(partial(calls.make, 2, tokens=50))
    assert calls.admitted == [(0, 2)]
    assert limiter.open_reservations == limiter.waiting == 0


async def test_five_thousand_calls_wait_in_order() -> None:
    calls = Calls(AccountLimiter(requests_per_minute=60_000, max_in_flight=5000))
    numbers = list(range(5000))
    random.Random(1).shuffle(numbers)
    await together(*[partial(calls.make, number) for number in numbers])
    # What goes at once goes in order of arrival; all that had to wait go oldest first.
    waited = calls.numbers[500:]
    assert waited == sorted(waited)
    assert max(calls.times) == pytest.approx(4.5, rel=0.01)


@pytest.mark.parametrize(
    "limits",
    [
        {"requests_per_minute": 0},
        {"tokens_per_minute": -1},
        {"input_tokens_per_minute": float("inf")},
        {"output_tokens_per_minute": float("nan")},
        {"max_in_flight": 0},
    ],
)
def test_a_limit_that_lets_nobody_through_is_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        AccountLimiter(**limits)


async def test_a_limit_of_calls_at_once_that_answers_announce_is_kept_to() -> None:
    limiter = AccountLimiter(max_in_flight=50)
    told = Allowance(limit="concurrency", per_minute=3)
    with await limiter.reserve(1, 1, (0,)) as reservation:
        reservation.settle(Usage(), role="assistant", allowances=(told,))
    assert limiter.max_in_flight == 3


async def test_who_can_ask_elsewhere_is_not_kept_waiting_for_an_account_that_rests() -> None:
    limiter = AccountLimiter(max_in_flight=1, release_after_seconds=30)
    sent_away: list[float | None] = []

    async def wait() -> None:
        try:
            await limiter.reserve(1, 1, (1,))
        except RateLimited as error:
            sent_away.append(error.retry_after_seconds)

    async with anyio.create_task_group() as tg:
        with await limiter.reserve(1, 1, (0,)) as reservation:
            tg.start_soon(wait)
            await anyio.sleep(1)
            reservation.refused(RateLimited("come back later", retry_after_seconds=40))
        await anyio.sleep(1)
        tg.start_soon(wait)  # a rest that is known is not waited for either
    assert sent_away == pytest.approx([40, 39])
    assert limiter.waiting == limiter.open_reservations == 0
    began = anyio.current_time()
    await anyio.sleep(10)  # the rest that is left is short enough to wait for
    with await limiter.reserve(1, 1, (2,)):
        assert anyio.current_time() - began == pytest.approx(39)


async def test_a_known_rate_opens_a_second_worth_of_calls_at_once() -> None:
    assert AccountLimiter(requests_per_minute=6000).max_in_flight == 100
    limiter = AccountLimiter()
    assert limiter.max_in_flight == 4
    told = Allowance(limit="requests", per_minute=6000)
    with await limiter.reserve(1, 1, (0,)) as reservation:
        reservation.settle(Usage(), role="assistant", allowances=(told,))
    assert limiter.max_in_flight == 100
