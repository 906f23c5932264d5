"""Shows how far a sweep is, where somebody is watching."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from simkit.tuning.sweep import Progress


@contextmanager
def sweep_progress() -> Iterator[Callable[[Progress], None]]:
    """What is to hear of progress; it shows nothing where standard error is no terminal.

    A bar of calls rehearsed, their rate, and the time left at the most.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TimeRemainingColumn(),
        progress.TextColumn("left at most"),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("rehearsing", total=None, rate="")

        def show(now: Progress) -> None:
            seconds = shown.tasks[0].elapsed or 0.0
            rate = f"{now.calls / seconds:,.0f} calls/s" if now.calls and seconds else ""
            shown.update(
                task,
                description=f"{now.settings} settings rehearsed",
                completed=now.calls,
                total=now.calls_at_most,
                rate=rate,
            )

        yield show
