"""How fast a learned limit may grow again after it was cut."""

from __future__ import annotations

import math

_SLOWEST = 0.01
_FASTEST = 0.25
_PATIENCE_SECONDS = 2.0
"""Near the last cut the true limit is likely; it is approached slowly for so long."""


class Growth:
    """Slow near the last cut, then faster and faster: the true limit may have moved.

    The share by which a limit grows each second starts at 1 % and doubles every second
    after the second, up to 25 %. Only time in which the limit was really in the way counts.
    A limit that doubles is found again in eight seconds; one that has not moved is
    touched, with a handful of refusals, about as often. (The shape is that of CUBIC,
    RFC 9438, with exponential acceleration.)
    """

    def __init__(self) -> None:
        self._seconds = 0.0

    def restart(self) -> None:
        """The limit was cut."""
        self._seconds = 0.0

    def factor(self, seconds: float, speed: float) -> float:
        """What to multiply the limit with after *seconds* more in which it was in the way.

        Args:
            speed: 1 for full speed; 0 for none, which also holds the acceleration.
        """
        self._seconds += seconds * speed
        doublings = max(0.0, self._seconds - _PATIENCE_SECONDS)
        share = min(_FASTEST, _SLOWEST * math.exp2(min(doublings, 10.0)))
        return 1.0 + share * seconds * speed
