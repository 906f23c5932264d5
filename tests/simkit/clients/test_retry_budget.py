"""What retries may cost an account, on an exact virtual clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simkit.clients.retry_budget import RetryBudget
from simkit.clients.retrying import Retrying, RetryPolicy
from simkit.clients.scripted import Line, Scripted
from simkit.traces.calls import ChatRequest
from simkit.traces.events import CallRetried
from simkit.traces.provider_errors import ProviderUnavailable, RateLimited, RequestRefused
from simkit.tuning.virtual_time import run_virtually

ARequest = Callable[..., ChatRequest]


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


async def seconds_to_withdraw(budget: RetryBudget) -> float:
    began = anyio.current_time()
    await budget.withdraw()
    return anyio.current_time() - began


async def test_the_reserve_is_free_and_then_there_is_the_drip() -> None:
    budget = RetryBudget(reserve=3, drip_per_second=0.5)
    waits = [await seconds_to_withdraw(budget) for _ in range(5)]
    assert waits == pytest.approx([0, 0, 0, 2, 2])


async def test_answers_bring_a_share_and_retries_that_succeed_their_token() -> None:
    budget = RetryBudget(reserve=1, ratio=0.25, drip_per_second=0.001)
    await budget.withdraw()
    for _ in range(4):
        budget.answered()
    assert await seconds_to_withdraw(budget) == 0
    budget.give_back()
    assert await seconds_to_withdraw(budget) == 0


async def test_what_comes_in_wakes_the_one_that_waits() -> None:
    budget = RetryBudget(reserve=1, drip_per_second=0.001)
    await budget.withdraw()
    began = anyio.current_time()
    async with anyio.create_task_group() as tg:
        tg.start_soon(budget.withdraw)
        await anyio.sleep(7)
        budget.give_back()
    assert anyio.current_time() - began == 7


async def test_tokens_are_not_saved_up_beyond_the_capacity() -> None:
    budget = RetryBudget(reserve=2, capacity=4, drip_per_second=1)
    for _ in range(1000):
        budget.answered()
    waits = [await seconds_to_withdraw(budget) for _ in range(5)]
    assert waits == pytest.approx([0, 0, 0, 0, 1])


async def test_whoever_came_first_goes_first_and_who_left_has_taken_nothing() -> None:
    budget = RetryBudget(reserve=1, drip_per_second=1)
    await budget.withdraw()
    served: list[tuple[int, float]] = []
    scopes = [anyio.CancelScope() for _ in range(5)]

    async def withdraw(number: int) -> None:
        with scopes[number]:
            await budget.withdraw()
            served.append((number, anyio.current_time() - began))

    began = anyio.current_time()
    async with anyio.create_task_group() as tg:
        for number in range(5):
            tg.start_soon(withdraw, number)
            await anyio.wait_all_tasks_blocked()
        await anyio.sleep(0.5)
        scopes[0].cancel()  # the first in line
        scopes[3].cancel()
    assert [number for number, _ in served] == [1, 2, 4]
    assert [at for _, at in served] == pytest.approx([1, 2, 3])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ratio": -1}, "ratio >= 0"),
        ({"drip_per_second": 0}, "drip_per_second > 0"),
        ({"reserve": 0.5}, "reserve >= 1"),
        ({"reserve": 50, "capacity": 49}, r"capacity \(49\) must not be below reserve \(50\)"),
    ],
)
def test_a_budget_that_could_not_work_is_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RetryBudget(**wrong)


a_retry = st.tuples(
    st.floats(0, 60),  # when it wants to go
    st.floats(0, 20),  # how long it takes
    st.sampled_from(["fails", "answered", "cancelled"]),
    st.floats(0, 30),  # patience of those that are cancelled
)


@given(
    plan=st.lists(a_retry, min_size=1, max_size=60),
    answers=st.lists(st.floats(0, 60), max_size=100),
    reserve=st.integers(1, 5),
    more=st.integers(0, 20),
)
@settings(max_examples=60, deadline=None)
def test_failed_retries_never_exceed_the_budget_and_no_one_is_forgotten(
    plan: list[tuple[float, float, str, float]], answers: list[float], reserve: int, more: int
) -> None:
    async def main() -> None:
        budget = RetryBudget(reserve=reserve, capacity=reserve + more, ratio=0.2)
        began = anyio.current_time()
        counts = {"fails": 0, "answered": 0, "cancelled": 0}

        async def answer(at: float) -> None:
            await anyio.sleep(at)
            budget.answered()
            counts["answered"] += 1

        async def retry(at: float, takes: float, ends: str, patience: float) -> None:
            await anyio.sleep(at)
            with anyio.CancelScope() as scope:
                if ends == "cancelled":
                    scope.deadline = anyio.current_time() + patience
                await budget.withdraw()
                try:
                    await anyio.sleep(takes)
                except anyio.get_cancelled_exc_class():
                    budget.give_back()
                    raise
                if ends == "fails":
                    counts["fails"] += 1
                    seconds = anyio.current_time() - began
                    allowed = reserve + 0.2 * counts["answered"] + seconds
                    assert counts["fails"] <= allowed + 1e-3
                    return
                budget.give_back()
                budget.answered()
                counts["answered"] += 1

        with anyio.fail_after(60 + 60 * 20):  # a token a second, were each to fail
            async with anyio.create_task_group() as tg:
                for at in answers:
                    tg.start_soon(answer, at)
                for one in plan:
                    tg.start_soon(partial(retry, *one))

    run_virtually(main)


class Provider:
    """Calls through a retrying client: when each attempt was made, and what has failed."""

    def __init__(
        self, reply: Callable[[], Line], budget: RetryBudget, *, attempts: int = 8
    ) -> None:
        self.attempts: list[float] = []
        self.pauses = 0.0
        self._reply = reply
        self.client = Retrying(
            Scripted(self._answer, seconds=2),
            RetryPolicy(attempts=attempts),
            jitter=random.Random(1),
            budget=budget,
            on_retry=self._paused,
        )

    def _answer(self, _: ChatRequest) -> Line:
        self.attempts.append(anyio.current_time())
        return self._reply()

    def _paused(self, event: CallRetried) -> None:
        self.pauses += event.pause_seconds

    async def ask(self, a_request: ARequest, calls: int, *, tasks: int) -> None:
        """Make *calls* calls one after another in each of *tasks* tasks; none may fail."""

        async def work(number: int) -> None:
            for turn in range(calls):
                await self.client.complete(a_request(number, turn=turn))

        async with anyio.create_task_group() as tg:
            for number in range(tasks):
                tg.start_soon(work, number)


async def test_an_outage_fails_no_call_and_sees_few_retries(a_request: ARequest) -> None:
    began = anyio.current_time()

    def reply() -> Line:
        seconds = anyio.current_time() - began
        return ProviderUnavailable("down") if 10 <= seconds < 70 else "hello"

    provider = Provider(reply, RetryBudget())
    await provider.ask(a_request, 10, tasks=300)

    in_outage = [at for at in provider.attempts if 10 <= at - began < 70]
    assert 300 < len(in_outage) <= 300 + 50 + 60  # one each, the reserve, the drip
    # Without the outage it takes 20 s. The drip alone would need minutes for the 300.
    assert anyio.current_time() - began < 70 + 20 + 60


@pytest.mark.parametrize("failing", [0.1, 0.3])
async def test_usual_failures_do_not_make_a_retry_wait(a_request: ARequest, failing: float) -> None:
    chance = random.Random(5)

    def reply() -> Line:
        return ProviderUnavailable("down") if chance.random() < failing else "hello"

    budget = RetryBudget(capacity=150)
    for _ in range(500):
        budget.answered()
    provider = Provider(reply, budget, attempts=30)
    asked = 0.0

    async def ask(number: int) -> None:
        nonlocal asked
        for turn in range(10):
            answer = await provider.client.complete(a_request(number, turn=turn))
            asked += answer.times.total_seconds

    async with anyio.create_task_group() as tg:
        for number in range(300):
            tg.start_soon(ask, number)
    assert asked == pytest.approx(2 * len(provider.attempts) + provider.pauses)


async def test_only_a_failed_retry_has_spent_its_token(a_request: ARequest) -> None:
    """A refusal, an answer and a cancellation give it back."""
    budget = RetryBudget(reserve=1, ratio=0, drip_per_second=0.001)

    async def attempt(*script: Line, seconds: float = 1) -> None:
        client = Retrying(
            Scripted(script, seconds=seconds),
            RetryPolicy(),
            jitter=random.Random(1),
            budget=budget,
        )
        with anyio.move_on_after(20):
            await client.complete(a_request())

    failed = ProviderUnavailable("down")
    await attempt(failed, RateLimited("slow"), "hello")
    await attempt(failed, "hello")
    await attempt(failed, "never", seconds=12)
    with pytest.raises(RequestRefused):
        await attempt(failed, RequestRefused("no"))
    assert await seconds_to_withdraw(budget) == 0
    budget.give_back()
    await attempt(failed, ProviderUnavailable("still down"), "cut off in its wait for a token")
    assert await seconds_to_withdraw(budget) > 900
