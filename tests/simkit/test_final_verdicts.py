"""Verdicts become final in scenario order, whatever is judged first and whatever hangs."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import pytest

from simkit.final_verdicts import FinalVerdicts
from simkit.traces.records import Message, Trajectory, Verdict

COUNT = 60
IN_FLIGHT = 7
WINDOW = IN_FLIGHT + 4_096

ATrajectory = Callable[..., Trajectory]


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def said(number: int) -> tuple[Message, ...]:
    """Seven different things; every fifth conversation is the judge's to drop."""
    words = " ".join(f"w{number % 7}{at}" for at in range(20))
    return (Message(role="user", content=words), Message(role="assistant", content="Yes."))


def verdict(number: int) -> Verdict:
    return Verdict(outcome="dropped" if number % 5 == 0 else "kept")


async def yes() -> bool:
    return True


async def judged_at_random(
    a_trajectory: ATrajectory, timing: int, near_duplicates: float = 0.9
) -> dict[int, Verdict]:
    """What is accepted, in that order."""
    accepted: dict[int, Verdict] = {}
    draw = random.Random(timing)

    async def accept(scenario: int, verdict: Verdict) -> None:
        accepted[scenario] = verdict

    final = FinalVerdicts(accept, near_duplicates=near_duplicates, in_flight=COUNT)

    async def judge(number: int, seconds: float) -> None:
        await anyio.sleep(seconds)
        await final.take(a_trajectory(number, said(number)), verdict(number))

    async with anyio.create_task_group() as group:
        for number in range(COUNT):
            final.begin(number)
            group.start_soon(judge, number, draw.expovariate(1.0))
    assert final.waiting == 0
    return accepted


async def test_of_two_the_earlier_stays_whatever_is_judged_first(
    a_trajectory: ATrajectory,
) -> None:
    first = await judged_at_random(a_trajectory, 0)
    kept = [number for number, final in sorted(first.items()) if final.outcome == "kept"]
    assert kept == [1, 2, 3, 4, 6, 7, 12]  # 0 and 5 are dropped anyway, so 7 and 12 are first
    assert "conversation 12," in first[19].reasons[0].message
    for timing in (1, 2, 3):
        assert await judged_at_random(a_trajectory, timing) == first


async def test_without_comparing_nothing_is_held_back(a_trajectory: ATrajectory) -> None:
    accepted = await judged_at_random(a_trajectory, 0, near_duplicates=0.0)
    assert accepted == {number: verdict(number) for number in range(COUNT)}
    assert list(accepted) != sorted(accepted)


async def test_a_conversation_that_hangs_holds_new_ones_back_and_can_be_cancelled(
    a_trajectory: ATrajectory,
) -> None:
    accepted: list[int] = []

    async def accept(scenario: int, verdict: Verdict) -> None:
        accepted.append(scenario)

    final = FinalVerdicts(accept, near_duplicates=0.9, in_flight=IN_FLIGHT)
    failed = Verdict(outcome="failed")
    final.begin(0)
    for number in range(1, WINDOW):
        assert await final.may_start(yes)
        final.begin(number)
        await final.take(a_trajectory(number), failed)
    assert (accepted, final.waiting, final.is_holding_back) == ([], WINDOW - 1, False)

    async with anyio.create_task_group() as group:
        group.start_soon(partial(final.may_start, yes))
        await anyio.wait_all_tasks_blocked()
        assert final.is_holding_back
        group.cancel_scope.cancel()
    assert not final.is_holding_back

    async with anyio.create_task_group() as group:
        group.start_soon(partial(final.may_start, yes))
        await anyio.wait_all_tasks_blocked()
        await final.take(a_trajectory(0), failed)
    assert sorted(accepted) == list(range(WINDOW))
    assert not final.is_holding_back


async def test_a_limit_is_asked_last(a_trajectory: ATrajectory) -> None:
    final = FinalVerdicts(_nobody, near_duplicates=0.9, in_flight=IN_FLIGHT)

    async def no() -> bool:
        return False

    assert not await final.may_start(no)


async def test_what_cannot_be_stored_is_raised_as_it_is(a_trajectory: ATrajectory) -> None:
    final = FinalVerdicts(_nobody, near_duplicates=0.9, in_flight=IN_FLIGHT)
    final.begin(0)
    with pytest.raises(OSError, match="full"):
        await final.take(a_trajectory(0), Verdict(outcome="kept"))


async def _nobody(scenario: int, verdict: Verdict) -> None:
    raise OSError("the disk is full")
