"""What set the pace is told as shares of the time, which add up."""

from __future__ import annotations

import random
from typing import Any

import anyio
import pytest

from simkit.limits import AccountLimiter, Limit
from simkit.pace import Pace, SharedWait, in_words
from simkit.traces.provider_errors import RateLimited
from simkit.tuning.virtual_time import run_virtually


class Fed:
    """A pace whose sources are set by hand."""

    def __init__(self, accounts: int = 1) -> None:
        self.held: list[dict[Limit, float]] = [{} for _ in range(accounts)]
        self.waited = 0.0
        self.tasks = 1
        self.holds: set[str] = set()
        self.pace = Pace(
            lambda: [dict(account) for account in self.held],
            waits=[SharedWait(cause="disk", seconds=lambda: self.waited, among=lambda: self.tasks)],
            signs=[(cause, lambda cause=cause: cause in self.holds) for cause in ("first", "then")],
            causes_of_waits=[("reason", lambda: "reason" in self.holds)],
        )
        self.pace.note(0.0)


def close(shares: dict[str, float]) -> Any:
    return pytest.approx(shares, abs=1e-9)


def test_a_limit_that_held_calls_for_six_of_ten_seconds_has_60_per_cent() -> None:
    fed = Fed()
    fed.holds = {"then"}
    fed.held[0] = {"requests": 6.0, "tokens": 0.0}
    fed.pace.note(10.0)
    assert fed.pace.shares() == close({"requests": 0.6, "then": 0.4})


def test_nothing_is_told_before_there_is_an_interval() -> None:
    pace = Pace(list)
    assert pace.note(5.0) == {}
    assert pace.shares() == pace.recent(5.0) == {}
    assert pace.note(5.0) == {}, "no time has passed"
    assert pace.note(6.0) == {"nothing": 1.0}


def test_what_was_held_before_the_first_reading_does_not_count() -> None:
    held: dict[Limit, float] = {"requests": 100.0}
    pace = Pace(lambda: [dict(held)])
    pace.note(100.0)
    held["requests"] += 1.0
    assert pace.note(102.0) == close({"requests": 0.5, "nothing": 0.5})


def test_an_interval_belongs_to_the_account_that_held_calls_longest() -> None:
    fed = Fed(accounts=2)
    fed.held = [{"requests": 3.0}, {"tokens": 2.0, "concurrency": 2.0}]
    assert fed.pace.note(10.0) == close({"tokens": 0.2, "calls in flight": 0.2, "nothing": 0.6})
    fed.held = [{"requests": 8.0}, {"tokens": 2.0, "concurrency": 2.0}]
    assert fed.pace.note(20.0) == close({"requests": 0.5, "nothing": 0.5})


def test_limits_never_get_more_than_the_interval_in_which_they_were_read() -> None:
    fed = Fed()
    fed.holds = {"first"}
    fed.held[0] = {"requests": 9.0, "cool-down": 3.0}
    fed.waited = 5.0
    assert fed.pace.note(10.0) == close({"requests": 0.75, "cool-down": 0.25})


def test_a_wait_counts_by_the_share_of_those_who_wait() -> None:
    fed = Fed()
    fed.tasks, fed.waited = 8, 20.0  # two of eight at any time
    assert fed.pace.note(10.0) == close({"nothing": 0.75, "disk": 0.25})
    fed.tasks = 0
    fed.waited += 50.0
    assert fed.pace.note(20.0) == {"disk": 1.0}


def test_the_first_sign_that_holds_gets_what_is_left() -> None:
    fed = Fed()
    fed.held[0] = {"input_tokens": 1.0}
    fed.holds = {"then", "first"}
    assert fed.pace.note(4.0) == close({"first": 0.75, "input tokens": 0.25})
    fed.holds = {"then"}
    assert fed.pace.note(5.0) == {"then": 1.0}


def test_what_makes_waits_long_takes_their_place_but_not_that_of_limits() -> None:
    fed = Fed()
    fed.held[0], fed.waited = {"requests": 1.0}, 2.0
    fed.holds = {"reason", "first"}
    assert fed.pace.note(4.0) == close({"reason": 0.75, "requests": 0.25})
    fed.holds = {"first"}
    assert fed.pace.note(8.0) == {"first": 1.0}, "the wait was in the interval before"


