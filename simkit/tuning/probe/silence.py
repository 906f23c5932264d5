"""Tells a provider that has stopped answering from one that only fails now and then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from simkit.tuning.probe.attempts import Attempt

_NEARLY_ALL = 0.9
"""Share of failures among the attempts since the last answer; else limits refuse."""
_SUSPICIOUS = 5
"""Failures in a row, of which not to know yet whether an answer still comes."""
_MANY = 20
"""Failures in a row that are no chance any more, be it half of the calls that fail..."""
_MANY_SECONDS = 15.0
"""... and time for what was only restarted to be there again."""
_FEW = 3
"""Failures in a row that are enough after `_LONG_SECONDS`, as retries wait ever longer."""
_LONG_SECONDS = 60.0
_TIMES_THE_LONGEST = 3.0
"""The longest call that was answered: whoever takes longer than so many of it hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What has come of the attempts since the last answer."""

    since: float
    """When that answer came."""
    seconds: float
    """For how long."""
    attempts: int
    """That have come to an end since."""
    failed: int
    """Of these; the others were refused."""
    in_flight: int
    """Calls that wait for an answer still."""
    longest_seconds: float
    """Of a call that was answered."""
    problem: str
    """Of the last that failed."""

    @property
    def is_suspicious(self) -> bool:
        """Whether the provider may have stopped answering: the next attempts will tell."""
        return self.failed >= _SUSPICIOUS and self._is_of_failures

    @property
    def is_lasting(self) -> bool:
        """Whether the provider has stopped answering."""
        if not self.attempts:
            patience = max(_LONG_SECONDS, _TIMES_THE_LONGEST * self.longest_seconds)
            return self.in_flight > 0 and self.seconds >= patience
        enough = (self.failed >= _MANY and self.seconds >= _MANY_SECONDS) or (
            self.failed >= _FEW and self.seconds >= _LONG_SECONDS
        )
        return enough and self._is_of_failures

    @property
    def why(self) -> str:
        """What happened, as a sentence goes on."""
        if not self.attempts:
            return (
                f"the provider stopped answering: nothing has come back for {self.seconds:,.0f} s, "
                f"and {self.in_flight:,} calls hang"
            )
        last = f", the last with: {self.problem}" if self.problem else ""
        return (
            f"the provider stopped answering: of the last {self.attempts:,} attempts, in "
            f"{self.seconds:,.0f} s, {self.failed:,} failed and none was answered{last}"
        )

    @property
    def _is_of_failures(self) -> bool:
        return self.failed >= _NEARLY_ALL * self.attempts


def silence(attempts: Sequence[Attempt], now: float, *, in_flight: int) -> Silence | None:
    """The silence at the time *now*, by *attempts* in order of their ends.

    None where nothing was answered ever: who never answered has not stopped to.
    """
    lately = list(takewhile(lambda attempt: attempt.outcome != "answered", reversed(attempts)))
    if len(lately) == len(attempts):
        return None
    since = attempts[len(attempts) - len(lately) - 1].ended_at
    problems = (attempt.problem for attempt in lately if attempt.outcome == "failed")
    return Silence(
        since=since,
        seconds=now - since,
        attempts=len(lately),
        failed=sum(attempt.outcome == "failed" for attempt in lately),
        in_flight=in_flight,
        longest_seconds=max(a.seconds for a in attempts if a.outcome == "answered"),
        problem=next(problems, ""),
    )
