"""How late the event loop is."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest

from simkit.loop_lag import watched_loop
from simkit.tuning.virtual_time import VirtualTimeLoop


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def work_for(seconds: float) -> None:
    """What a long computation does to the loop: time passes and nobody else runs."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    loop.let_pass(seconds)


async def test_a_loop_with_nothing_to_do_is_on_time() -> None:
    async with watched_loop() as lag:
        await anyio.sleep(10)
        assert lag.recent_max_seconds == pytest.approx(0, abs=1e-6)


async def test_a_long_computation_is_seen_for_a_while_and_remembered_as_the_worst() -> None:
    async with watched_loop() as lag:
        await anyio.sleep(1.1)
        work_for(0.65)
        await anyio.sleep(0.3)
        assert lag.recent_max_seconds == pytest.approx(0.5)  # 0.15 s of it the timer slept
        assert 0 < lag.recent_mean_seconds < 0.5
        await anyio.sleep(10)
        assert lag.recent_max_seconds == pytest.approx(0, abs=1e-6)
        assert lag.worst_seconds == pytest.approx(0.5)


async def test_an_error_comes_out_as_itself() -> None:
    with pytest.raises(KeyError):
        async with watched_loop():
            raise KeyError
