"""How fast a run is rehearsed: simulated calls a second, beside a bare loop of timers.

``python -m tests.bench.rehearsal CONVERSATIONS`` is one such rehearsal, in a process of its own.
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import time

import anyio
import orjson

from simkit.config_file import load_config
from simkit.tuning.rehearsal import rehearse
from simkit.tuning.terms import ProviderTerms
from simkit.tuning.virtual_time import run_virtually
from simkit.tuning.workload import (
    Failures,
    Latencies,
    Machine,
    Round,
    Workload,
    WorkloadCall,
    WorkloadConversation,
)
from tests.bench.row import Row

CONVERSATIONS = 160_000
FEWER = 16_000
CONCURRENCY = 1_000
CALLS = 12
TERMS = ProviderTerms(requests_per_minute=30_000, tokens_per_minute=60_000_000)
_TIMERS = 400_000


def measure() -> list[Row]:
    timers = run_virtually(_bare_timers)
    large, small = _measured(CONVERSATIONS), _measured(FEWER)
    return [
        Row(
            what=f"{CONVERSATIONS:,} conversations of {CALLS} calls rehearsed",
            value=large["calls"] / large["seconds"],
            baseline=timers,
            baseline_name="a bare loop of timers in virtual time",
            unit="calls/s",
            note=f"{large['seconds']:.0f} s for {large['virtual_seconds'] / 3600:.1f} h",
        ),
        Row(
            what="memory of it",
            value=large["peak_megabytes"],
            baseline=small["peak_megabytes"],
            baseline_name="a tenth of the conversations",
            unit="MB",
        ),
    ]


async def _bare_timers() -> float:
    """Timers a second of as many tasks."""
    began = time.monotonic()

    async def wait() -> None:
        for _ in range(_TIMERS // CONCURRENCY):
            await anyio.sleep(0.37)

    async with anyio.create_task_group() as group:
        for _ in range(CONCURRENCY):
            group.start_soon(wait)
    return _TIMERS / (time.monotonic() - began)


def _measured(conversations: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.rehearsal", str(conversations)]
    figures: dict[str, float] = orjson.loads(subprocess.check_output(command))
    return figures


def _workload() -> Workload:
    """300 conversations of 9 calls in a row, then 3 judges' at once; sizes grow."""
    draw = random.Random(1)

    def conversation() -> WorkloadConversation:
        size, playing = 400, []
        for _ in range(CALLS - 3):
            size += draw.randint(50, 150)
            call = WorkloadCall("assistant", "m", size, draw.randint(20, 120), 0)
            playing.append(Round(0.005, (call,)))
        judges = tuple(WorkloadCall("judge", "m", size, 30, 1) for _ in range(3))
        return WorkloadConversation(tuple(playing), (Round(0.0, judges),))

    classes = (tuple(scale * draw.lognormvariate(0, 0.4) for _ in range(500)) for scale in (1, 0.5))
    return Workload(
        conversations=tuple(conversation() for _ in range(300)),
        latencies=Latencies(classes=tuple(classes), doubled_at=None),
        failures=Failures(share=0.01, seconds=()),
        machine=Machine(
            cpu_seconds_per_call=0.001,
            base_bytes=0,
            bytes_per_conversation=0,
            disk_bytes_per_conversation=0,
        ),
        peak_calls_in_flight=1_000,
        kept_share=0.9,
    )


def main(conversations: int) -> None:
    options = {
        "catalog.demo": True,
        "model.name": "m",
        "provider.base_url": "http://127.0.0.1:9/v1",
        "provider.requests_per_minute": TERMS.requests_per_minute,
        "run.concurrency": CONCURRENCY,
    }
    began = time.monotonic()
    found = rehearse(
        load_config(None, options), _workload(), {"default": TERMS}, conversations=conversations
    )
    figures = {
        "calls": found.calls,
        "seconds": time.monotonic() - began,
        "virtual_seconds": found.seconds,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    os.write(1, orjson.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[1]))
