"""Counts what becomes of the things that a model is asked about."""

from __future__ import annotations

from dataclasses import dataclass, field

from simkit.tally import SlidingRate
from simkit.traces.one_line import one_line

_RATE_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class Tally:
    """How far the asking is; knows no terminal and no clock."""

    things: str
    """What is counted, e.g. ``"functions"``."""
    wanted: int
    """That the model is to be asked about."""
    started_at: float
    answered: int = 0
    """With a reply that could be used."""
    unusable: int = 0
    """With replies that could not be used."""
    failed: int = 0
    """That the provider gave no reply about."""
    unaffordable: int = 0
    """That the budget did not reach for."""
    problem: str = ""
    """The first one that a provider had, for people."""
    _rate: SlidingRate = field(default_factory=lambda: SlidingRate(_RATE_SECONDS))

    @property
    def done(self) -> int:
        """Whatever became of them."""
        return self.answered + self.unusable + self.failed + self.unaffordable

    def count(self, asked: int, answered: int, now: float) -> None:
        """A reply about *asked* things was usable for *answered* of them."""
        self.answered += answered
        self.unusable += asked - answered
        for _ in range(asked):
            self._rate.count(now)

    def fail(self, asked: int, problem: str) -> None:
        """There is no reply about *asked* things."""
        self.failed += asked
        self.problem = self.problem or one_line(problem)

    def per_second(self, now: float) -> float:
        """Things a second over the last 10 seconds."""
        return self._rate.per_second(now, since=self.started_at)
