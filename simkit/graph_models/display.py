"""Shows how far the asking is, how fast, what it costs, and what limits it now."""

from __future__ import annotations

from datetime import timedelta

import anyio
from rich.console import Console
from rich.live import Live
from rich.text import Text

from simkit.graph_models.model import OpenModel
from simkit.graph_models.tally import Tally
from simkit.progress import DRAWING_SECONDS, LINE_SECONDS
from simkit.spending import TOKENS, Spending


async def show(tally: Tally, model: OpenModel, console: Console) -> None:
    """Show progress until cancelled: a live line on a terminal, elsewhere a line every 5 s."""
    if not console.is_terminal:
        while True:
            await anyio.sleep(LINE_SECONDS)
            console.print(_line(tally, model), markup=False, highlight=False, soft_wrap=True)
    with Live(console=console, auto_refresh=False) as live:
        try:
            while True:
                live.update(Text(_line(tally, model)), refresh=True)
                await anyio.sleep(DRAWING_SECONDS)
        finally:
            live.update(Text(_line(tally, model)), refresh=True)


def _line(tally: Tally, model: OpenModel) -> str:
    now = anyio.current_time()
    return " | ".join(
        facts(tally, spending=model.budget.spending(), limiting=model.limiting(), now=now)
    )


def facts(tally: Tally, *, spending: tuple[Spending, ...], limiting: str, now: float) -> list[str]:
    """The state in short phrases, the most important first."""
    rate = tally.per_second(now)
    shown = [f"{tally.done:,} of {tally.wanted:,} {tally.things}"]
    if left := tally.done - tally.answered:
        shown.append(f"{left:,} without a usable reply")
    shown.append(f"{rate:.1f}/s")
    shown += [_amount(line) for line in spending]
    shown.append("no limit reached" if limiting == "nothing" else f"limited by {limiting}")
    if rate > 0:
        seconds = (tally.wanted - tally.done) / rate
        shown.append(f"about {timedelta(seconds=round(seconds))} left")
    return shown


def _amount(line: Spending) -> str:
    return f"{line.spent:,.0f} tokens" if line.unit == TOKENS else f"{line.spent:,.4f} {line.unit}"
