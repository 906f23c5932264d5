"""One client's load, in a process of its own: ``python -m tests.bench.load CLIENT URL N TOTAL``.

Prints a JSON object: CPU seconds and peak memory of this process, and what became of the calls.
N calls are in flight at once.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import orjson

from simkit.garbage import rare_collections
from simkit.open_files import allow_connections
from tests.bench import clients
from tests.bench.clients import Ask

TEXT = "What is the weather in Oslo tomorrow, and should I take an umbrella along? " * 25
"""About 2 kB, as a short conversation has."""

Opener = Callable[[str], AbstractAsyncContextManager[Ask]]


def measured(client: str, base_url: str, *, at_once: int, total: int) -> dict[str, Any]:
    """Run the load in a new process."""
    command = [sys.executable, "-m", "tests.bench.load", client, base_url]
    output = subprocess.check_output([*command, str(at_once), str(total)])
    figures: dict[str, Any] = orjson.loads(output)
    return figures


def _opener(client: str, at_once: int) -> Opener:
    if client == "simkit":
        return partial(clients.simkit, max_calls_in_flight=at_once)
    return clients.bare


async def _run(opener: Opener, base_url: str, at_once: int, total: int) -> dict[str, Any]:
    numbers = iter(range(total))
    answered = 0

    async with opener(base_url) as ask:

        async def work() -> None:
            nonlocal answered
            for number in numbers:
                await ask(number, TEXT)
                answered += 1

        began, used = time.monotonic(), _cpu_seconds()
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())
        return {
            "answered": answered,
            "cpu_seconds": _cpu_seconds() - used,
            "seconds": time.monotonic() - began,
        }


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(client: str, base_url: str, at_once: int, total: int) -> None:
    allow_connections(clients.CONNECTIONS)
    with rare_collections():  # for both: it is no merit of a client
        figures = asyncio.run(_run(_opener(client, at_once), base_url, at_once, total))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    os.write(1, orjson.dumps({**figures, "peak_megabytes": peak}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
