"""Shows a run as it goes: how far, how fast, how long still, and what limits it now.

Events only count (`Tally`); drawing happens a few times a second from what was counted,
so its cost does not grow with the speed of the run.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import anyio
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream
from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from simkit.bus import Bus
from simkit.traces.events import (
    CallAnswered,
    CallRetried,
    ConversationStarted,
    Event,
    Preparing,
    TrajectoryJudged,
)

DRAWING_SECONDS = 0.25
LINE_SECONDS = 5.0
_CALL_WINDOW_SECONDS = 10.0
# Conversations end rarely and in waves; a short window would make the time left jump.
_DONE_WINDOW_SECONDS = 300.0
_BUFFER = 20_000
"""Events that may wait to be counted; at thousands a second this is several seconds."""


class SlidingRate:
    """How often something happened in the last *seconds*, in memory that does not grow."""

    _SLICES = 40

    def __init__(self, seconds: float) -> None:
        self._slice_seconds = seconds / self._SLICES
        self._slices: deque[tuple[int, int]] = deque()

    def count(self, now: float) -> None:
        """It happened once, at *now*."""
        number = int(now / self._slice_seconds)
        if self._slices and self._slices[-1][0] == number:
            number, counted = self._slices.pop()
            self._slices.append((number, counted + 1))
        else:
            self._slices.append((number, 1))
        self._forget(number)

    def per_second(self, now: float, *, since: float) -> float:
        """Times a second over the window, or from *since* where that is shorter ago."""
        self._forget(int(now / self._slice_seconds))
        window = min(now - since, self._slice_seconds * self._SLICES)
        return sum(counted for _, counted in self._slices) / window if window > 0 else 0.0

    def _forget(self, newest: int) -> None:
        while self._slices and self._slices[0][0] <= newest - self._SLICES:
            self._slices.popleft()


@dataclass(slots=True, kw_only=True)
class Tally:
    """What has happened so far, counted from events; knows no terminal and no clock."""

    total: int
    started_at: float
    kept: int = 0
    dropped: int = 0
    failed: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    preparing: Preparing | None = None
    """What the run still does before its first conversation."""
    _calls: SlidingRate = field(default_factory=lambda: SlidingRate(_CALL_WINDOW_SECONDS))
    _done: SlidingRate = field(default_factory=lambda: SlidingRate(_DONE_WINDOW_SECONDS))

    @property
    def done(self) -> int:
        """Conversations whose verdict is in the store."""
        return self.kept + self.dropped + self.failed

    def count(self, event: Event, now: float) -> None:
        """Take in one event that arrived at *now*, in seconds of a monotonic clock."""
        match event:
            case TrajectoryJudged(outcome="kept"):
                self.kept += 1
                self._done.count(now)
            case TrajectoryJudged(outcome="dropped"):
                self.dropped += 1
                self._done.count(now)
            case TrajectoryJudged():
                self.failed += 1
                self._done.count(now)
            case CallAnswered(usage=usage):
                self.input_tokens += usage.input_tokens
                self.output_tokens += usage.output_tokens
                self._calls.count(now)
            case CallRetried():
                self.retries += 1
            case Preparing():
                self.preparing = event
            case ConversationStarted():
                self.preparing = None
            case _:
                pass

    def calls_per_second(self, now: float) -> float:
        """Answered calls a second over the last 10 seconds."""
        return self._calls.per_second(now, since=self.started_at)

    def seconds_left(self, now: float, *, in_flight: int) -> float | None:
        """Until all are done at the pace of the last 5 minutes; None when nothing tells it.

        Conversations begin together and end together, so the pace means nothing before as
        many are done as are *in_flight*.
        """
        if self.done < in_flight:
            return None
        rate = self._done.per_second(now, since=self.started_at)
        return (self.total - self.done) / rate if rate > 0 else None


class Progress:
    """A watcher of the bus that keeps a terminal, or a plain log of lines, up to date."""

    def __init__(self, bus: Bus, *, total: int, console: Console) -> None:
        self._bus = bus
        self._total = total
        self._console = console

    async def show(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Show progress until the bus is closed; start it with ``await task_group.start``.

        On a terminal a live display, redrawn 4 times a second; elsewhere a line every 5 s.
        The last state stays. Safe to cancel: the terminal is given back as it was.
        """
        tally = Tally(total=self._total, started_at=anyio.current_time())
        with self._bus.subscribe(_BUFFER) as events:
            task_status.started()
            async with anyio.create_task_group() as drawing:
                drawing.start_soon(self._draw if self._console.is_terminal else self._log, tally)
                async for event in events:
                    _count_all(tally, event, events)
                drawing.cancel_scope.cancel()

    async def _draw(self, tally: Tally) -> None:
        # Drawn by this task, not by rich's own thread: nobody counts meanwhile.
        with Live(console=self._console, auto_refresh=False) as live:
            try:
                while True:
                    live.update(self._picture(tally), refresh=True)
                    await anyio.sleep(DRAWING_SECONDS)
            finally:
                live.update(self._picture(tally), refresh=True)

    async def _log(self, tally: Tally) -> None:
        try:
            while True:
                await anyio.sleep(LINE_SECONDS)
                self._print_line(tally)
        finally:
            if tally.done or tally.input_tokens:  # else its error says more
                self._print_line(tally)

    def _print_line(self, tally: Tally) -> None:
        line = " | ".join(facts(tally, self._bus, anyio.current_time()))
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _picture(self, tally: Tally) -> RenderableType:
        done, *others = facts(tally, self._bus, anyio.current_time())
        picture = Table.grid(padding=(0, 1))
        picture.add_row(ProgressBar(total=tally.total, completed=tally.done, width=30), Text(done))
        lines = Table.grid()
        lines.add_row(picture)
        lines.add_row(Text(" | ".join(others)))
        return lines


