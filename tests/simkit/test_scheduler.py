"""Which conversations are in flight, and when a new one starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import anyio
import pytest
from anyio.lowlevel import checkpoint

from simkit.filters.crew import Crew
from simkit.filters.pipeline import FilterPipeline
from simkit.filters.queue import FilterQueue
from simkit.scheduler import InFlight, work_through
from simkit.traces.records import Scenario, Trajectory, Verdict


async def always() -> bool:
    return True


@pytest.fixture
def scenarios(a_scenario: Callable[..., Scenario]) -> Callable[[int], Iterator[Scenario]]:
    def first(count: int) -> Iterator[Scenario]:
        return (a_scenario(number) for number in range(count))

    return first


async def test_no_scenario_is_drawn_before_there_is_room_for_it(
    a_scenario: Callable[..., Scenario],
) -> None:
    drawn: list[int] = []
    go_on = anyio.Event()

    def endless() -> Iterator[Scenario]:
        for number in range(100):
            drawn.append(number)
            yield a_scenario(number)

    async def work(scenario: Scenario) -> None:
        await go_on.wait()

    async with anyio.create_task_group() as group:
        group.start_soon(partial(work_through, endless(), work, concurrency=3, may_start=always))
        await anyio.wait_all_tasks_blocked()
        assert drawn == [0, 1, 2]
        go_on.set()
    assert drawn == list(range(100))


async def test_scenarios_start_in_order_and_each_is_played_once(
    scenarios: Callable[[int], Iterator[Scenario]],
) -> None:
    started: list[int] = []

    async def work(scenario: Scenario) -> None:
        started.append(scenario.number)
        await checkpoint()

    await work_through(scenarios(50), work, concurrency=7, may_start=always)
    assert started == list(range(50))


async def test_slow_filters_hold_new_conversations_back(
    scenarios: Callable[[int], Iterator[Scenario]], a_trajectory: Callable[..., Trajectory]
) -> None:
    """Whoever cannot hand its trajectory over starts no other conversation."""
    started: list[int] = []
    judged: list[int] = []
    filters_may_go_on = anyio.Event()

    async def accept(trajectory: Trajectory, verdict: Verdict) -> None:
        await filters_may_go_on.wait()
        judged.append(trajectory.scenario.number)

    filters = FilterQueue(FilterPipeline([], None, None), accept, size=2, workers=1)
    async with filters, anyio.create_task_group() as group:

        async def work(scenario: Scenario) -> None:
            started.append(scenario.number)
            await filters.put(a_trajectory(scenario.number))

        group.start_soon(
            partial(work_through, scenarios(100), work, concurrency=5, may_start=always)
        )
        await anyio.wait_all_tasks_blocked()
        # One is being judged, two wait in the queue, five workers hold one each.
        assert started == list(range(8))
        filters_may_go_on.set()
    assert sorted(judged) == list(range(100))
    assert started == list(range(100))


async def test_a_bug_in_one_conversation_stops_all_of_them(
    scenarios: Callable[[int], Iterator[Scenario]],
) -> None:
    flight = InFlight()

    async def work(scenario: Scenario) -> None:
        with flight:
            if scenario.number == 5:
                raise RuntimeError("a bug")
            await anyio.sleep_forever()

    with pytest.raises(ExceptionGroup) as raised:
        await work_through(scenarios(100), work, concurrency=10, may_start=always)
    assert raised.group_contains(RuntimeError, match="a bug")
    assert flight.now == 0
    assert flight.peak <= 10  # and none was started in the place of another


async def test_a_scenario_is_drawn_only_after_leave_to_start(
    scenarios: Callable[[int], Iterator[Scenario]],
) -> None:
    asked = 0
    leave = anyio.Event()
    started: list[int] = []

    async def may_start() -> bool:
        nonlocal asked
        asked += 1
        if asked > 2:
            await leave.wait()
        return len(started) < 5

    async def work(scenario: Scenario) -> None:
        started.append(scenario.number)
        await checkpoint()

    drawn = scenarios(100)
    async with anyio.create_task_group() as group:
        group.start_soon(partial(work_through, drawn, work, concurrency=2, may_start=may_start))
        await anyio.wait_all_tasks_blocked()
        assert started == [0, 1]
        leave.set()
    assert started == [0, 1, 2, 3, 4]
    assert next(drawn).number == 5  # what may not start is not drawn


async def test_more_places_are_taken_at_once_and_of_fewer_nobody_is_cut_off() -> None:
    started: list[int] = []
    ended: list[int] = []
    may_end = [anyio.Event() for _ in range(100)]

    async def work(item: int) -> None:
        started.append(item)
        await may_end[item].wait()
        ended.append(item)

    crew = Crew(2)
    async with anyio.create_task_group() as group:
        group.start_soon(
            partial(work_through, range(100), work, concurrency=crew, may_start=always)
        )
        await anyio.wait_all_tasks_blocked()
        crew.size = 10
        await anyio.wait_all_tasks_blocked()
        assert started == list(range(10))
        crew.size = 3
        await anyio.wait_all_tasks_blocked()
        assert not ended
        for event in may_end[:8]:
            event.set()
        await anyio.wait_all_tasks_blocked()
        assert len(started) - len(ended) == 3
        for event in may_end:
            event.set()
    assert started == list(range(100))
    assert sorted(ended) == started


async def test_places_that_come_after_the_end_start_nothing_and_there_is_at_least_one() -> None:
    done: list[None] = []  # items may be anything, None too

    async def work(item: None) -> None:
        done.append(item)

    crew = Crew(1)
    await work_through([None, None], work, concurrency=crew, may_start=always)
    crew.size = 5
    await anyio.wait_all_tasks_blocked()
    assert done == [None, None]
    for refused in (0, -1):
        with pytest.raises(ValueError, match="at least 1 place"):
            crew.size = refused


async def test_who_waits_for_leave_to_start_leaves_when_there_are_too_many() -> None:
    leave = anyio.Event()
    at_work = InFlight()

    async def may_start() -> bool:
        await leave.wait()
        return True

    async def work(item: int) -> None:
        with at_work:
            await checkpoint()

    crew = Crew(8)
    async with anyio.create_task_group() as group:
        group.start_soon(
            partial(work_through, range(50), work, concurrency=crew, may_start=may_start)
        )
        await anyio.wait_all_tasks_blocked()
        crew.size = 2
        leave.set()
    assert at_work.peak == 2
