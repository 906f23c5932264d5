"""The bounded queue between the conversations and the filters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import TaskGroup

from simkit.filters.pipeline import FilterPipeline
from simkit.filters.sole_error import sole_error_raised
from simkit.traces.records import Trajectory, Verdict

Accept = Callable[[Trajectory, Verdict], Awaitable[None]]


class FilterQueue:
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
        self, pipeline: FilterPipeline, accept: Accept, *, size: int, workers: int
    ) -> None:
        if size < 0 or workers < 1:
            raise ValueError(
                "a filter queue needs a size of at least 0 and at least 1 worker, "
                f"not size={size} and workers={workers}"
            )
        self._pipeline = pipeline
        self._accept = accept
        self._workers = workers
        self._busy = 0
        self._send, self._receive = anyio.create_memory_object_stream[Trajectory](size)
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

    async def put(self, trajectory: Trajectory) -> None:
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
        for _ in range(self._workers):
            self._tasks.start_soon(self._work)
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
        with self._receive, sole_error_raised():
            return await self._tasks.__aexit__(kind, error, traceback)

    async def _work(self) -> None:
        async for trajectory in self._receive:
            self._busy += 1
            try:
                await self._accept(trajectory, await self._pipeline.judge(trajectory))
            finally:
                self._busy -= 1
