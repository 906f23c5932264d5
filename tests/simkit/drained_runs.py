"""Runs that are stopped in good order."""

from __future__ import annotations

from pathlib import Path

import anyio

from simkit.bus import Bus
from simkit.config import RunConfig
from simkit.drain import Drain
from simkit.run import run
from simkit.traces.events import CallAnswered, Event


async def drained_after(
    config: RunConfig, out: Path, count: int, event_type: type[Event] = CallAnswered
) -> None:
    """Start the run, and stop it in good order once so many calls are answered, or such events
    have come."""
    drain, bus = Drain(), Bus()
    with bus.subscribe(100_000) as events:
        async with anyio.create_task_group() as group:
            group.start_soon(run, config, out, bus, drain)
            async for event in events:
                count -= isinstance(event, event_type)
                if not count:
                    break
            drain.request()
            await drain.idle()
            group.cancel_scope.cancel()
