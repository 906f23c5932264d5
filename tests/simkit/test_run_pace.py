"""Each cause that may set the pace of a run is told where it does."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel
import pytest

from simkit.budget import Budget, open_budget
from simkit.config_file import load_config
from simkit.drain import Drain
from simkit.filters.queue import FilterQueue
from simkit.final_verdicts import FinalVerdicts
from simkit.loop_lag import watched_loop
from simkit.pace import Pace
from simkit.providers import Providers
from simkit.run_pace import run_pace
from simkit.scheduler import InFlight
from simkit.standing import Standing
from simkit.steering import Steering
from simkit.traces.records import Trajectory, Verdict
from simkit.traces.store import Store
from simkit.tuning.virtual_time import run_virtually

CONCURRENCY = 2
ATrajectory = Callable[..., Trajectory]


class SlowJudges:
    """Take a minute for each."""

    async def judge(self, trajectory: Trajectory, /) -> Verdict:
        await anyio.sleep(60)
        return Verdict(outcome="kept", reasons=())


async def accept(_: object, __: object) -> None:
    """It is judged."""


async def yes() -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Of a run of two conversations at a time; it asks nobody."""

    pace: Pace
    store: Store
    in_flight: InFlight
    filters: FilterQueue[Trajectory, Verdict]
    budget: Budget
    final: FinalVerdicts
    steering: Steering

    async def told(self, seconds: float = 2.0) -> str:
        """What set the pace for the most part, in so many seconds from now."""
        self.pace.note(anyio.current_time())
        await anyio.sleep(seconds)
        return next(iter(self.pace.note(anyio.current_time())))


@asynccontextmanager
async def parts(folder: Path, **options: Any) -> AsyncIterator[Parts]:
    changes = {key.replace("__", "."): value for key, value in options.items()}
    config = load_config(None, {"catalog.demo": True, "model.name": "m", **changes})
    in_flight = InFlight()
    budget = open_budget(config)
    final = FinalVerdicts(accept, near_duplicates=0.9, in_flight=CONCURRENCY)
    steering = Steering(lambda number: number, 2, Standing())
    async with (
        Store.open(folder / "run.db") as store,
        watched_loop() as lag,
        FilterQueue(SlowJudges(), accept, size=1, workers=1) as filters,
    ):
        pace = run_pace(
            Providers(config, Drain()),
            store,
            filters,
            in_flight,
            budget=budget,
            final=final,
            steering=steering,
            lag=lag,
            concurrency=lambda: CONCURRENCY,
            filter_queue=1,
        )
        run = Parts(
            pace=pace,
            store=store,
            in_flight=in_flight,
            filters=filters,
            budget=budget,
            final=final,
            steering=steering,
        )
        yield run


def told_of(
    folder: Path, arrange: Callable[[Parts, anyio.abc.TaskGroup], Any], **options: Any
) -> str:
    """What is told of a run in virtual time after *arrange* has brought it into a situation."""

    async def play() -> str:
        async with parts(folder, **options) as run, anyio.create_task_group() as group:
            await arrange(run, group)
            told = await run.told()
            group.cancel_scope.cancel()
        return told

    return run_virtually(play)


def test_as_many_conversations_as_may_be_in_flight_wait_for_answers(tmp_path: Path) -> None:
    async def arrange(run: Parts, _: object) -> None:
        run.in_flight.now = CONCURRENCY

    assert told_of(tmp_path, arrange) == "provider latency"


def test_at_the_end_fewer_conversations_are_left_and_nothing_limits(tmp_path: Path) -> None:
    async def arrange(run: Parts, _: object) -> None:
        run.in_flight.now = CONCURRENCY - 1

    assert told_of(tmp_path, arrange) == "nothing"


@pytest.mark.parametrize(("put", "told"), [(2, "provider latency"), (3, "filters")])
def test_filters_limit_once_a_conversation_cannot_hand_over(
    tmp_path: Path, a_trajectory: ATrajectory, put: int, told: str
) -> None:
    """One is judged, one may wait; the third holds up a conversation."""

    async def arrange(run: Parts, group: anyio.abc.TaskGroup) -> None:
        run.in_flight.now = CONCURRENCY
        for number in range(put):
            group.start_soon(run.filters.put, a_trajectory(number))

    assert told_of(tmp_path, arrange) == told


def test_the_budget_limits_once_it_lets_no_conversation_start(tmp_path: Path) -> None:
    async def arrange(run: Parts, _: object) -> None:
        run.in_flight.now = CONCURRENCY
        run.budget.ledger.refused_calls += 1
        assert not await run.budget.may_start()

    assert told_of(tmp_path, arrange, budget__tokens=1_000) == "the budget"


def test_a_conversation_that_all_later_ones_wait_for_limits(tmp_path: Path) -> None:
    async def arrange(run: Parts, group: anyio.abc.TaskGroup) -> None:
        for number in range(10_000):
            run.final.begin(number)
        group.start_soon(run.final.may_start, yes)

    assert told_of(tmp_path, arrange) == "the oldest conversation"


def test_walks_that_wait_for_outcomes_limit(tmp_path: Path) -> None:
    async def arrange(run: Parts, group: anyio.abc.TaskGroup) -> None:
        next(iter(run.steering.following([None])))  # type: ignore[list-item]  # it is only counted
        group.start_soon(run.steering.may_start, yes)

    assert told_of(tmp_path, arrange) == "walk.yield_lag"


async def test_a_store_that_cannot_write_limits_for_as_long(tmp_path: Path) -> None:
    async with parts(tmp_path) as run:
        run.in_flight.now = CONCURRENCY
        with closing(sqlite3.connect(tmp_path / "run.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with anyio.create_task_group() as group:
                for number in range(CONCURRENCY):
                    group.start_soon(run.store.save_meta, str(number), "")
                assert await run.told(0.3) == "disk"
                other.execute("ROLLBACK")
        assert await run.told(0.3) == "provider latency"


async def test_a_loop_that_is_always_at_work_is_limited_by_the_cpu(tmp_path: Path) -> None:
    async with parts(tmp_path) as run:
        run.in_flight.now = CONCURRENCY
        assert await run.told(0.3) == "provider latency"
        with anyio.move_on_after(0.8):
            while True:  # many short pieces of work: no timer is late for long
                busy_until = time.monotonic() + 0.005
                while time.monotonic() < busy_until:
                    pass
                await anyio.lowlevel.checkpoint()
        assert next(iter(run.pace.note(anyio.current_time()))) == "CPU"
