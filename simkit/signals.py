"""Signals that end what is being done: Ctrl+C, and what containers and job schedulers send."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio


@asynccontextmanager
async def cancelled_by_signals(
    first: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[None]:
    """Cancel the block at the first SIGINT or SIGTERM; it is left as if it had ended.

    Args:
        first: Done before the block is cancelled; another signal cuts it short.

    More signals are ignored: the block is busy putting away what was paid for, which takes a
    moment. What it raises arrives inside an exception group.
    """
    with _sigterm_restored(), anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as listening:
            listening.start_soon(_cancel_when_told, signals, first, listening.cancel_scope)
            yield
            listening.cancel_scope.cancel()


@contextmanager
def _sigterm_restored() -> Iterator[None]:
    """Afterwards SIGTERM does what it did before; asyncio would have it kill the process."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


async def _cancel_when_told(
    signals: AsyncIterator[signal.Signals],
    first: Callable[[], Awaitable[None]] | None,
    scope: anyio.CancelScope,
) -> None:
    await anext(signals)
    if first is not None:
        async with anyio.create_task_group() as preparing:
            preparing.start_soon(_cancel_when_told, signals, None, preparing.cancel_scope)
            await first()
            preparing.cancel_scope.cancel()
    scope.cancel()
