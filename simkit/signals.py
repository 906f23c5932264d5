"""Signals that end what is being done: Ctrl+C, and what containers and job schedulers send."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio


@asynccontextmanager
async def cancelled_by_signals() -> AsyncIterator[None]:
    """Cancel the block at the first SIGINT or SIGTERM; it is left as if it had ended.

    More of them are ignored: the block is busy putting away what was paid for, which takes a
    moment. What it raises arrives inside an exception group.
    """
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as listening:
            listening.start_soon(_cancel_at_first, signals, listening.cancel_scope)
            yield
            listening.cancel_scope.cancel()


async def _cancel_at_first(
    signals: AsyncIterator[signal.Signals], scope: anyio.CancelScope
) -> None:
    await anext(signals)
    scope.cancel()
