"""A run with someone watching: progress on a terminal, warnings beside it, keys nowhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import anyio
from rich.console import Console

from simkit.bus import Bus
from simkit.config import RunConfig
from simkit.config_check import secrets
from simkit.control.server import controllable
from simkit.drain import DRAIN_SECONDS, Drain
from simkit.log import STDERR, configure_log
from simkit.progress import Progress
from simkit.run import RunSummary, run
from simkit.signals import cancelled_by_signals
from simkit.traces.events import Stopping


class Play(Protocol):
    """Plays what a configuration asks for into a folder; `run` is one."""

    async def __call__(
        self, config: RunConfig, out: Path, bus: Bus, drain: Drain, /
    ) -> RunSummary: ...


async def watched_run(
    config: RunConfig, out: Path, console: Console | None, play: Play = run
) -> RunSummary:
    """`run`, or another *play*, with its progress on *console*; None shows none.

    Warnings go to stderr; a live display shows them above itself. What *play* raises may
    arrive inside an exception group.

    The first SIGINT (Ctrl+C) or SIGTERM (containers, job schedulers) lets the calls that are
    being made end, within `DRAIN_SECONDS`, and begins no other; the second ends the run at once.

    Meanwhile its owner may pause and change it from elsewhere; see `simkit.control`.

    Raises:
        KeyboardInterrupt: A signal came, and all is put away.
    """
    configure_log(secrets=secrets(config), warnings=STDERR)
    drain, bus = Drain(), Bus()
    summary: RunSummary | None = None
    async with cancelled_by_signals(partial(_drained, drain, bus, console)), controllable(bus, out):
        summary = await _shown_run(partial(play, config, out, bus, drain), config, bus, console)
    if summary is None:
        raise KeyboardInterrupt
    return summary


async def _drained(drain: Drain, bus: Bus, console: Console | None) -> None:
    """Let the calls that are being made end, for as long as one may wait for that."""
    drain.request()
    bus.publish(Stopping(calls=drain.calls))
    if console is not None and drain.calls:
        console.print(
            f"stopping: {drain.calls:,} calls are being made, and end within "
            f"{DRAIN_SECONDS:.0f} s; once more, and it stops at once",
            markup=False,
            highlight=False,
        )
    with anyio.move_on_after(DRAIN_SECONDS):
        await drain.idle()


async def _shown_run(
    play: Callable[[], Awaitable[RunSummary]],
    config: RunConfig,
    bus: Bus,
    console: Console | None,
) -> RunSummary:
    async with anyio.create_task_group() as watching:
        if console is not None:
            progress = Progress(bus, total=config.run.conversations, console=console)
            await watching.start(progress.show)
        summary = await play()  # closes the bus, which ends the watching
    return summary  # noqa: RET504 - to mypy, leaving a task group may swallow an error
