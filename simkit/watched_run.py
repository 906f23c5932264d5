"""A run with someone watching: progress on a terminal, warnings beside it, keys nowhere."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
from rich.console import Console

from simkit.bus import Bus
from simkit.config import RunConfig
from simkit.config_check import secrets
from simkit.log import configure_log
from simkit.progress import Progress
from simkit.run import RunSummary, run
from simkit.signals import cancelled_by_signals


async def watched_run(config: RunConfig, out: Path, console: Console | None) -> RunSummary:
    """`run`, with its progress on *console*; None shows none.

    Warnings go to stderr, except while a live display owns the terminal. What `run` raises
    may arrive inside an exception group.

    SIGINT and SIGTERM cancel the run; see `cancelled_by_signals`.

    Raises:
        KeyboardInterrupt: A signal came, and all is put away.
    """
    live = console is not None and console.is_terminal
    configure_log(secrets=secrets(config), warnings=None if live else sys.stderr)
    summary: RunSummary | None = None
    async with cancelled_by_signals():
        summary = await _shown_run(config, out, console)
    if summary is None:
        raise KeyboardInterrupt
    return summary


async def _shown_run(config: RunConfig, out: Path, console: Console | None) -> RunSummary:
    bus = Bus()
    async with anyio.create_task_group() as watching:
        if console is not None:
            progress = Progress(bus, total=config.run.conversations, console=console)
            await watching.start(progress.show)
        summary = await run(config, out, bus)  # closes the bus, which ends the watching
    return summary  # noqa: RET504 - to mypy, leaving a task group may swallow an error
