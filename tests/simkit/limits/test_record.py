"""A limiter counts what became of its calls."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from simkit.limits import AccountLimiter
from simkit.traces.calls import Usage
from simkit.traces.provider_errors import RateLimited


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


async def test_answers_refusals_and_failures_are_counted_apart() -> None:
    limiter = AccountLimiter()
    held = [await limiter.reserve(1, 0, (0,)) for _ in range(3)]
    await anyio.sleep(2)
    for reservation in held:
        with reservation:
            reservation.settle(Usage(), role="user")
    for seconds in (1, 4):
        with await limiter.reserve(1, 0, (0,)) as reservation:
            await anyio.sleep(seconds)
            reservation.failed()
    for error in (
        RateLimited("too fast", limit="tokens"),
        RateLimited("too fast"),  # nobody else is in flight, so it is no limit of concurrency
        RateLimited("come back tomorrow", retry_after_seconds=3600),
    ):
        with await limiter.reserve(1, 0, (0,)) as reservation:
            reservation.refused(error)
    with await limiter.reserve(1, 0, (0,)):
        pass  # cut off: nobody knows what became of it

    record = limiter.record
    assert (record.answered, record.failed, record.failed_seconds) == (3, 2, 5)
    assert record.refused == {"tokens": 1, "requests": 1, "quota": 1}
    assert record.peak_in_flight == 3
