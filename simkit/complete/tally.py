"""Counts what becomes of the requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simkit.tally import SlidingRate
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
    taken_up: int = 0
    """Requests that have been read and have neither answer nor error yet."""
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    paused_until: float = 0.0
    """The provider asked for a long rest, until then; may be over."""
    pause_reason: str = ""
    """What it said."""
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
            "retries": self.retries,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "seconds": round(seconds, 3),
        }
