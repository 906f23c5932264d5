"""A few worker processes for one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio

from simkit.python_tools.process import CannotStart, Limits, Worker


class Workers:
    """At most *most* workers, which are started when they are needed and used again."""

    def __init__(self, path: Path, limits: Limits, most: int) -> None:
        self._path = path
        self._limits = limits
        self._turns = anyio.Semaphore(most)
        self._idle: list[Worker] = []
        self._digest: str | None = None

    async def begin(self) -> tuple[str, list[dict[str, Any]]]:
        """Start the first; gives its digest and definitions, see `Worker`.

        Raises:
            CannotStart: The file cannot be used.
        """
        worker = await Worker.start(self._path, self._limits)
        self._idle.append(worker)
        self._digest = worker.digest
        return worker.digest, worker.definitions

    async def call(self, name: str, arguments: Any) -> bytes:
        """As `Worker.call`, by the next worker that is free.

        Raises:
            CallFailed: The call gave no result.
            CannotStart: A worker had to be started anew, and the file is not what it was.

        Cancelling ends the worker in the middle of the call.
        """
        async with self._turns:
            worker = await self._free()
            try:
                result = await worker.call(name, arguments)
            except BaseException:
                await worker.stop()
                raise
            self._idle.append(worker)
            return result

    async def end(self) -> None:
        """Stop all; no call is being made."""
        while self._idle:
            await self._idle.pop().stop()

    async def _free(self) -> Worker:
        while self._idle:
            worker = self._idle.pop()
            if not worker.has_ended:
                return worker
            await worker.stop()  # what an earlier call left behind has ended it since
        worker = await Worker.start(self._path, self._limits)
        if worker.digest != self._digest:
            await worker.stop()
            raise CannotStart("it has changed since the run began; put it back as it was")
        return worker
