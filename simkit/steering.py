"""Lets what the filters keep steer later walks, the same way whatever the timing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager

import anyio

from simkit.graph.walk import BLOCK
from simkit.standing import MARKS, YIELDS, Standing
from simkit.traces.database import StoreError
from simkit.traces.records import Outcome, Scenario

_MEANING: dict[int, bool | None] = {MARKS["kept"]: True, MARKS["dropped"]: False}


class Steering:
    """Knows what became of scenarios, and starts none whose walk needs more than is settled.

    What steers a block of walks is settled before the block is drawn: it is saved with the
    run, and stays even if a conversation that failed is played again and kept. So a run that
    is resumed draws the same walks, and so does one with another concurrency.

    Args:
        needed: How many scenarios must have an outcome before the one of this number is
            drawn, as `Walker.outcomes_needed`.
        count: Scenarios are numbered below it.
        standing: How far the run has come.

    Never waits for what cannot come: scenarios start in order, and each that has started gets
    an outcome, failed ones too. Holds one byte a scenario.
    """

    def __init__(self, needed: Callable[[int], int], count: int, standing: Standing) -> None:
        self._needed = needed
        self._count = count
        self._marks = bytearray(standing.marks)
        self._saved = standing.meta
        self._settled = 0
        self._left = (number for number in range(count) if number not in standing.judged)
        self._next = next(self._left, None)
        self._waiting = 0
        self._one_learned = anyio.Event()
        self._more_settled = anyio.Event()

    @classmethod
    def none(cls) -> Steering:
        """For scenarios that do not come from steered walks; starts them all."""
        return cls(lambda number: 0, 0, Standing())

    @property
    def is_holding_back(self) -> bool:
        """Whether a conversation that could start waits for the outcomes of others."""
        return self._waiting > 0

    def outcomes(self, first: int, stop: int) -> list[bool | None]:
        """For `Walker.walks`: whether each was kept; None for what tells nothing of its walk, as it
        failed or nobody could decide."""
        return [_MEANING.get(mark) for mark in self._marks[first : min(stop, self._settled)]]

    def following(self, scenarios: Iterable[Scenario]) -> Iterator[Scenario]:
        """*scenarios*, which are those that *standing* does not hold, noting which is next."""
        for scenario in scenarios:
            self._next = next(self._left, None)
            yield scenario

    async def may_start(self, may_otherwise: Callable[[], Awaitable[bool]]) -> bool:
        """Whether to start another conversation: when its walk can be drawn and *may_otherwise*
        says yes, which is asked last of all, and again after each wait; for `work_through`.

        Safe to cancel.
        """
        while await may_otherwise():
            if self._next is None or self._needed(self._next) <= self._settled:
                return True
            self._waiting += 1
            try:
                await self._more_settled.wait()
            finally:
                self._waiting -= 1
        return False

    def learn(self, scenario: int, outcome: Outcome) -> None:
        """Note what became of *scenario*; what is settled stays."""
        if scenario < self._settled:
            return
        self._reach(scenario + 1)
        self._marks[scenario] = MARKS[outcome]
        self._one_learned.set()
        self._one_learned = anyio.Event()

    @asynccontextmanager
    async def settling(self, save: Callable[[str, str], Awaitable[None]]) -> AsyncIterator[None]:
        """Settle, while entered, what walks need as soon as it is known.

        Args:
            save: Keeps a fact about the run, as `Store.save_meta`.

        Raises:
            StoreError: It could not be saved, or what was saved is damaged; in a group.
        """
        async with anyio.create_task_group() as group:
            group.start_soon(self._settle, save)
            yield
            group.cancel_scope.cancel()

    async def _settle(self, save: Callable[[str, str], Awaitable[None]]) -> None:
        for first, stop in self._ranges():
            key = f"{YIELDS}{first}"
            saved = self._saved.get(key)
            if saved is None:
                await self._known(first, stop)
                await save(key, self._marks[first:stop].decode())
            else:
                self._reach(stop)
                self._marks[first:stop] = _checked(saved, key, stop - first)
            self._settled = stop
            self._more_settled.set()
            self._more_settled = anyio.Event()

    def _ranges(self) -> Iterator[tuple[int, int]]:
        """The first and the stop of what each block needs more than the one before."""
        first = 0
        for number in range(0, self._count, BLOCK):
            stop = self._needed(number)
            if stop > first:
                yield first, stop
                first = stop

    async def _known(self, first: int, stop: int) -> None:
        """Wait until every scenario from *first* to *stop* - 1 has an outcome."""
        self._reach(stop)
        while (first := self._marks.find(0, first, stop)) >= 0:
            await self._one_learned.wait()

    def _reach(self, stop: int) -> None:
        """Make room for the marks of scenarios below *stop*."""
        self._marks.extend(bytes(max(0, stop - len(self._marks))))


def _checked(saved: str, key: str, scenarios: int) -> bytes:
    marks = saved.encode()
    if len(marks) != scenarios or not {*marks} <= {*MARKS.values()}:
        raise StoreError(
            f"what the run notes under {key!r} is damaged, so its walks cannot be drawn again; "
            "choose a new folder with --out"
        )
    return marks
