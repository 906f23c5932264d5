"""Measures the part of a run that this process plays, and keeps that with the run."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import anyio

from simkit.filters.sole_error import sole_error_raised
from simkit.memory import resident_bytes
from simkit.pace import Pace
from simkit.session import AccountSession, Session, session_note
from simkit.traces.store import Store, StoreError

_READING_SECONDS = 0.25
"""Often enough for peaks of memory and for what limits now, and no work to speak of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauged:
    """What is asked at the end of a session."""

    concurrency: Callable[[], int]
    filter_workers: Callable[[], int]
    peak_conversations: Callable[[], int]
    conversations: Callable[[], int]
    """That have got their verdict."""
    accounts: Callable[[], tuple[AccountSession, ...]]


@dataclass(slots=True, kw_only=True)
class _Meter:
    """Measures from the moment at which it is made."""

    store: Store
    pace: Pace
    gauged: Gauged
    started_at: float = field(default_factory=time.time)
    began: float = field(default_factory=anyio.current_time)
    cpu_before: float = field(default_factory=time.thread_time)
    memory_before: int = field(default_factory=resident_bytes)
    memory_peak: int = 0
    disk_before: int = 0
    concurrency: tuple[int, int] = field(init=False)
    """The least and the most so far."""

    def __post_init__(self) -> None:
        self.disk_before = self.store.size_bytes()
        self.concurrency = (self.gauged.concurrency(),) * 2

    async def watch(self) -> None:
        while True:
            self.note()
            await anyio.sleep(_READING_SECONDS)

    def note(self) -> None:
        self.pace.note(anyio.current_time())
        self.memory_peak = max(self.memory_peak, resident_bytes())
        now, (least, most) = self.gauged.concurrency(), self.concurrency
        self.concurrency = min(least, now), max(most, now)

    def session(self) -> Session:
        self.note()
        gauged = self.gauged
        accounts = gauged.accounts()
        return Session(
            started_at=self.started_at,
            seconds=anyio.current_time() - self.began,
            concurrency=gauged.concurrency(),
            filter_workers=gauged.filter_workers(),
            peak_conversations=gauged.peak_conversations(),
            conversations=gauged.conversations(),
            calls=sum(account.answered for account in accounts),
            loop_cpu_seconds=time.thread_time() - self.cpu_before,
            memory_bytes_before=self.memory_before,
            memory_bytes_peak=self.memory_peak,
            disk_bytes=max(0, self.store.size_bytes() - self.disk_before),
            limiting=self.pace.shares(),
            accounts=accounts,
            concurrency_range=self.concurrency,
        )


@asynccontextmanager
async def measured_session(
    store: Store, pace: Pace, gauged: Gauged, *, number: int
) -> AsyncIterator[None]:
    """Measure inside the ``with``, and keep the session in *store*, however it ends.

    Takes the readings of *pace*. A session without any answered call is not kept, nor one that
    the store cannot take any more: then there is an error that says more. A single error comes
    out as itself, in no group.

    Args:
        number: Of this session among those of the run, from 0.

    Raises:
        StoreError: The size of the database cannot be read.
    """
    meter = _Meter(store=store, pace=pace, gauged=gauged)
    try:
        with sole_error_raised():
            async with anyio.create_task_group() as measuring:
                measuring.start_soon(meter.watch)
                yield
                measuring.cancel_scope.cancel()
    finally:
        # Not cut off: this waits for one commit.
        with anyio.CancelScope(shield=True), suppress(StoreError):
            session = meter.session()
            if session.calls:
                await store.save_meta(*session_note(session, number))
