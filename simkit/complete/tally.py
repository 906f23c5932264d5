"""Counts what becomes of the requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simkit.tally import Pause, SlidingRate
from simkit.traces.calls import Usage

_RATE_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class Tally:
    """What has happened so far; knows no terminal and no clock."""

    started_at: float
    answered_before: int = 0
    """Requests that an earlier run had answered."""
    answered: int = 0
    failed: int = 0
    """Requests without an answer, damaged lines included."""
    damaged: int = 0
    """Those of them that cannot be asked as they are."""
    unaffordable: int = 0
    """Those of them that the budget does not reach for."""
    taken_up: int = 0
    """Requests that have been read and have neither answer nor error yet."""
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    paused: dict[str, Pause] = field(default_factory=dict)
    """Account to its latest long rest, which may be over."""
    _rate: SlidingRate = field(default_factory=lambda: SlidingRate(_RATE_SECONDS))

    def count_answer(self, usage: Usage, now: float) -> None:
        """A request was answered, at *now*."""
        self.answered += 1
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens
        self._rate.count(now)

    def per_second(self, now: float) -> float:
        """Answers a second over the last 10 seconds."""
        return self._rate.per_second(now, since=self.started_at)

    def as_json(self, *, seconds: float) -> dict[str, Any]:
        """Everything, for ``--json``."""
        return {
            "answered": self.answered,
            "answered_before": self.answered_before,
            "failed": self.failed,
            "damaged": self.damaged,
            "unaffordable": self.unaffordable,
            "retries": self.retries,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "seconds": round(seconds, 3),
        }
