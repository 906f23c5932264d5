"""A token bucket that refills continuously, at a rate that may change."""

from __future__ import annotations

BURST_SECONDS = 0.5
"""How much refill a bucket holds: enough to smooth over the event loop's jitter.

Providers that count by the minute allow at least a second's worth at once. Holding half of
it leaves the other half at the provider, so that calls which reach it sooner after another
than they were sent are not refused.
"""


class Bucket:
    """An allowance of so much a second, refilling continuously from empty.

    It holds a burst of *burst_seconds* worth, but at least 1. Times are seconds of any
    monotonic clock that never runs backwards.
    """

    def __init__(
        self, per_second: float, now: float, *, burst_seconds: float = BURST_SECONDS
    ) -> None:
        self.per_second = per_second
        self._burst_seconds = burst_seconds
        self._level = self.burst
        self._at = now

    @property
    def burst(self) -> float:
        """The most that it holds."""
        return max(self.per_second * self._burst_seconds, 1.0)

    def level(self, now: float) -> float:
        """What may be taken at once; below 0 while a debt is paid off."""
        return min(self.burst, self._level + (now - self._at) * self.per_second)

    def ready_at(self, amount: float) -> float:
        """When *amount* may be taken.

        More than the bucket holds may be taken when it is full, which leaves a debt: a
        large request waits for a full bucket, and those after it wait for the debt.
        """
        need = min(amount, self.burst)
        return self._at + (need - self._level) / self.per_second

    def take(self, amount: float, now: float) -> None:
        """Take *amount*, into debt if need be; a negative amount gives back.

        What is given back beyond a full bucket is lost, as refill is.
        """
        self._level = min(self.burst, self.level(now) - amount)
        self._at = now

    def is_full(self, now: float) -> bool:
        """Whether it holds all that it can."""
        return self.level(now) >= self.burst

    def fill(self, now: float) -> None:
        """Have it hold all that it can."""
        self._level = self.burst
        self._at = now

    def lower_to(self, level: float, now: float) -> None:
        """Hold no more than *level*; never raises it."""
        self._level = min(self.level(now), level)
        self._at = now

    def change_rate(
        self, per_second: float, now: float, *, burst_seconds: float = BURST_SECONDS
    ) -> None:
        """Refill at *per_second* from now on; what is held stays, as far as it fits."""
        self._level = self.level(now)
        self._at = now
        self.per_second = per_second
        self._burst_seconds = burst_seconds
        self._level = min(self._level, self.burst)
