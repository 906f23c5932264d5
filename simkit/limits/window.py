"""How many calls may be in flight, told or learned."""

from __future__ import annotations

import math

from simkit.limits.growth import Growth

FIRST = 4.0
"""Calls at once to a provider of which nothing is known."""
_AIM = 0.97


class ConcurrencyWindow:
    """The most calls in flight: a ceiling that was told, and below it what was learned.

    Without anything told it starts at `FIRST` and doubles with each round of answers while
    it is in the way (slow start), less as latency inflates, until a call is refused for it.
    Then it grows slowly (`Growth`), and a refusal cuts it to a little below where it happened.
    """

    def __init__(self, *, told: int | None, ceiling: float) -> None:
        self._ceiling = max(1.0, min(ceiling, math.inf if told is None else told))
        self._size = min(FIRST if told is None else float(told), self._ceiling)
        self._announced = math.inf
        self._doubling = True
        self._growth = Growth()

    def tell(self, told: int | None, *, ceiling: float) -> None:
        """Keep to another number that is told; where none is any more, look for it from here."""
        self._ceiling = max(1.0, min(ceiling, math.inf if told is None else told))
        size = self._size if told is None else float(told)
        self._size = min(size, self._ceiling, self._announced)
        self._doubling = True

    @property
    def size(self) -> int:
        """The most calls in flight."""
        return int(self._size)

    def expect(self, per_second: float) -> None:
        """So many calls a second are allowed: a second's worth at once can do no harm."""
        if self._doubling:
            self._size = min(max(self._size, per_second), self._ceiling, self._announced)

    def announced(self, most: float) -> None:
        """The provider says how many calls it takes at once."""
        self._announced = max(1.0, most)
        self._size = min(self._size, self._announced)

    def answered(self, speed: float) -> None:
        """A call was answered while the window was in the way."""
        if self._doubling:
            # Squared: while latency inflates, more at once gains little and harms others.
            self._size = min(self._size + speed * speed, self._ceiling, self._announced)

    def grow(self, seconds: float, speed: float) -> None:
        """The window was in the way for *seconds*."""
        if not self._doubling:
            grown = self._size * self._growth.factor(seconds, speed)
            self._size = min(grown, self._ceiling, self._announced)

    def acquitted(self) -> None:
        """Refusals that were blamed on the window had another cause: look for its size anew."""
        self._doubling = True

    def refused(self, in_flight: int) -> None:
        """A call was refused that was the *in_flight*-th at once."""
        self._doubling = False
        self._growth.restart()
        self._size = max(1.0, min(self._size, in_flight - 1, _AIM * in_flight))
