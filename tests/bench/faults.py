"""What becomes of thousands of calls when one in ten fails, and when a few hang for ever."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from functools import partial
from typing import Any

from tests.bench import clients
from tests.bench.row import Row
from tests.bench.standin import standin

CALLS = 20_000
AT_ONCE = 400
CUT_AFTER_SECONDS = 3.0
"""A hanging call is cut after so long a silence."""


def measure() -> list[Row]:
    return [_mixed(), _hanging()]


def _mixed() -> Row:
    options = ("--brain", "echo", "--latency", "0.1", "--faults", "0.1", "--hangs")
    with standin(*options) as provider:
        ended, failed = asyncio.run(_all(provider.base_url, first_byte_seconds=CUT_AFTER_SECONDS))
        stats = provider.stats()
    return Row(
        what=f"{CALLS:,} calls, 10 % mixed faults: answered at the provider, per call",
        value=stats["answered"],
        baseline=len(ended) - sum(failed.values()),
        baseline_name="answered calls",
        unit="answers",
        aim="1.00, none lost",
        note=f"{CALLS - len(ended)} lost, failed {dict(failed) or 0}, "
        f"{sum(stats['faults'].values()):,} faults met",
    )


def _hanging() -> Row:
    options = ("--brain", "echo", "--latency", "0.3", "--hang-share", "0.002")
    with standin(*options) as provider:
        ended, failed = asyncio.run(_all(provider.base_url, hedge_share=0.01))
    ended.sort()
    return Row(
        what=f"{CALLS:,} calls, 0.2 % hang, hedging: time to all",
        value=ended[-1],
        baseline=ended[int(0.99 * len(ended))],
        baseline_name="to 99 %",
        unit="s",
        aim="at most 1.20",
        note=f"{CALLS - len(ended)} lost, failed {dict(failed) or 0}",
    )


async def _all(base_url: str, **options: Any) -> tuple[list[float], Counter[str]]:
    """Make `CALLS` calls; when each ended, and the causes of those that failed."""
    loop = asyncio.get_running_loop()
    began, ended, failed = loop.time(), [], Counter[str]()
    numbers = iter(range(CALLS))
    opener = partial(clients.simkit, max_calls_in_flight=AT_ONCE, **options)
    async with opener(base_url) as ask:

        async def work() -> None:
            for number in numbers:
                try:
                    await ask(number, f"{number} of {CALLS}")
                except Exception as error:
                    failed[getattr(error, "cause", type(error).__name__)] += 1
                ended.append(loop.time() - began)

        async with asyncio.TaskGroup() as group:
            for _ in itertools.repeat(None, AT_ONCE):
                group.create_task(work())
    return ended, failed
