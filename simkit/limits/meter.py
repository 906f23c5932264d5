"""One counted quantity of an account: requests, or tokens of some kind, in the minute."""

from __future__ import annotations

import math
from collections import deque

from simkit.limits.bucket import BURST_SECONDS, Bucket
from simkit.limits.fixed_window import FixedWindow
from simkit.limits.learned_rate import LearnedRate
from simkit.limits.recent import RecentMax
from simkit.traces.calls import Allowance

_PACE = 0.995
"""Of a limit that is known: what is left over repairs what jitter has cost."""
_PACE_WITHOUT_BURST = 0.98
"""The same where the burst is too small to absorb any jitter."""
_SMALL_BURST = 4.0
_UNTOLD_BURST_SECONDS = 0.1
"""Who tells no limit tells no burst: calls are sent evenly."""
_SLACK_SECONDS = 0.25
"""How much of a provider's allowance is left untouched, where it tells how much there is."""
_RECENT_SECONDS = 0.5
_SAMPLE_SECONDS = 0.05


class Meter:
    """Paces one quantity to the lowest of three rates: told, announced, learned.

    *told* is the user's, *announced* the provider's own in the headers of its answers, and
    what refusals teach applies where both are silent or wrong. With none of them there is
    no limit.
    """

    def __init__(self, told_per_minute: float | None) -> None:
        self._told_per_minute = told_per_minute
        self._told = _paced(told_per_minute)
        self._announced_per_minute = math.inf
        self._announced = math.inf
        self._learned = LearnedRate()
        self._window = FixedWindow()
        self._bucket: Bucket | None = None
        self._peak_remaining = RecentMax(10.0)
        self._samples: deque[tuple[float, float]] = deque(
            maxlen=round(_RECENT_SECONDS / _SAMPLE_SECONDS) + 1
        )
        self.admitted = 0.0
        """What was let through in all, less what was refused or given back."""

    @property
    def per_second(self) -> float:
        """The rate in force; infinite where there is no limit."""
        return min(self._told, self._announced, self._learned.per_second)

    @property
    def per_minute(self) -> float:
        """The limit as it was told, announced or learned, not as it is kept to."""
        told = math.inf if self._told_per_minute is None else self._told_per_minute
        return min(told, self._announced_per_minute, 60 * self._learned.per_second)

    @property
    def is_known(self) -> bool:
        """Whether somebody has told the limit."""
        return min(self._told, self._announced) < math.inf

    def tell(self, per_minute: float | None, now: float) -> None:
        """Pace to another rate that is told; None: nobody tells one any more."""
        self._told_per_minute, self._told = per_minute, _paced(per_minute)
        if self.per_second < math.inf:
            self._apply(now)
        else:
            self._bucket = None

    def ready_at(self, amount: float) -> float:
        """When *amount* may be let through; -inf where there is no limit."""
        if self._bucket is None:
            return -math.inf
        ready_at = max(self._bucket.ready_at(amount), self._window.blocked_until)
        if self._is_spread(self._bucket):
            return min(ready_at, self._window.resets_at)  # then everything is back
        return ready_at

    def take(self, amount: float, now: float) -> None:
        """Let *amount* through."""
        if not self._samples or now - self._samples[-1][0] >= _SAMPLE_SECONDS:
            self._samples.append((now, self.admitted))
        self.admitted += amount
        if self._bucket is None and self._told < math.inf:
            self._bucket = Bucket(self.per_second, now)
        if self._bucket is not None:
            if self._is_spread(self._bucket) and now >= self._window.resets_at:
                self._apply(now)
            self._bucket.take(amount, now)

    def correct(self, surplus: float, now: float) -> None:
        """Less than was taken, by *surplus*, was used; negative when it was more."""
        self.admitted -= surplus
        if self._bucket is not None and surplus:
            self._bucket.take(-surplus, now)

    def not_admitted(self, amount: float, now: float, *, charged: bool) -> None:
        """*amount* that was let through has been refused, and may have been charged."""
        if charged:
            self.admitted -= amount
        else:
            self.correct(amount, now)

    def cut(self, now: float, *, sent_at: float) -> None:
        """The provider has refused a call, sent at *sent_at*, because of this quantity."""
        self._learned.refused(
            now,
            sent_at=sent_at,
            admitted=self.admitted,
            recent_per_second=self._recent_per_second(now),
            known_per_second=min(self._told, self._announced),
        )
        if self.per_second < math.inf:
            self._apply(now)
        if self._bucket is not None:
            self._bucket.lower_to(0.0, now)

    def grow(self, seconds: float, speed: float, now: float) -> None:
        """This quantity was in the way for *seconds*."""
        if self._bucket is None or self._learned.per_second >= min(self._told, self._announced):
            return
        # With its rate it comes to hold more, a little each time somebody looks. A full one that
        # did not stay full would keep a call waiting that is larger than all it holds.
        was_full = self._bucket.is_full(now)
        self._learned.grow(seconds, speed)
        self._apply(now)
        if was_full:
            self._bucket.fill(now)

    def hear(self, allowance: Allowance, *, sent_at: float, admitted: float, now: float) -> None:
        """An answer tells of this limit.

        Args:
            sent_at: When the call was sent.
            admitted: `admitted` at that moment, the call included.
        """
        if allowance.per_minute is not None:
            self._announced_per_minute = allowance.per_minute
            self._announce(_paced(allowance.per_minute), now)
        if allowance.remaining is None or self._bucket is None:
            return
        since = self.admitted - admitted
        self._peak_remaining.add(allowance.remaining, now)
        self._window.see(allowance, remaining=allowance.remaining - since, now=now)
        self._apply(now)
        # Some count a call when it comes, others when it ends: this is never too much.
        level = allowance.remaining - since + (now - sent_at) * self._bucket.per_second
        second = min(self._bucket.per_second, self._peak_remaining.get(now))
        self._bucket.lower_to(level - _SLACK_SECONDS * second, now)

    def _announce(self, per_second: float, now: float) -> None:
        if per_second == self._announced:
            return
        if per_second > self._announced:
            self._learned = LearnedRate()  # it was learned under the lower limit
        self._announced = per_second
        self._apply(now)

    def _is_spread(self, bucket: Bucket) -> bool:
        """Whether what is left of a fixed window sets the pace."""
        return bucket.per_second < self.per_second

    def _apply(self, now: float) -> None:
        rate = min(self.per_second, self._window.per_second(now))
        burst_seconds = BURST_SECONDS if self.is_known else _UNTOLD_BURST_SECONDS
        if self._bucket is None:
            self._bucket = Bucket(rate, now, burst_seconds=burst_seconds)
        elif self._bucket.per_second != rate:
            self._bucket.change_rate(rate, now, burst_seconds=burst_seconds)

    def _recent_per_second(self, now: float) -> float:
        while len(self._samples) > 1 and self._samples[1][0] <= now - _RECENT_SECONDS:
            self._samples.popleft()
        if not self._samples:
            return 0.0
        began, before = self._samples[0]
        return (self.admitted - before) / max(now - began, _SAMPLE_SECONDS)


def _paced(per_minute: float | None) -> float:
    if per_minute is None:
        return math.inf
    if not 0 < per_minute < math.inf:
        raise ValueError(f"a limit per minute must be a positive number, not {per_minute}")
    per_second = per_minute / 60
    return per_second * (_PACE if per_second >= _SMALL_BURST else _PACE_WITHOUT_BURST)
