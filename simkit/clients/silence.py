"""When a provider that answers nothing is taken to be lost."""

from __future__ import annotations

import time


class Silence:
    """The time since a provider last answered, and what failed in it.

    A call is lost when its retries are used up. Flaky calls are no silence: every answer
    between them ends it, also one that refuses the request or asks us to be slower. All times
    but the one that is told are of one monotonic clock, in seconds.

    Args:
        patience_seconds: How long one call may be repeated, at the longest.
    """

    LOST_CALLS = 3
    """Fewer may be the fault of their requests."""
    SHORT_SECONDS = 30.0
    LOST_CALLS_IN_SHORT_TIME = 10
    """With few retries an outage of a moment loses calls; these many are no chance."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._began: float | None = None
        self._failing = 0
        self._lost = 0

    def end(self) -> None:
        """The provider has answered."""
        self._began = None
        self._failing = self._lost = 0

    def call_failed(self, now: float) -> None:
        """The first attempt of a call got no answer."""
        self._began = now if self._began is None else self._began
        self._failing += 1

    def call_lost(self, now: float) -> None:
        """The last attempt of a call got no answer."""
        self._began = now if self._began is None else self._began
        self._lost += 1

    def is_final(self, now: float) -> bool:
        """Whether no call can be expected to succeed any more.

        Several calls are lost; or several fail for longer than any is repeated, which is what
        is seen where so many fail that retries wait for each other.
        """
        if self._began is None:
            return False
        seconds = now - self._began
        is_short = seconds < self.SHORT_SECONDS
        enough = self.LOST_CALLS_IN_SHORT_TIME if is_short else self.LOST_CALLS
        if self._lost >= enough:
            return True
        return self._failing >= self.LOST_CALLS and seconds > max(
            self._patience_seconds, self.SHORT_SECONDS
        )

    def told(self, now: float) -> str:
        """Since when, for people, e.g. ``"2026-03-01 14:03:12 (95 s)"``."""
        seconds = 0.0 if self._began is None else now - self._began
        began = time.localtime(time.time() - seconds)
        return f"{time.strftime('%Y-%m-%d %H:%M:%S', began)} ({seconds:.0f} s)"
