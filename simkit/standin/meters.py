"""Two ways to hold callers to an amount a minute: a bucket, and a counter per window."""

from __future__ import annotations

import math
from typing import Protocol

_SLACK = 1e-9  # amounts are sums of floats and may end up this short of whole
_EARLY_SECONDS = 1e-6  # a window begins this early: who waits for it has rounded the time


class Meter(Protocol):
    """One limit per minute. Moments, in seconds, never go back."""

    per_minute: float
    capacity: float
    """The most that can be left."""

    def level(self, now: float) -> float:
        """What is left; below 0 when replies have cost more than there was."""
        ...

    def seconds_until(self, amount: float, now: float) -> float:
        """Time until *amount* could be admitted; 0 when it can be now.

        More than `capacity` is admitted when all of it is left; otherwise such a request
        could never be served.
        """
        ...

    def take(self, amount: float, now: float, *, floor: float = -math.inf) -> None:
        """Use up *amount*, but nothing below *floor*."""
        ...

    def permitted(self, now: float) -> float:
        """All that callers could have used since the start, had they left nothing."""
        ...

    def change(self, per_minute: float, now: float) -> None:
        """Set the limit from now on; what is left stays, down to the new capacity."""
        ...


class Bucket:
    """A meter that refills continuously and holds one second's worth, at least 1.

    So no minute sees more than the limit and one second of it.
    """

    def __init__(self, per_minute: float, now: float) -> None:
        self._rate(per_minute)
        self._level = self.capacity
        self._updated_at = now
        self._permitted = self.capacity

    def level(self, now: float) -> float:
        """See `Meter`."""
        refill = (now - self._updated_at) * self._per_second
        self._permitted += refill
        self._level = min(self.capacity, self._level + refill)
        self._updated_at = now
        return self._level

    def seconds_until(self, amount: float, now: float) -> float:
        """See `Meter`."""
        missing = min(amount, self.capacity) - self.level(now)
        return 0.0 if missing <= _SLACK else missing / self._per_second

    def take(self, amount: float, now: float, *, floor: float = -math.inf) -> None:
        """See `Meter`."""
        level = self.level(now)
        self._level = min(level, max(floor, level - amount))

    def permitted(self, now: float) -> float:
        """See `Meter`."""
        self.level(now)
        return self._permitted

    def change(self, per_minute: float, now: float) -> None:
        """See `Meter`."""
        self.level(now)
        self._rate(per_minute)
        self._level = min(self._level, self.capacity)

    def _rate(self, per_minute: float) -> None:
        self.per_minute = per_minute
        self._per_second = per_minute / 60
        self.capacity = max(1.0, self._per_second)


class Window:
    """A meter that is whole again when each window of *seconds* begins, as many gateways count.

    Windows begin at the multiples of *seconds*. Each permits the whole part of the limit's
    share; what replies cost beyond that is forgotten when the window ends.
    """

    def __init__(self, per_minute: float, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._rate(per_minute)
        self._number = self._number_at(now)
        self._level = self.capacity
        self._permitted = self.capacity

    def level(self, now: float) -> float:
        """See `Meter`."""
        number = self._number_at(now)
        if number > self._number:
            self._permitted += (number - self._number) * self.capacity
            self._number = number
            self._level = self.capacity
        return self._level

    def seconds_until(self, amount: float, now: float) -> float:
        """See `Meter`; either now or when the window ends."""
        if min(amount, self.capacity) <= self.level(now):
            return 0.0
        return max(_SLACK, (self._number + 1) * self._seconds - now)

    def _number_at(self, now: float) -> int:
        return math.floor((now + _EARLY_SECONDS) / self._seconds)

    def take(self, amount: float, now: float, *, floor: float = -math.inf) -> None:
        """See `Meter`."""
        level = self.level(now)
        self._level = min(level, max(floor, level - amount))

    def permitted(self, now: float) -> float:
        """See `Meter`."""
        self.level(now)
        return self._permitted

    def change(self, per_minute: float, now: float) -> None:
        """See `Meter`."""
        self.level(now)
        self._rate(per_minute)
        self._level = min(self._level, self.capacity)

    def _rate(self, per_minute: float) -> None:
        self.per_minute = per_minute
        self.capacity = window_share(per_minute, self._seconds)


def window_share(per_minute: float, seconds: float) -> float:
    """What one window of *seconds* permits."""
    return float(math.floor(per_minute * seconds / 60 + _SLACK))
