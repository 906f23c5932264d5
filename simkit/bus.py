"""Tells watchers (progress, log, metrics) what happens in a run; carries no results."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from simkit.control.messages import Reply, Request
from simkit.spending import Spending
from simkit.traces.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """What a watcher may ask of a run a few times a second; asking changes nothing."""

    in_flight: Callable[[], int]
    """Conversations that are being played."""
    filters_waiting: Callable[[], int]
    """Trajectories that wait for a filter worker, or for the verdicts on earlier ones."""
    limiting: Callable[[], Mapping[str, float]]
    """What has set the pace lately, as shares of the time; see `Pace.recent`."""
    spending: Callable[[], tuple[Spending, ...]]
    """How far each budget is: tokens, and money where every price is known."""
    not_started: Callable[[], int]
    """Conversations that will not be played because the budget does not reach for them."""
    loop_behind_seconds: Callable[[], float]
    """How late the event loop has been lately."""
    paused_seconds: Callable[[], float | None] = lambda: None
    """For how long a person has held the run up; None: it goes on."""
    folder: Path | None = None
    """The run's; None where nobody can go on with it."""


class Controls(Protocol):
    """What a watcher may have a run do."""

    def obey(self, request: Request, /) -> Reply:
        """Do what *request* says, all of it or nothing, and tell how the run is then."""
        ...


class Bus:
    """Hands every event to every watcher that has room for it.

    All methods are for the event loop's own thread.
    """

    def __init__(self) -> None:
        self._watchers: list[MemoryObjectSendStream[Event]] = []
        self.dropped = 0
        """Events that a watcher missed because its buffer was full, over all watchers."""
        self.gauges: Gauges | None = None
        """Set by the run once it can answer them."""
        self.controls: Controls | None = None
        """Set while the run can be changed; `controllable` is set with it."""
        self.controllable = anyio.Event()
        self.takes_no_orders = ""
        """Why nobody but who plays the run may change it; empty: its owner may."""

    @asynccontextmanager
    async def controlled(self, controls: Controls) -> AsyncIterator[None]:
        """Let watchers change the run by *controls*, inside the ``async with``."""
        self.controls = controls
        self.controllable.set()
        try:
            yield
        finally:
            self.controls = None

    def publish(self, event: Event) -> None:
        """Hand *event* to every watcher; never waits and never raises."""
        for watcher in self._watchers:
            try:
                watcher.send_nowait(event)
            except anyio.WouldBlock:
                self.dropped += 1
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                continue  # this watcher has stopped listening

    @contextmanager
    def subscribe(self, buffer: int) -> Iterator[MemoryObjectReceiveStream[Event]]:
        """Receive, inside the ``with``, each event published from now on, in order.

        Args:
            buffer: How many unread events are kept; while that many wait, newer ones are
                dropped for this watcher and counted in `dropped`.

        The stream ends when the bus is closed and the buffer is read.
        """
        send, receive = anyio.create_memory_object_stream[Event](buffer)
        self._watchers.append(send)
        try:
            with send, receive:
                yield receive
        finally:
            if send in self._watchers:
                self._watchers.remove(send)

    def close(self) -> None:
        """Say that nothing more will happen: each watcher reads what it has and ends."""
        for watcher in self._watchers:
            watcher.close()
        self._watchers.clear()
