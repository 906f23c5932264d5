"""Shows how far the answering is, how fast, how long still, and what limits it now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import anyio
from rich.console import Console
from rich.live import Live
from rich.text import Text

from simkit.complete.tally import Tally
from simkit.progress import DRAWING_SECONDS, LINE_SECONDS


class Display:
    """Keeps a terminal, or a plain log of lines, up to date from a `Tally`."""

    def __init__(
        self,
        tally: Tally,
        *,
        lines_left: Callable[[], float | None],
        calls: Callable[[], int],
        limiting: Callable[[], str],
        console: Console,
    ) -> None:
        self._tally = tally
        self._lines_left = lines_left
        self._calls = calls
        self._limiting = limiting
        self._console = console

    async def show(self) -> None:
        """Show progress until cancelled: a live display, elsewhere a line every 5 s."""
        await (self._draw() if self._console.is_terminal else self._print())

    async def _draw(self) -> None:
        with Live(console=self._console, auto_refresh=False) as live:
            try:
                while True:
                    live.update(Text(self._line()), refresh=True)
                    await anyio.sleep(DRAWING_SECONDS)
            finally:
                live.update(Text(self._line()), refresh=True)

    async def _print(self) -> None:
        while True:
            await anyio.sleep(LINE_SECONDS)
            self._console.print(self._line(), markup=False, highlight=False, soft_wrap=True)

    def _line(self) -> str:
        shown = facts(
            self._tally,
            lines_left=self._lines_left(),
            calls=self._calls(),
            limiting=self._limiting(),
            now=anyio.current_time(),
        )
        return " | ".join(shown)


def facts(
    tally: Tally, *, lines_left: float | None, calls: int, limiting: str, now: float
) -> list[str]:
    """The state in short phrases, the most important first."""
    shown = [f"{tally.answered:,} answered, {tally.failed:,} failed"]
    if tally.answered_before:
        shown.append(f"{tally.answered_before:,} before")
    rate = tally.per_second(now)
    shown += [
        f"{calls:,} calls in flight",
        f"{rate:.1f} answers/s",
        f"{tally.input_tokens:,} tokens in, {tally.output_tokens:,} out",
        f"{tally.retries:,} retries",
        "no limit reached" if limiting == "nothing" else f"limited by {limiting}",
        f"{_clock(now - tally.started_at)} elapsed",
    ]
    shown += [
        f"paused for {_clock(pause.until - now)}: {account} ({pause.reason})"
        for account, pause in tally.paused.items()
        if pause.until > now
    ]
    if lines_left is not None and rate > 0:
        shown.append(f"about {_clock((lines_left + tally.taken_up) / rate)} left")
    return shown


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
