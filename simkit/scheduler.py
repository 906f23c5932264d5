"""Keeps a number of conversations in flight, and starts no other before one ends.

Scenarios are drawn only when there is room, so a run of a million plans no more than it
plays. Whatever holds a conversation back - a limit, a full filter queue, a budget that is
nearly spent - holds back the drawing of new ones too. The number may change meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio

from simkit.filters.crew import Crew

ItemT = TypeVar("ItemT")


class _NoneLeft:
    """What the end of the items looks like: an item may be anything else."""


_NONE_LEFT = _NoneLeft()


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
    items: Iterable[ItemT],
    work: Callable[[ItemT], Awaitable[None]],
    *,
    concurrency: int | Crew,
    may_start: Callable[[], Awaitable[bool]],
) -> None:
    """Do *work* for every item, *concurrency* at a time, starting them in order.

    Args:
        concurrency: A `Crew` may be resized while this runs: to more, and they start at once;
            to fewer, and what is being done ends first.
        may_start: Asked before an item is drawn, by several workers at once; it may take
            its time. When it says yes and an item is left, *work* starts with no other
            task running in between. When it says no, that worker draws no more.

    Returns when all that were started are done. An error in *work* cancels the others and
    comes out in an exception group; cancelling this cancels all of them.
    """
    # One iterator, drawn from by every worker when it is free. A task that feeds a stream
    # would hand over one scenario per turn of the event loop, and with thousands of
    # conversations a turn takes long.
    drawn = iter(items)
    crew = Crew(concurrency) if isinstance(concurrency, int) else concurrency
    with closing(crew):
        async with anyio.create_task_group() as group:
            crew.start(group, partial(_work, work, drawn, may_start, crew))


async def _work(
    work: Callable[[ItemT], Awaitable[None]],
    items: Iterator[ItemT],
    may_start: Callable[[], Awaitable[bool]],
    crew: Crew,
) -> None:
    # Asked after the leave to start, which may have taken long.
    while await may_start() and not crew.has_too_many:
        item = next(items, _NONE_LEFT)
        if isinstance(item, _NoneLeft):
            return
        await work(item)
