"""What a stand-in provider did in each second since it started."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, fields
from typing import Any

KEPT_SECONDS = 3600
"""Older seconds are forgotten: memory stays bounded."""


@dataclass(slots=True)
class Second:
    """Counts of one second."""

    received: int = 0
    admitted: int = 0
    refused: int = 0
    """Answered 429."""
    answered: int = 0
    input_tokens: int = 0
    """Of the requests admitted in it."""
    output_tokens: int = 0
    """Of the replies charged in it; a reply is charged before its latency."""

    def admit(self, tokens: int) -> None:
        """A request of *tokens* was admitted."""
        self.admitted += 1
        self.input_tokens += tokens


_COUNTS = tuple(field.name for field in fields(Second))


class Timeline:
    """One `Second` for each of the last *kept* seconds, idle ones included."""

    def __init__(self, started_at: float, *, kept: int = KEPT_SECONDS) -> None:
        self._started_at = started_at
        self._seconds: deque[Second] = deque([Second()], maxlen=kept)
        self._last = 0
        self._kept = kept

    def at(self, now: float) -> Second:
        """The counts of the second that *now* is in; moments never go back."""
        missing = math.floor(now - self._started_at) - self._last
        if missing > 0:
            self._last += missing
            self._seconds.extend(Second() for _ in range(min(missing, self._kept)))
        return self._seconds[-1]

    def elapsed(self, now: float) -> float:
        """Seconds since the start."""
        return now - self._started_at

    def as_json(self, now: float) -> dict[str, Any]:
        """The form of ``GET /timeline``: a list per count, all as long as ``second``."""
        self.at(now)
        first = self._last - len(self._seconds) + 1
        columns = {name: [getattr(row, name) for row in self._seconds] for name in _COUNTS}
        return {
            "elapsed_seconds": self.elapsed(now),
            "second": list(range(first, self._last + 1)),
            **columns,
        }
