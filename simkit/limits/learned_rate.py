"""A rate limit that nobody told, learned from refusals."""

from __future__ import annotations

import math

from simkit.limits.growth import Growth

_EPISODE_SECONDS = 1.0
_EPISODE_AMOUNTS = 3.0
"""Refusals that follow each other within so long, or so many calls, belong together."""
_TRUSTED_SECONDS = 0.3
_TRUSTED_AMOUNTS = 5
"""An estimate over less time, or from fewer calls, is noise."""
_LONG_SECONDS = 2.0
_BRISK = 5.0
"""So many a second are probed at full speed."""
_PATIENT_AMOUNTS = 2.0
"""A bucket has refilled after the time of so many calls, whatever refused ones have cost."""
_AIM = 0.97
"""Of an estimate: to land a little below the limit, so that its allowance fills up."""
_FIRST_CUT = 0.5
"""Of a rate that nobody told when it is refused first: it had been doubling."""
_DEEPEST_CUT = 0.85
_DEEPEST_CORRECTION = 0.7
"""A provider without a burst admits less than it refills: estimates may be too low."""
_BLIND_CUTS = 4
"""Cuts in a row with nothing admitted in between. After them the provider blocks, whatever the
rate, for hours perhaps; a rate cut on and on would take as long to grow back."""


class LearnedRate:
    """So much a second, unbounded until something is refused.

    A provider that refuses has nothing left at that moment. So what it admits between two
    refusals is what it has refilled meanwhile, and over their distance in time it is the
    rate limit itself, whatever burst the provider allows. Cuts go to a little below that
    estimate, and growth (`Growth`) probes for more while the rate is in the way: additive
    increase and multiplicative decrease, with the decrease measured rather than guessed.
    """

    def __init__(self) -> None:
        self.per_second = math.inf
        self._growth = Growth()
        self._last: tuple[float, float] | None = None
        """Time of the last refusal, and what was admitted in all until then."""
        self._first_of_episode = (-math.inf, 0.0)
        self._cut_at = -math.inf
        self._admitted_at_cut = -math.inf
        self._blind_cuts = 0

    def refused(
        self,
        now: float,
        *,
        sent_at: float,
        admitted: float,
        recent_per_second: float,
        known_per_second: float,
    ) -> None:
        """Something was refused at *now*.

        Args:
            sent_at: When it was sent.
            admitted: What the provider has admitted in all so far.
            recent_per_second: What it has admitted in the last moments.
            known_per_second: The rate that was kept to because somebody told it, or infinity.
        """
        if self._is_new_episode(now):
            self._cut(now, admitted, recent_per_second, known_per_second)
            self._first_of_episode = (now, admitted)
        elif sent_at > self._cut_at:  # others are of a burst that is answered by the last cut
            self._correct(now, admitted)
        self._last = (now, admitted)

    def _is_new_episode(self, now: float) -> bool:
        if self._last is None:
            return True
        return now - self._last[0] > max(_EPISODE_SECONDS, _EPISODE_AMOUNTS / self.per_second)

    def grow(self, seconds: float, speed: float) -> None:
        """The rate was in the way for *seconds*, without a refusal."""
        # Of few calls a second each probe that is refused is a large share.
        pace = min(1.0, self.per_second / _BRISK)
        self.per_second *= self._growth.factor(seconds, speed * pace)

    def _cut(self, now: float, admitted: float, recent: float, known: float) -> None:
        self._growth.restart()
        self._cut_at = now
        if self.per_second == math.inf:
            # A limit that was told is about right; one that nobody told was doubled into.
            guess = _AIM * known if known < math.inf else _FIRST_CUT * recent
            if guess > 0:  # where nothing was admitted there is nothing to learn from
                self.per_second = guess
                self._admitted_at_cut = admitted
            return
        if self._last is not None and admitted <= self._last[1]:
            return  # nothing has come through: a block, which the cool-down waits out
        if self._is_blocked(admitted):
            return
        estimate = self.per_second
        if self._last is not None and now - self._last[0] >= _LONG_SECONDS:
            estimate = (admitted - self._last[1]) / (now - self._last[0])
        # After idle time the estimate is too low: the provider's allowance had overflowed.
        lowest, highest = _DEEPEST_CUT * self.per_second, _AIM * self.per_second
        self.per_second = min(max(_AIM * estimate, lowest), highest)

    def _correct(self, now: float, admitted: float) -> None:
        """Refused again although the rate was cut: measure from the first refusal."""
        began, before = self._first_of_episode
        passed, more = now - began, admitted - before
        lowest = _DEEPEST_CORRECTION * self.per_second
        if passed >= _TRUSTED_SECONDS and more >= _TRUSTED_AMOUNTS:
            self.per_second = min(self.per_second, max(_AIM * more / passed, lowest))
        elif not self._might_have_refilled(now) and not self._is_blocked(admitted):
            self.per_second = lowest
        else:
            # The provider counts by fixed windows, or blocks. That is for the cool-down to
            # wait out.
            return
        self._growth.restart()
        self._cut_at = now

    def _might_have_refilled(self, now: float) -> bool:
        """Whether any bucket would have refilled since the last refusal."""
        return self._last is None or (now - self._last[0]) * self.per_second >= _PATIENT_AMOUNTS

    def _is_blocked(self, admitted: float) -> bool:
        """Count a cut that is about to be made; whether too many have let nothing through."""
        self._blind_cuts = 0 if admitted > self._admitted_at_cut else self._blind_cuts + 1
        self._admitted_at_cut = admitted
        return self._blind_cuts > _BLIND_CUTS
