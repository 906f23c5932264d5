"""Shows a run as it goes: how far, how fast, how long still, and what limits it now.

Events only count (`Tally`); drawing happens a few times a second from what was counted,
so its cost does not grow with the speed of the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

import anyio
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream
from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from simkit.bus import Bus, Gauges
from simkit.loop_lag import NOTABLE_SECONDS
from simkit.pace import in_words
from simkit.printable import printable_line
from simkit.spending import TOKENS, Spending
from simkit.tally import Tally
from simkit.traces.events import Event
from simkit.traces.filter_stages import Stage
from simkit.traces.one_line import one_line

DRAWING_SECONDS = 0.25
LINE_SECONDS = 5.0
_BUFFER = 20_000
"""Events that may wait to be counted; at thousands a second this is several seconds."""
_STAGES: dict[Stage, str] = {
    "user": "user",
    "rules": "rules",
    "trajectory_judge": "judge of the whole",
    "turn_judge": "judge of turns",
    "near_duplicates": "near duplicates",
}


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

    def _facts(self, tally: Tally) -> list[str]:
        shown = facts(tally, self._bus.gauges, anyio.current_time(), datetime.now().astimezone())
        # Not part of the run: the display itself could not keep up.
        missed = f"{self._bus.dropped:,} events not counted"
        return [*shown, missed] if self._bus.dropped else shown

    def _print_line(self, tally: Tally) -> None:
        line = " | ".join(self._facts(tally))
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _picture(self, tally: Tally) -> RenderableType:
        done, *others = self._facts(tally)
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


def facts(tally: Tally, gauges: Gauges | None, now: float, clock: datetime) -> list[str]:
    """The state of a run in short phrases, the most important first.

    Args:
        gauges: None while the run cannot be asked yet.
        now: In seconds of the clock that *tally* counts with.
        clock: The same moment for people.
    """
    elapsed = f"{_duration(now - tally.started_at)} elapsed"
    if tally.preparing is not None:
        coming = tally.preparing
        return [f"{coming.what}: {coming.done:,}/{coming.total:,}", elapsed]
    shown = [f"{tally.done:,}/{tally.total:,} done ({_outcomes(tally)})"]
    if gauges is not None:
        shown += _held_up(gauges, clock)
    if rates := tally.pass_rates():
        passed = (f"{_STAGES[stage]} {rate:.0%}" for stage, rate in rates.items())
        shown.append(f"passed {', '.join(passed)}")
    if tally.is_stopping:
        shown.append("stopping once the calls that are being made have ended; again: at once")
    if gauges is not None:
        shown.append(f"{gauges.in_flight():,} in flight")
        shown.append(f"{gauges.filters_waiting():,} waiting for filters")
    shown += [
        f"{tally.calls_per_second(now):.1f} calls/s",
        f"{_short(tally.input_tokens)} tokens in, {_short(tally.output_tokens)} out",
        f"{tally.retries:,} retries",
    ]
    if gauges is not None:
        shown += _limits(gauges)
    shown += _pauses(tally, now, clock)
    return [*shown, elapsed, _left(tally, gauges, now)]


def _held_up(gauges: Gauges, clock: datetime) -> Iterator[str]:
    """Since when a person has held the run up, and what ends that."""
    seconds = gauges.paused_seconds()
    if seconds is not None:
        since = clock - timedelta(seconds=seconds)
        day = "" if since.date() == clock.date() else f"{since:%Y-%m-%d} "
        yield f"paused since {day}{since:%H:%M}; simkit resume {gauges.folder} goes on"


def _outcomes(tally: Tally) -> str:
    outcomes = f"kept {tally.kept:,}, dropped {tally.dropped:,}, "
    if tally.undecided:
        outcomes += f"undecided {tally.undecided:,}, "
    return f"{outcomes}failed {tally.failed:,}"


def _limits(gauges: Gauges) -> Iterator[str]:
    """What has been spent, and what holds the run up."""
    yield from filter(None, map(_spent, gauges.spending()))
    if not_started := gauges.not_started():
        yield f"{not_started:,} not started: the budget does not reach for them"
    limiting = in_words(gauges.limiting())
    if gauges.paused_seconds() is None:
        yield "no limit reached" if limiting is None else f"limited by {limiting}"
    behind = gauges.loop_behind_seconds()
    if behind > NOTABLE_SECONDS:
        yield f"event loop {behind:.1f} s behind"


def _spent(spending: Spending) -> str:
    tokens = spending.unit == TOKENS
    if spending.limit is None:  # tokens are shown already; what no limit needs, nobody forecasts
        return "" if tokens else f"spent {spending.spent:,.2f} {spending.unit}"
    amount = _short if tokens else "{:,.2f}".format
    text = f"spent {amount(spending.spent)} of {amount(spending.limit)} {spending.unit}"
    return text if spending.forecast is None else f"{text}, forecast {amount(spending.forecast)}"


def _pauses(tally: Tally, now: float, clock: datetime) -> Iterator[str]:
    for account, pause in tally.paused.items():
        if pause.until > now:
            end = clock + timedelta(seconds=pause.until - now)
            day = "" if end.date() == clock.date() else f"{end:%Y-%m-%d} "
            yield f"paused: {account} until {day}{end:%H:%M} ({_reason(pause.reason)})"


def _reason(told: str) -> str:
    return one_line(printable_line(told), limit=80)


def _left(tally: Tally, gauges: Gauges | None, now: float) -> str:
    in_flight = 0 if gauges is None else gauges.in_flight()
    not_started = 0 if gauges is None else gauges.not_started()
    left = tally.seconds_left(now, in_flight=in_flight, not_started=not_started)
    return f"{'?' if left is None else _duration(left)} left"


def _short(count: float) -> str:
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:.1f}{unit}"
    return f"{count:.0f}"


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
