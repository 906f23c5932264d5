"""A token bucket that refills continuously."""

from __future__ import annotations

import math

BURST_SECONDS = 1.0
"""How much refill a bucket holds: enough to smooth over the event loop's jitter, and little
enough that 60 s never see more than 61 s worth."""


class Bucket:
    """An allowance of so much a minute, as a bucket that refills continuously.

    It holds a burst of `BURST_SECONDS` worth, but at least 1. Its whole state is one
    number, the moment at which it will be full: what is ready when follows by arithmetic,
    so nobody has to look again and no rounding adds up. (The generic cell rate algorithm
    of ITU-T I.371, with debt.)

    Times are seconds of any monotonic clock.

    Raises:
        ValueError: *per_minute* is not a positive number.
    """

    def __init__(self, per_minute: float) -> None:
        if not 0 < per_minute < math.inf:
            raise ValueError(f"a limit per minute must be a positive number, not {per_minute}")
        self._per_second = per_minute / 60
        self._burst = max(self._per_second * BURST_SECONDS, 1.0)
        self._full_at = -math.inf

    def ready_at(self, amount: float) -> float:
        """When *amount* may be taken.

        More than the bucket holds may be taken when it is full, which leaves a debt: a
        large request waits for a full bucket, and those after it wait for the debt.
        """
        need = min(amount, self._burst)
        return self._full_at - (self._burst - need) / self._per_second

    def take(self, amount: float, now: float) -> None:
        """Take *amount*, into debt if need be; a negative amount gives back.

        What is given back beyond a full bucket is lost, as refill is.
        """
        self._full_at = max(self._full_at, now) + amount / self._per_second
