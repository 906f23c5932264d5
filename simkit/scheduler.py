"""Keeps a set number of conversations in flight, and starts no other before one ends.

Scenarios are drawn only when there is room, so a run of a million plans no more than it
plays. Whatever holds a conversation back - a limit, a full filter queue - holds back the
drawing of new ones too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

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
) -> None:
    """Do *work* for every scenario, *concurrency* at a time, starting them in order.

    Returns when all are done. An error in *work* cancels the others and comes out in an
    exception group; cancelling this cancels all of them.
    """
    # A buffer of 0: the next scenario is drawn when a worker is free to take it.
    send, receive = anyio.create_memory_object_stream[Scenario](0)
    async with anyio.create_task_group() as group:
        group.start_soon(_feed, scenarios, send)
        with receive:  # workers own clones; this one closes here
            for _ in range(concurrency):
                group.start_soon(_work, work, receive.clone())


async def _feed(scenarios: Iterable[Scenario], send: MemoryObjectSendStream[Scenario]) -> None:
    with send:
        for scenario in scenarios:
            await send.send(scenario)


async def _work(
    work: Callable[[Scenario], Awaitable[None]], receive: MemoryObjectReceiveStream[Scenario]
) -> None:
    with receive:
        async for scenario in receive:
            await work(scenario)
