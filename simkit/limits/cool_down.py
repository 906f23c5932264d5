"""The rest that an account takes after a provider said "too fast"."""

from __future__ import annotations

import math

FIRST_SECONDS = 0.05
"""Short: the rate is cut as well, and a rest is only for what is on its way."""
LONGEST_SECONDS = 15.0
"""One call every so often finds out, at next to no cost, whether a block is over."""


_ALIKE = 4


class CoolDown:
    """Until when nothing is sent.

    A provider that says how long is believed. For one that does not, rests are short while
    the rate is being cut, and double from the fourth refusal in a row up to 15 s, until a
    call that was sent after the last one succeeds.
    """

    def __init__(self) -> None:
        self.until = -math.inf
        self._in_a_row = 0
        self._guessed_at = -math.inf

    def extend(self, seconds: float, now: float) -> None:
        """Rest for *seconds* from *now*; extends what is under way, never shortens it."""
        self.until = max(self.until, now + seconds)

    def refused(self, sent_at: float, now: float, retry_after_seconds: float | None) -> None:
        """A call sent at *sent_at* was refused as too fast."""
        if retry_after_seconds is not None:
            self.extend(retry_after_seconds, now)
        elif sent_at > self._guessed_at:
            # Calls sent before the last guess belong to the burst that it already answers:
            # a thousand refusals of one burst must not double the rest a thousand times.
            self._in_a_row += 1
            doublings = min(max(self._in_a_row - _ALIKE, 0), 30)
            self._guessed_at = now
            self.extend(min(FIRST_SECONDS * 2**doublings, LONGEST_SECONDS), now)

    def accepted(self, sent_at: float) -> None:
        """A call sent at *sent_at* succeeded."""
        if sent_at > self._guessed_at:
            self._in_a_row = 0
