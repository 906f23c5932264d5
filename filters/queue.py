"""The bounded queue between the conversations and the filters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import closing
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

import anyio
from anyio.abc import TaskGroup

from simkit.filters.crew import Crew
from simkit.filters.sole_error import sole_error_raised

ItemT = TypeVar("ItemT")
VerdictT = TypeVar("VerdictT")
JudgedT = TypeVar("JudgedT", contravariant=True)
RulingT = TypeVar("RulingT", covariant=True)


class Judging(Protocol[JudgedT, RulingT]):
    """What gives verdicts; `FilterPipeline` gives those on trajectories."""

    async def judge(self, trajectory: JudgedT, /) -> RulingT: ...


class FilterQueue(Generic[ItemT, VerdictT]):
    """Judges trajectories in the order they are put, several at a time, while it is entered::

        async with FilterQueue(pipeline, accept, size=8, workers=8) as queue:
            await queue.put(trajectory)

    Leaving the context waits until everything that was put is judged and accepted.
    Leaving it by an exception or a cancellation drops what waits: it has no verdict yet
    and can be judged again. An error in a worker (a bug in a check or in *accept*, or an
    `AccountProblem`) cancels the body, the other workers and every `put` in progress, and
    is raised from the context: by itself when it is the only one, else in its
    `ExceptionGroup`. Call `put` from tasks that live inside the context: others would not
    be cancelled by such an error.

    Args:
        pipeline: Gives the verdicts.
        accept: Takes each verdict, up to *workers* at a time, in order of completion; its
            worker takes no other trajectory until it returns.
        size: How many trajectories may wait, at least 0 (then `put` waits for a free worker).
        workers: How many are judged at a time, at least 1.

    Raises:
        ValueError: *size* or *workers* is too small.

    To be entered once.
    """

    def __init__(
        self,
        pipeline: Judging[ItemT, VerdictT],
        accept: Callable[[ItemT, VerdictT], Awaitable[None]],
        *,
        size: int,
        workers: int,
    ) -> None:
        if size < 0 or workers < 1:
            raise ValueError(
                "a filter queue needs a size of at least 0 and at least 1 worker, "
                f"not size={size} and workers={workers}"
            )
        self._pipeline = pipeline
        self._accept = accept
        self._crew = Crew(workers)
        self._idle: set[anyio.CancelScope] = set()
        """Of the workers that wait for a trajectory."""
        self._busy = 0
        self._send, self._receive = anyio.create_memory_object_stream[ItemT](size)
        self._tasks: TaskGroup

    @property
    def waiting(self) -> int:
        """Trajectories that no worker has taken yet; more than *size* when `put` is held back."""
        now = self._send.statistics()
        return now.current_buffer_used + now.tasks_waiting_send

    @property
    def busy(self) -> int:
        """Trajectories that are being judged or accepted."""
        return self._busy

    @property
    def workers(self) -> int:
        """How many trajectories are judged at a time, at most; may be set at any time.

        More begin at once. Of fewer, those that judge do so to the end.
        """
        return self._crew.size

    @workers.setter
    def workers(self, workers: int) -> None:
        self._crew.size = workers
        for idle in list(self._idle)[: self._crew.surplus]:
            idle.cancel()

    async def put(self, trajectory: ItemT) -> None:
        """Hand *trajectory* over; waits while the queue is full.

        That wait is the back-pressure: who cannot hand over starts no new conversation.
        When cancelled, the trajectory is not in the queue.

        Raises:
            ClosedResourceError: The context has been left.
        """
        await self._send.send(trajectory)

    async def __aenter__(self) -> Self:
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._crew.start(self._tasks, self._work)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        self._send.close()  # workers finish what waits, then stop
        # The receiving end stays open until then: a worker's failure must reach put() as
        # the cancellation of its task, not as a broken stream that hides the cause.
        with self._receive, closing(self._crew), sole_error_raised():
            return await self._tasks.__aexit__(kind, error, traceback)

    async def _work(self) -> None:
        while not self._crew.has_too_many:
            taken: list[ItemT] = []
            with anyio.CancelScope() as idle:  # cancelled when there are too many workers
                self._idle.add(idle)
                try:
                    taken.append(await self._receive.receive())
                except anyio.EndOfStream:
                    return
                finally:
                    self._idle.discard(idle)
            for item in taken:
                await self._judge(item)

    async def _judge(self, item: ItemT) -> None:
        self._busy += 1
        try:
            await self._accept(item, await self._pipeline.judge(item))
        finally:
            self._busy -= 1
