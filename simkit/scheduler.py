"""Keeps a set number of conversations in flight, and starts no other before one ends.

Scenarios are drawn only when there is room, so a run of a million plans no more than it
plays. Whatever holds a conversation back - a limit, a full filter queue, a budget that is
nearly spent - holds back the drawing of new ones too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass

import anyio

from simkit.traces.records import Scenario


@dataclass(slots=True)
class InFlight:
    """How many conversations are being played."""

    now: int = 0
    peak: int = 0

    def __enter__(self) -> None:
        self.now += 1
        self.peak = max(self.peak, self.now)

    def __exit__(self, *_: object) -> None:
        self.now -= 1


async def work_through(
    scenarios: Iterable[Scenario],
    work: Callable[[Scenario], Awaitable[None]],
    *,
    concurrency: int,
    may_start: Callable[[], Awaitable[bool]],
) -> None:
    """Do *work* for every scenario, *concurrency* at a time, starting them in order.

    Args:
        may_start: Asked before a scenario is drawn, by several workers at once; it may take
            its time. When it says yes and a scenario is left, *work* starts with no other
            task running in between. When it says no, that worker draws no more.

    Returns when all that were started are done. An error in *work* cancels the others and
    comes out in an exception group; cancelling this cancels all of them.
    """
    # One iterator, drawn from by every worker when it is free. A task that feeds a stream
    # would hand over one scenario per turn of the event loop, and with thousands of
    # conversations a turn takes long.
    drawn = iter(scenarios)
    async with anyio.create_task_group() as group:
        for _ in range(concurrency):
            group.start_soon(_work, work, drawn, may_start)


async def _work(
    work: Callable[[Scenario], Awaitable[None]],
    scenarios: Iterator[Scenario],
    may_start: Callable[[], Awaitable[bool]],
) -> None:
    while await may_start():
        scenario = next(scenarios, None)
        if scenario is None:
            return
        await work(scenario)
