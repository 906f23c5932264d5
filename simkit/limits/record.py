"""What became of an account's calls, counted."""

from __future__ import annotations

from collections import Counter


class AccountRecord:
    """Counts of one account, since it was opened."""

    __slots__ = ("answered", "failed", "failed_seconds", "peak_in_flight", "refused")

    def __init__(self) -> None:
        self.answered = 0
        self.refused: Counter[str] = Counter()
        """By the limit that refused, as it was told or guessed; ``"quota"`` for one of long."""
        self.failed = 0
        """Calls that failed otherwise, and might be tried again."""
        self.failed_seconds = 0.0
        """How long these were in flight, all together."""
        self.peak_in_flight = 0

    def admitted(self, in_flight: int) -> None:
        """A call is sent, the *in_flight*-th at once."""
        if in_flight > self.peak_in_flight:
            self.peak_in_flight = in_flight

    def note_failed(self, seconds: float) -> None:
        """A call failed after *seconds*."""
        self.failed += 1
        self.failed_seconds += seconds
