"""What sets the pace of a run, as shares of its time.

The limiters know exactly for how long each limit held their first waiting call, and the store
for how long it was waited for. What these do not explain of an interval goes to the first sign
that holds when it is read.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from simkit.limits.limiter import Limit

NOTHING = "nothing"
"""Sets the pace when no cause is known."""
LATENCY = "provider latency"
"""All conversations that may be in flight are, and wait for answers; more of them would help."""
BETWEEN_CALLS = "work between calls"
"""As before, but nobody waits for an answer: conversations are busy themselves."""
FILTERS = "filters"
"""Conversations wait to hand over: all filter workers are busy and their queue is full."""
DISK = "disk"
CPU = "CPU"
BUDGET = "the budget"
OLDEST = "the oldest conversation"
YIELD_LAG = "walk.yield_lag"

_RECENT_SECONDS = 10.0
_NOTABLE_SHARE = 0.1
_CALLED: Mapping[str, str] = {"concurrency": "calls in flight"}
"""Limits of a limiter that people know by another name; others differ by a blank only."""

Sign = tuple[str, Callable[[], bool]]
"""A cause, and whether it sets the pace at this moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedWait:
    """A cause that several wait for at the same time."""

    cause: str
    seconds: Callable[[], float]
    """How long all have waited for it, added up, since any moment."""
    among: Callable[[], int]
    """How many there are that may wait; a share of them waiting is as large a share of the time."""


@dataclass(frozen=True, slots=True)
class _Interval:
    end: float
    parts: Mapping[str, float]
    """Seconds that each cause had of it; they add up to its length."""


class Pace:
    """Takes readings, and tells what set the pace between them.

    Each interval is shared out from its exact parts to what is left: limits of that account
    which held calls longest, then *waits*, then the first of *signs* that holds, else `NOTHING`.
    Where one of *causes_of_waits* holds, it takes the place of *waits* and all that follows.

    Args:
        held: For each account, seconds that each limit has held its first waiting call, as
            `AccountLimiter.seconds_waited`; growing, and the accounts always in the same order.
        waits: What is measured besides.
        signs: In order; the first that holds wins.
        causes_of_waits: Signs of what makes *waits* long that have another reason.
    """

    def __init__(
        self,
        held: Callable[[], Sequence[Mapping[Limit, float]]],
        *,
        waits: Sequence[SharedWait] = (),
        signs: Sequence[Sign] = (),
        causes_of_waits: Sequence[Sign] = (),
    ) -> None:
        self._held = held
        self._waits = tuple(waits)
        self._signs = tuple(signs)
        self._causes_of_waits = tuple(causes_of_waits)
        self._read_at: float | None = None
        self._held_before: Sequence[Mapping[Limit, float]] = ()
        self._waited_before: Sequence[float] = ()
        self._total: defaultdict[str, float] = defaultdict(float)
        self._recent: deque[_Interval] = deque()

    def note(self, now: float) -> Mapping[str, float]:
        """Take a reading at *now*, in seconds of anyio's clock.

        Returns the shares of the time since the reading before; none at the first one.
        """
        began, self._read_at = self._read_at, now
        held, before = self._held(), self._held_before
        waited, waited_before = [wait.seconds() for wait in self._waits], self._waited_before
        self._held_before, self._waited_before = held, waited
        if began is None or now <= began:
            return {}
        parts = _fitted(_longest(held, before), now - began)
        left = now - began - sum(parts.values())
        cause = _first(self._causes_of_waits)
        if cause is None:
            for wait, seconds, past in zip(self._waits, waited, waited_before, strict=True):
                part = max(0.0, min(left, (seconds - past) / max(1, wait.among())))
                parts[wait.cause] += part
                left -= part
            cause = _first(self._signs) or NOTHING
        parts[cause] += max(0.0, left)
        self._keep(_Interval(now, parts))
        return _shares(parts)

    def shares(self) -> Mapping[str, float]:
        """The share of each cause since the first reading, largest first; they add up to 1.

        Empty before the second reading.
        """
        return _shares(self._total)

    def recent(self, now: float) -> Mapping[str, float]:
        """The same of the last 10 seconds before *now*."""
        parts: defaultdict[str, float] = defaultdict(float)
        for interval in self._recent:
            if interval.end > now - _RECENT_SECONDS:
                _add(interval.parts, parts)
        return _shares(parts)

    def _keep(self, interval: _Interval) -> None:
        _add(interval.parts, self._total)
        self._recent.append(interval)
        while self._recent[0].end <= interval.end - _RECENT_SECONDS:
            self._recent.popleft()


def in_words(
    shares: Mapping[str, float], *, most: int = 2, least: float = _NOTABLE_SHARE
) -> str | None:
    """The largest *shares* for people, e.g. ``requests (82%), provider latency (18%)``.

    Args:
        most: How many at most.
        least: Smaller ones are left out.

    None when nothing limits.
    """
    causes = sorted(shares, key=lambda cause: -shares[cause])
    told = [cause for cause in causes if cause != NOTHING and shares[cause] >= least]
    return ", ".join(f"{cause} ({shares[cause]:.0%})" for cause in told[:most]) or None


def _first(signs: Sequence[Sign]) -> str | None:
    return next((cause for cause, holds in signs if holds()), None)


def _longest(
    held: Sequence[Mapping[Limit, float]], before: Sequence[Mapping[Limit, float]]
) -> Mapping[Limit, float]:
    """What each limit held since *before*, of the account that held calls longest."""
    grown = [
        {limit: seconds - past.get(limit, 0.0) for limit, seconds in now.items()}
        for now, past in zip(held, before, strict=True)
    ]
    return max(grown, key=lambda one: sum(one.values()), default={})


def _fitted(held: Mapping[Limit, float], seconds: float) -> defaultdict[str, float]:
    """*held* by cause, made smaller where it adds up to more than *seconds*.

    Limiters are asked a moment after the reading's time, so they may tell a little more.
    """
    total = sum(held.values())
    scale = min(1.0, seconds / total) if total > 0 else 1.0
    fitted: defaultdict[str, float] = defaultdict(float)
    for limit, part in held.items():
        if part > 0:
            fitted[_called(limit)] = part * scale
    return fitted


def _called(limit: Limit) -> str:
    return _CALLED.get(limit, limit.replace("_", " "))


def _add(parts: Mapping[str, float], to: defaultdict[str, float]) -> None:
    for cause, seconds in parts.items():
        to[cause] += seconds


def _shares(parts: Mapping[str, float]) -> Mapping[str, float]:
    total = sum(parts.values())
    largest = sorted(parts, key=lambda cause: (-parts[cause], cause))
    return {cause: parts[cause] / total for cause in largest if parts[cause] > 0}
