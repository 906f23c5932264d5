"""How soon a client follows a provider that halves its limit in mid-run, and restores it."""

from __future__ import annotations

import asyncio
from functools import partial
from statistics import mean

from tests.bench import clients
from tests.bench.load_for import keep_wanted
from tests.bench.row import Row
from tests.bench.standin import standin

FULL, HALF = 100, 50
"""Calls a second."""
HALVED_AT, RESTORED_AT, END = 20, 40, 55
FOLLOWS_SECONDS = 10


def measure() -> list[Row]:
    return [row for hints in ("all", "none") for row in _rows(hints)]


def _rows(hints: str) -> list[Row]:
    options = ("--brain", "echo", "--latency", "0.3", "--rpm", f"{60 * FULL}", "--hints", hints)
    with standin(*options) as provider:

        async def change() -> None:
            await asyncio.sleep(HALVED_AT)
            await asyncio.to_thread(provider.control, rpm=60 * HALF)
            await asyncio.sleep(RESTORED_AT - HALVED_AT)
            await asyncio.to_thread(provider.control, rpm=60 * FULL)

        async def run() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(change())
                opener = partial(clients.simkit)
                await keep_wanted(provider.base_url, opener, wanted=600, seconds=END)

        asyncio.run(run())
        timeline = provider.timeline()
    told = "headers" if hints == "all" else "no headers"
    return [
        _row(f"{FOLLOWS_SECONDS} s after the limit is {what}, {told}", timeline, since, permitted)
        for what, since, permitted in (
            ("halved", HALVED_AT, HALF),
            ("restored", RESTORED_AT, FULL),
        )
    ]


def _row(what: str, timeline: dict[str, list[int]], since: int, permitted: float) -> Row:
    # From the first whole second after the change.
    seconds = slice(since + 1, since + 1 + FOLLOWS_SECONDS)
    answered = sum(timeline["answered"][seconds])
    refused = sum(timeline["refused"][seconds])
    return Row(
        what=what,
        value=mean(timeline["admitted"][seconds]),
        baseline=permitted,
        baseline_name="permitted",
        unit="calls/s",
        note=f"refused {refused / max(answered, 1):.2%}",
    )
