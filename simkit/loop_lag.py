"""Measures how late the event loop is: more work than one CPU core can do shows here first."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from simkit.filters.sole_error import sole_error_raised
from simkit.thread_time import runnable_seconds

INTERVAL_SECONDS = 0.25
_KEPT = 20
NOTABLE_SECONDS = 0.2
"""From here on, what runs in this program is held up by the machine that runs it."""
_BUSY_SHARE = 0.9


class LoopLag:
    """How late a timer of its own fires, again and again."""

    def __init__(self) -> None:
        self._lags: deque[float] = deque(maxlen=_KEPT)
        self.worst_seconds = 0.0
        """Largest lag since the start."""
        self._busy_share = 0.0

    async def watch(self) -> None:
        """Measure until cancelled."""
        while True:
            began, worked = anyio.current_time(), runnable_seconds()
            await anyio.sleep(INTERVAL_SECONDS)
            seconds = anyio.current_time() - began
            lag = max(seconds - INTERVAL_SECONDS, 0.0)
            self._busy_share = (runnable_seconds() - worked) / seconds
            self._lags.append(lag)
            self.worst_seconds = max(self.worst_seconds, lag)

    @property
    def is_notable(self) -> bool:
        """Whether the machine held up the work when it was measured last: the loop was late, or
        hardly ever waited for anything but a core."""
        late = bool(self._lags) and self._lags[-1] > NOTABLE_SECONDS
        return late or self._busy_share > _BUSY_SHARE

    @property
    def recent_max_seconds(self) -> float:
        """Largest of the last 20 measurements (5 s or longer); 0 before there is one."""
        return max(self._lags, default=0.0)

    @property
    def recent_mean_seconds(self) -> float:
        """Mean of the last 20 measurements; 0 before there is one."""
        return sum(self._lags) / len(self._lags) if self._lags else 0.0


@asynccontextmanager
async def watched_loop() -> AsyncIterator[LoopLag]:
    """Measure inside the ``with``; a single error in there comes out as itself, in no group."""
    lag = LoopLag()
    with sole_error_raised():
        async with anyio.create_task_group() as measuring:
            measuring.start_soon(lag.watch)
            yield lag
            measuring.cancel_scope.cancel()
