"""How long a stage lasts: until it tells enough, or never will."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from simkit.tuning.probe.attempts import Attempt, episodes
from simkit.tuning.probe.stages import LONG_REST_SECONDS

SILENCE_SECONDS = 60.0
"""Where everything fails or is refused for so long, nothing else is to be expected."""

_SETTLE_SECONDS = 2.0
"""Until new conversations are planned and begin."""
_SETTLE_CALLS = 2.0
"""Times a call takes until those of the new conversations are under way."""
_LEAST_SECONDS = 8.0
"""Of measuring: shorter ones hold one burst of a limiter and little else."""
_LEAST_ROUNDS = 3.0
"""Times a call takes."""
_LEAST_CALLS = 40
"""Answered; their mean is then known to some 10 %."""
_CALLS_EACH = 3
"""For each conversation in flight."""
_LONGEST_SECONDS = 180.0
"""Twice as long where nothing at all has come back."""
_TELLING_MOMENTS = 10
"""Moments with refusals, of which the limit behind them can be told."""
_HELD_SECONDS = 120.0
"""Two refills of a minute's quota; what has not shown by then costs more than it is worth."""


@dataclass(frozen=True, slots=True)
class StageClock:
    """Of one stage: since when it counts and whether it is over."""

    concurrency: int
    began: float
    call_seconds: float
    """How long a call takes, by the stage before; 0 while unknown."""

    def counts_from(self, now: float) -> float:
        """When the stage, which ends at *now*, has settled; its start where it was too short."""
        settled = self._settled_at
        return settled if now > settled + 1 else self.began

    def is_over(self, attempts: Sequence[Attempt], now: float) -> bool:
        """Whether *attempts*, in order of their ends, are enough by the time *now*."""
        if now - self.began >= (_LONGEST_SECONDS if attempts else 2 * _LONGEST_SECONDS):
            return True
        if now - self._settled_at < max(_LEAST_SECONDS, _LEAST_ROUNDS * self.call_seconds):
            return False
        answered = sum(a.outcome == "answered" for a in _since(attempts, self._settled_at))
        return answered >= max(_LEAST_CALLS, _CALLS_EACH * self.concurrency)

    @property
    def _settled_at(self) -> float:
        return self.began + _SETTLE_SECONDS + _SETTLE_CALLS * self.call_seconds


def is_vain(attempts: Sequence[Attempt], now: float, began: float) -> bool:
    """Whether a stage that *began* then needs no more time: nothing comes of it."""
    rests = (attempt.retry_after_seconds or 0.0 for attempt in _since(attempts, began))
    if any(rest >= LONG_REST_SECONDS for rest in rests):
        return True
    lately = [attempt.outcome for attempt in _since(attempts, now - SILENCE_SECONDS)]
    return now - began >= SILENCE_SECONDS and bool(lately) and "answered" not in lately


def is_worth_holding(attempts: Sequence[Attempt], *, announced: bool, seconds: float) -> bool:
    """Whether more of the same would tell which limit refuses; *seconds* were given already."""
    if announced or seconds >= _HELD_SECONDS:
        return False
    return 0 < episodes(attempts) < _TELLING_MOMENTS


def _since(attempts: Sequence[Attempt], moment: float) -> Iterator[Attempt]:
    """The last of *attempts*, those that have ended since *moment*, the newest first."""
    return takewhile(lambda attempt: attempt.ended_at >= moment, reversed(attempts))
