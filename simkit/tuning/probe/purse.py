"""How far the budget of a probe is, and its end before anything has to be refused for it."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio

from simkit.bus import Bus
from simkit.drain import Drain
from simkit.tuning.probe.allowed import Allowed

_FULL_SHARE = 0.97
"""Of what is allowed; the rest is for calls that turn out dearer than they were reckoned."""
_DEARER = 1.5
"""Calls in flight are reckoned so many times as dear as calls were on average."""


@dataclass(slots=True)
class Purse:
    """Watches what a run spends of what it is allowed.

    The run has a budget of its own, which refuses a call that does not fit, and a conversation
    fails of that. Here the run is drained a little before: what is cut off then can go on later.
    """

    allowed: Allowed
    bus: Bus
    drain: Drain
    full_at: float | None = field(default=None, init=False)
    """Since when no other call may begin, on the clock of the event loop; None: they may."""

    @property
    def spent(self) -> float:
        """In the unit of what is allowed."""
        lines = self.bus.gauges.spending() if self.bus.gauges else ()
        return next((line.spent for line in lines if line.unit == self.allowed.unit), 0.0)

    @property
    def used(self) -> float:
        """Share of what is allowed."""
        return self.spent / self.allowed.amount

    def watch(self, *, answered: int, in_flight: int) -> None:
        """Another call is about to be sent, beside those *in_flight*."""
        if self.full_at is not None or not answered:
            return
        spent = self.spent
        reserved = (in_flight + 1) * _DEARER * spent / answered
        if spent + reserved > _FULL_SHARE * self.allowed.amount:
            self.full_at = anyio.current_time()
            self.drain.request()
