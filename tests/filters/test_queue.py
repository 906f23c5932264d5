"""The queue: order, back-pressure, draining, and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio import wait_all_tasks_blocked

from simkit.filters.judges import PROMPTS, TrajectoryJudge
from simkit.filters.panel import TrajectoryPanel
from simkit.filters.pipeline import FilterPipeline
from simkit.filters.queue import FilterQueue
from simkit.filters.rules import default_checks
from simkit.traces.prompts import PromptSet
from simkit.traces.provider_errors import KeyRefused
from simkit.traces.records import Trajectory, Verdict
from simkit.traces.voice import Voice

Build = Callable[..., Trajectory]

rules_only = FilterPipeline(default_checks(), None, None)


async def test_leaving_waits_until_everything_is_judged(a_trajectory: Build) -> None:
    accepted: dict[str, str] = {}

    async def accept(trajectory: Trajectory, verdict: Verdict) -> None:
        await anyio.lowlevel.checkpoint()
        accepted[trajectory.id] = verdict.outcome

    async with FilterQueue(rules_only, accept, size=10, workers=2) as queue:
        for number in range(5):
            await queue.put(a_trajectory(number))
        await queue.put(a_trajectory(5, messages=()))
    assert accepted == {f"7-{n}": "kept" for n in range(5)} | {"7-5": "dropped"}
    assert (queue.waiting, queue.busy) == (0, 0)


async def test_a_full_queue_holds_put_back(a_trajectory: Build) -> None:
    """Two are judged, three wait, the sixth is not taken until one is done."""
    may_go_on = anyio.Event()
    put: list[int] = []

    async def accept(trajectory: Trajectory, verdict: Verdict) -> None:
        await may_go_on.wait()

    async def put_all(queue: FilterQueue) -> None:
        for number in range(8):
            await queue.put(a_trajectory(number))
            put.append(number)

    async with (
        FilterQueue(rules_only, accept, size=3, workers=2) as queue,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(put_all, queue)
        await wait_all_tasks_blocked()
        assert put == [0, 1, 2, 3, 4]
        assert (queue.busy, queue.waiting) == (2, 4)  # the held one waits too
        may_go_on.set()
    assert put == list(range(8))


async def test_a_queue_of_size_0_hands_over_to_free_workers_only(a_trajectory: Build) -> None:
    may_go_on = anyio.Event()

    async def accept(trajectory: Trajectory, verdict: Verdict) -> None:
        await may_go_on.wait()

    async with FilterQueue(rules_only, accept, size=0, workers=1) as queue:
        await queue.put(a_trajectory(0))
        with anyio.move_on_after(0) as held:
            await queue.put(a_trajectory(1))
        assert held.cancelled_caught
        may_go_on.set()


@pytest.mark.parametrize("size", [0, 1, 100])
async def test_a_bug_in_accept_is_raised_by_itself_and_stops_put(
    a_trajectory: Build, size: int
) -> None:
    async def accept(trajectory: Trajectory, verdict: Verdict) -> None:
        raise ZeroDivisionError("a bug")

    async def put_for_ever() -> None:
        async with FilterQueue(rules_only, accept, size=size, workers=1) as queue:
            while True:
                await queue.put(a_trajectory())

    with pytest.raises(ZeroDivisionError, match="a bug"):
        await put_for_ever()


async def test_an_account_problem_of_the_judge_is_raised_by_itself(
    a_trajectory: Build, scripted: Callable[..., Any]
) -> None:
    """Also when all workers meet it at once."""
    client = scripted(lambda request: KeyRefused("HTTP 401"))
    pipeline = FilterPipeline(
        [],
        TrajectoryPanel([TrajectoryJudge(Voice(role="judge", client=client), PromptSet(PROMPTS))]),
        None,
    )
    accepted: list[str] = []

    async def accept(trajectory: Trajectory, verdict: Verdict) -> None:
        accepted.append(trajectory.id)

    async def put_four() -> None:
        async with FilterQueue(pipeline, accept, size=4, workers=4) as queue:
            for number in range(4):
                await queue.put(a_trajectory(number))

    with pytest.raises(KeyRefused, match="HTTP 401"):
        await put_four()
    assert accepted == []


async def test_different_errors_stay_a_group(a_trajectory: Build) -> None:
    both = anyio.Event()

    async def accept(trajectory: Trajectory, verdict: Verdict) -> None:
        if trajectory.scenario.number == 0:
            try:
                await both.wait()
            finally:
                raise ValueError("first")
        raise TypeError("second")

    async def put_two() -> None:
        async with FilterQueue(rules_only, accept, size=2, workers=2) as queue:
            await queue.put(a_trajectory(0))
            await queue.put(a_trajectory(1))

    with pytest.raises(ExceptionGroup) as caught:
        await put_two()
    assert {type(error) for error in caught.value.exceptions} == {ValueError, TypeError}


async def test_an_error_of_the_body_leaves_by_itself_and_drops_what_waits(
    a_trajectory: Build,
) -> None:
    accepted: list[str] = []

    async def accept(trajectory: Trajectory, verdict: Verdict) -> None:
        await anyio.sleep_forever()
        accepted.append(trajectory.id)

    async def put_three_and_fail() -> None:
        async with FilterQueue(rules_only, accept, size=3, workers=1) as queue:
            for number in range(3):
                await queue.put(a_trajectory(number))
            raise KeyError("body")

    with pytest.raises(KeyError, match="body"):
        await put_three_and_fail()
    assert accepted == []


async def test_cancelling_the_context_ends_the_workers(a_trajectory: Build) -> None:
    async def accept(trajectory: Trajectory, verdict: Verdict) -> None:
        await anyio.sleep_forever()

    with anyio.CancelScope() as scope:
        async with FilterQueue(rules_only, accept, size=1, workers=1) as queue:
            await queue.put(a_trajectory())
            await wait_all_tasks_blocked()
            assert queue.busy == 1
            scope.cancel()
    assert scope.cancelled_caught
    assert queue.busy == 0


async def test_put_after_the_context_is_an_error(a_trajectory: Build) -> None:
    async def accept(trajectory: Trajectory, verdict: Verdict) -> None: ...

    async with FilterQueue(rules_only, accept, size=1, workers=1) as queue:
        pass
    with pytest.raises(anyio.ClosedResourceError):
        await queue.put(a_trajectory())


@pytest.mark.parametrize(("size", "workers"), [(-1, 1), (0, 0)])
def test_a_queue_that_could_not_work_is_refused(size: int, workers: int) -> None:
    async def accept(trajectory: Trajectory, verdict: Verdict) -> None: ...

    with pytest.raises(ValueError, match=f"size={size} and workers={workers}"):
        FilterQueue(rules_only, accept, size=size, workers=workers)


async def test_more_workers_judge_at_once_and_of_fewer_all_end_what_they_judge(
    a_trajectory: Build,
) -> None:
    may_go_on = anyio.Semaphore(0)
    accepted: list[int] = []

    async def accept(trajectory: Trajectory, verdict: Verdict) -> None:
        await may_go_on.acquire()
        accepted.append(trajectory.scenario.number)

    async with FilterQueue(rules_only, accept, size=20, workers=1) as queue:
        for number in range(10):
            await queue.put(a_trajectory(number))
        await wait_all_tasks_blocked()
        assert queue.busy == 1
        queue.workers = 6
        await wait_all_tasks_blocked()
        assert queue.busy == 6
        queue.workers = 2
        for _ in range(5):
            may_go_on.release()
        await wait_all_tasks_blocked()
        assert (len(accepted), queue.busy, queue.workers) == (5, 2, 2)
        for _ in range(5):
            may_go_on.release()
    assert sorted(accepted) == list(range(10))


async def test_workers_that_wait_leave_at_once_when_there_are_to_be_fewer(
    a_trajectory: Build,
) -> None:
    may_go_on = anyio.Event()

    async def accept(trajectory: Trajectory, verdict: Verdict) -> None:
        await may_go_on.wait()

    async with FilterQueue(rules_only, accept, size=20, workers=8) as queue:
        await wait_all_tasks_blocked()
        queue.workers = 4
        queue.workers = 3
        for number in range(10):
            await queue.put(a_trajectory(number))
        await wait_all_tasks_blocked()
        assert (queue.busy, queue.waiting) == (3, 7)
        queue.workers = 5
        await wait_all_tasks_blocked()
        assert queue.busy == 5
        may_go_on.set()


async def test_a_trajectory_that_comes_as_its_worker_is_told_to_leave_is_judged(
    a_trajectory: Build,
) -> None:
    accepted: list[int] = []

    async def accept(trajectory: Trajectory, verdict: Verdict) -> None:
        accepted.append(trajectory.scenario.number)

    async with FilterQueue(rules_only, accept, size=0, workers=1) as queue:
        for number in range(20):
            queue.workers = 4
            await wait_all_tasks_blocked()
            await queue.put(a_trajectory(number))  # a worker has it, and has not run yet
            queue.workers = 1
    assert sorted(accepted) == list(range(20))
