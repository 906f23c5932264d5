"""The largest value of the recent past, in memory that does not grow."""

from __future__ import annotations

import math


class RecentMax:
    """The largest of the values seen in the last one to two periods of *seconds*."""

    def __init__(self, seconds: float) -> None:
        self._period = seconds
        self._ends_at = -math.inf
        self._before = -math.inf
        self._now = -math.inf

    def add(self, value: float, now: float) -> None:
        """Take in *value*, seen at *now*."""
        self._turn(now)
        self._now = max(self._now, value)

    def get(self, now: float) -> float:
        """The largest recent value; -inf when there was none."""
        self._turn(now)
        return max(self._before, self._now)

    def lower_to(self, value: float, now: float) -> None:
        """Forget whatever was above *value*."""
        self._turn(now)
        self._now = min(self._now, value)
        self._before = min(self._before, value)

    def _turn(self, now: float) -> None:
        if now < self._ends_at:
            return
        # After a long silence both periods are over.
        self._before = self._now if now < self._ends_at + self._period else -math.inf
        self._now = -math.inf
        self._ends_at = now + self._period
