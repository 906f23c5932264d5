"""A run with someone watching: progress on a terminal, warnings beside it, keys nowhere."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
from rich.console import Console

from simkit.bus import Bus
from simkit.config import RunConfig
from simkit.config_check import secrets
from simkit.log import configure_log
from simkit.progress import Progress
from simkit.run import RunSummary, run


async def watched_run(config: RunConfig, out: Path, console: Console | None) -> RunSummary:
    """`run`, with its progress on *console*; None shows none.

    Warnings go to stderr, except while a live display owns the terminal. What `run` raises
    may arrive inside an exception group.

    SIGINT (Ctrl+C) and SIGTERM (containers, job schedulers) cancel the run. More of them are
    ignored: it is busy putting away what was paid for, which takes a moment.

    Raises:
        KeyboardInterrupt: A signal came, and all is put away.
    """
    live = console is not None and console.is_terminal
    configure_log(secrets=secrets(config), warnings=None if live else sys.stderr)
    summary: RunSummary | None = None
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as listening:
            listening.start_soon(_cancel_at_first, signals, listening.cancel_scope)
            summary = await _shown_run(config, out, console)
            listening.cancel_scope.cancel()
    if summary is None:
        raise KeyboardInterrupt
    return summary


async def _cancel_at_first(
    signals: AsyncIterator[signal.Signals], scope: anyio.CancelScope
) -> None:
    await anext(signals)
    scope.cancel()


async def _shown_run(config: RunConfig, out: Path, console: Console | None) -> RunSummary:
    bus = Bus()
    async with anyio.create_task_group() as watching:
        if console is not None:
            progress = Progress(bus, total=config.run.conversations, console=console)
            await watching.start(progress.show)
        summary = await run(config, out, bus)  # closes the bus, which ends the watching
    return summary  # noqa: RET504 - to mypy, leaving a task group may swallow an error
