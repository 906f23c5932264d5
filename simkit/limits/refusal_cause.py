"""Which limit refused a call, when the provider does not say."""

from __future__ import annotations

import math
from typing import Literal

from simkit.limits.recent import RecentMax

_MEMORY_SECONDS = 10.0
_NEAR = 0.9
_NEAR_CALLS = 1.5
_EPISODE_SECONDS = 0.5
_CERTAIN = 3


class RefusalCause:
    """Tells a limit of concurrency from a limit of requests a minute by how many were in flight.

    A provider that limits concurrency refuses only near the most calls in flight that it has
    recently accepted. One refusal clearly below that rules it out; after that only a series
    of refusals that all came near the peak brings the suspicion back.
    """

    def __init__(self) -> None:
        self._peak = RecentMax(_MEMORY_SECONDS)
        self._score = 0
        self._last_at = -math.inf
        self._noticed_at = -math.inf
        """When the last refusal came that was not sent before an earlier one was noticed."""

    def accepted(self, in_flight: int, now: float) -> None:
        """A call that was the *in_flight*-th at once was answered."""
        self._peak.add(in_flight, now)

    def of(
        self, in_flight: int, *, sent_at: float, now: float
    ) -> Literal["concurrency", "requests"]:
        """What refused a call, sent at *sent_at*, that was the *in_flight*-th at once."""
        if sent_at > self._noticed_at:
            self._judge(in_flight, now)
            self._noticed_at = now
        self._last_at = now
        if self._score <= 0:
            return "requests"
        # Those of one burst count each other as in flight; the lowest is nearest to the limit.
        self._peak.lower_to(in_flight - 1, now)
        return "concurrency"

    def _judge(self, in_flight: int, now: float) -> None:
        peak = self._peak.get(now)
        if in_flight <= 1 or in_flight < min(_NEAR * peak, peak - _NEAR_CALLS):
            self._score = -_CERTAIN
        elif now - self._last_at > _EPISODE_SECONDS:
            self._score = min(self._score + 1, _CERTAIN)
