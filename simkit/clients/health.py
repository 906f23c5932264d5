"""Whether a member of a pool may be asked."""

from __future__ import annotations

from simkit.traces.provider_errors import AccountProblem, RateLimited, Retryable


class Health:
    """What the calls to a member of a pool tell about it.

    Failures in a row, or a refusal for long, make it sick: it rests, for longer each time,
    and then one call at a time may find out whether it is well. What a call tells counts
    only when it was begun in the present spell of health or sickness; older calls tell of
    the past. All times are of one monotonic clock, in seconds.
    """

    FAILURES_IN_A_ROW = 3
    FIRST_REST_SECONDS = 5.0
    LONGEST_REST_SECONDS = 120.0
    LONG_REFUSAL_SECONDS = 30.0
    """A rate limit that asks for more than this is a quota that is used up; the limiter
    handles the others."""

    def __init__(self) -> None:
        self._spell = 0
        self._calls = 0
        """Begun in this spell and not ended."""
        self._failures = 0
        self._rest_seconds = 0.0
        self.rests_until: float | None = None
        """End of the rest of one that is sick; None for one that is well."""
        self._rests_as_told = False
        self.problem: AccountProblem | None = None
        """Why it is out for good."""

    @property
    def is_well(self) -> bool:
        return self.rests_until is None and self.problem is None

    def may_be_asked(self, now: float) -> bool:
        """Whether it is well, or has rested and no call is finding out about it."""
        if self.rests_until is None or self.problem is not None:
            return self.is_well
        return now >= self.rests_until and not self._calls

    def told_rest(self, now: float) -> float:
        """Seconds for which its provider has asked to be left alone; 0 for one that only fails."""
        if self.rests_until is None or not self._rests_as_told:
            return 0.0
        return max(self.rests_until - now, 0.0)

    def begin(self) -> int:
        """A call begins; gives the spell, which says later what the call tells of."""
        self._calls += 1
        return self._spell

    def end(self, spell: int) -> None:
        """The call is over, however it ended."""
        if spell == self._spell:
            self._calls -= 1

    def answered(self, spell: int) -> None:
        if spell == self._spell:
            self._failures = 0
            if self.rests_until is not None:
                self._recover()

    def failed(self, spell: int, error: Retryable, now: float) -> None:
        if spell != self._spell:
            return
        if isinstance(error, RateLimited):
            self._refused(error.retry_after_seconds or 0.0, now)
            return
        self._failures += 1
        if self.rests_until is not None or self._failures >= self.FAILURES_IN_A_ROW:
            doubled = max(self._rest_seconds * 2, self.FIRST_REST_SECONDS)
            self._rest_seconds = min(doubled, self.LONGEST_REST_SECONDS)
            self._rest(now + self._rest_seconds, as_told=False)

    def _refused(self, retry_after_seconds: float, now: float) -> None:
        if retry_after_seconds > self.LONG_REFUSAL_SECONDS:
            self._rest(now + retry_after_seconds, as_told=True)
        elif self.rests_until is not None:
            self._recover()  # it answers, and the wait it asks for is the limiter's

    def _rest(self, until: float, *, as_told: bool) -> None:
        self.rests_until = until
        self._rests_as_told = as_told
        self._begin_spell()

    def _recover(self) -> None:
        self.rests_until = None
        self._rest_seconds = 0.0
        self._begin_spell()

    def _begin_spell(self) -> None:
        self._spell += 1
        self._calls = 0
        self._failures = 0