def _count_all(tally: Tally, first: Event, events: MemoryObjectReceiveStream[Event]) -> None:
    """Count *first* and whatever else has come.

    Waiting for each event would count one per turn of the event loop, and with thousands of
    conversations a turn takes long.
    """
    now = anyio.current_time()
    tally.count(first, now)
    with suppress(anyio.WouldBlock, anyio.EndOfStream):
        while True:
            tally.count(events.receive_nowait(), now)


def facts(tally: Tally, bus: Bus, now: float) -> list[str]:
    """The state of a run in short phrases, the most important first."""
    if tally.preparing is not None:
        coming = tally.preparing
        return [
            f"{coming.what}: {coming.done:,}/{coming.total:,}",
            f"{_clock(now - tally.started_at)} elapsed",
        ]
    outcomes = f"kept {tally.kept:,}, dropped {tally.dropped:,}, failed {tally.failed:,}"
    shown = [f"{tally.done:,}/{tally.total:,} done ({outcomes})"]
    if bus.gauges is not None:
        shown.append(f"{bus.gauges.in_flight():,} in flight")
        shown.append(f"{bus.gauges.filters_waiting():,} waiting for filters")
    shown += [
        f"{tally.calls_per_second(now):.1f} calls/s",
        f"{_short(tally.input_tokens)} tokens in, {_short(tally.output_tokens)} out",
        f"{tally.retries:,} retries",
    ]
    if bus.gauges is not None:
        limiting = bus.gauges.limiting()
        shown.append("no limit reached" if limiting == "nothing" else f"limited by {limiting}")
    if bus.dropped:
        shown.append(f"{bus.dropped:,} events not counted")
    in_flight = 0 if bus.gauges is None else bus.gauges.in_flight()
    left = tally.seconds_left(now, in_flight=in_flight)
    shown.append(f"{_clock(now - tally.started_at)} elapsed")
    shown.append(f"{'?' if left is None else _clock(left)} left")
    return shown


def _short(count: int) -> str:
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:.1f}{unit}"
    return str(count)


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
