"""Providers that count by fixed windows: everything is back at once, at a set time."""

from __future__ import annotations

import math

from simkit.traces.calls import Allowance

_LONGEST_SECONDS = 120.0
"""Longer windows (a day's quota) are not stretched: who runs out of one has finished sooner."""
_SURE_SECONDS = 2.0


class FixedWindow:
    """Notices a fixed window, and spreads what is left of it evenly.

    A bucket's reset moves on with every call that is made; a window's stays where it is
    while the remaining count falls.
    """

    def __init__(self) -> None:
        self.blocked_until = -math.inf
        """Until when nothing is left."""
        self._seen: tuple[float, float, float] | None = None
        """Time, remaining and moment of reset of the sighting that is compared with."""
        self.resets_at = -math.inf
        """When the window that was noticed last ends."""
        self._per_second = math.inf

    def per_second(self, now: float) -> float:
        """The rate at which what is left lasts until the reset; infinite without a window."""
        return self._per_second if now < self.resets_at else math.inf

    def see(self, allowance: Allowance, *, remaining: float, now: float) -> None:
        """An answer told of the limit; *remaining* has later calls taken off."""
        reset = allowance.reset_seconds
        if reset is None or not 0 < reset <= _LONGEST_SECONDS or allowance.remaining is None:
            return
        resets_at = now + reset
        if self._is_window(allowance.remaining, resets_at, now):
            self.resets_at = resets_at
            self._per_second = max(remaining, 0.5) / reset
            self.blocked_until = resets_at if remaining < 1 else -math.inf
        if self._seen is None or now > self._seen[2] or allowance.remaining > self._seen[1]:
            self._seen = (now, allowance.remaining, resets_at)

    def _is_window(self, remaining: float, resets_at: float, now: float) -> bool:
        if self._seen is None or now > self._seen[2]:
            return False
        began, before, reset_before = self._seen
        passed = now - began
        return (
            passed >= _SURE_SECONDS
            and remaining < before
            and abs(resets_at - reset_before) < 0.2 * passed
        )
