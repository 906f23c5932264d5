"""Keeps a set number of calls wanted for a set time."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from tests.bench.clients import Ask

Opener = Callable[[str], AbstractAsyncContextManager[Ask]]

SMALL = (25, 25)
"""Tokens of a request, at least and at most."""


@dataclass(slots=True)
class Tally:
    """What one client got."""

    waits: list[tuple[int, float]] = field(default_factory=list)
    """Tokens of each request that was answered, and the seconds until its answer."""
    given_up: int = 0


async def keep_wanted(
    base_url: str,
    opener: Opener,
    *,
    wanted: int,
    seconds: float,
    tokens: tuple[int, int] = SMALL,
) -> Tally:
    """Ask with *wanted* tasks, each at once again after its answer."""
    tally = Tally()
    draw = random.Random(7)
    numbers = itertools.count()
    async with opener(base_url) as ask:

        async def work() -> None:
            while True:
                await _ask_once(ask, next(numbers), draw.randint(*tokens), tally)

        workers = [asyncio.create_task(work()) for _ in range(wanted)]
        await asyncio.sleep(seconds)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return tally


async def _ask_once(ask: Ask, number: int, tokens: int, tally: Tally) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        await ask(number, f"{number} ".ljust(4 * tokens - 90, "x"))
    except Exception:
        tally.given_up += 1
    else:
        tally.waits.append((tokens, loop.time() - began))