def test_lately_means_the_last_ten_seconds() -> None:
    fed = Fed()
    fed.holds = {"first"}
    for second in range(1, 31):
        fed.pace.note(float(second))
    fed.holds = {"then"}
    for second in range(31, 36):
        fed.pace.note(float(second))
    assert fed.pace.recent(35.0) == close({"first": 0.5, "then": 0.5})
    assert fed.pace.recent(44.5) == {"then": 1.0}, "the rest is older by then"
    assert fed.pace.shares() == close({"first": 30 / 35, "then": 5 / 35})


@pytest.mark.parametrize("seed", range(5))
def test_shares_add_up_to_one_whatever_is_fed_and_the_largest_comes_first(seed: int) -> None:
    chance, now = random.Random(seed), 0.0
    fed = Fed(accounts=3)
    kinds: tuple[Limit, ...] = ("requests", "tokens", "output_tokens", "cool-down")
    for _ in range(300):
        now += chance.choice((0.0, 0.001, 0.25, 3.0))
        account = chance.choice(fed.held)
        kind = chance.choice(kinds)
        account[kind] = account.get(kind, 0.0) + chance.random()
        fed.waited += chance.random()
        fed.holds = set(chance.sample(("first", "then"), chance.randint(0, 2)))
        lately = fed.pace.note(now)
        for shares in (lately, fed.pace.shares(), fed.pace.recent(now)):
            assert not shares or sum(shares.values()) == pytest.approx(1.0)
            assert list(shares.values()) == sorted(shares.values(), reverse=True)
            assert all(share > 0 for share in shares.values())


def test_the_largest_shares_are_told_in_words() -> None:
    shares = {"nothing": 0.4, "requests": 0.3, "disk": 0.2, "CPU": 0.06, "filters": 0.04}
    assert in_words(shares) == "requests (30%), disk (20%)"
    assert in_words(shares, most=3, least=0.05) == "requests (30%), disk (20%), CPU (6%)"
    assert in_words({"nothing": 1.0}) is None


def test_a_limiters_own_accounting_is_taken_to_the_moment() -> None:
    """One call in six seconds; the second waits for it, and the readings fall anywhere."""

    async def shares() -> Any:
        limiter = AccountLimiter(requests_per_minute=10)
        pace = Pace(lambda: [limiter.seconds_waited], signs=[("provider latency", lambda: True)])
        waited = 0.0

        async def ask_twice() -> None:
            nonlocal waited
            for _ in range(2):
                with await limiter.reserve(1, 0, (0,)):
                    waited = anyio.current_time()

        async with anyio.create_task_group() as group:
            group.start_soon(ask_twice)
            for _ in range(41):
                pace.note(anyio.current_time())
                await anyio.sleep(0.25)
        return waited, pace.shares()

    waited, told = run_virtually(shares)
    assert waited == pytest.approx(6, rel=0.03)
    assert told == pytest.approx({"requests": waited / 10, "provider latency": 1 - waited / 10})


@pytest.mark.parametrize(
    ("limits", "cause"),
    [
        ({"tokens_per_minute": 600}, "tokens"),
        ({"input_tokens_per_minute": 600}, "input tokens"),
        ({"output_tokens_per_minute": 60}, "output tokens"),
        ({"max_in_flight": 1}, "calls in flight"),
    ],
)
def test_each_limit_is_told_while_it_holds_calls(limits: dict[str, Any], cause: str) -> None:
    async def shares() -> Any:
        limiter = AccountLimiter(**limits)
        pace = Pace(lambda: [limiter.seconds_waited])

        async def call() -> None:
            with await limiter.reserve(50, 5, (0,)):
                await anyio.sleep(1)

        pace.note(0.0)
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(call)
        pace.note(anyio.current_time())
        return pace.shares()

    told = run_virtually(shares)
    assert next(iter(told)) == cause
    assert told[cause] > 0.6


def test_a_rest_that_the_provider_asked_for_is_told() -> None:
    async def shares() -> Any:
        limiter = AccountLimiter()
        pace = Pace(lambda: [limiter.seconds_waited])
        pace.note(0.0)
        with await limiter.reserve(1, 0, (0,)) as reservation:
            reservation.refused(RateLimited("too fast", retry_after_seconds=30))
        with await limiter.reserve(1, 0, (0,)):
            await anyio.sleep(10)
        pace.note(anyio.current_time())
        return pace.shares()

    assert run_virtually(shares) == pytest.approx({"cool-down": 0.75, "nothing": 0.25})
