"""What refusals show of the limits of an account, whether they name them or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from simkit.limit_options import RATES
from simkit.limits.limiter import Metered
from simkit.traces.calls import LimitKind
from simkit.tuning.probe.attempts import Attempt, episodes
from simkit.tuning.probe.crowding import Crowding, calls_at_once, separate
from simkit.tuning.probe.replayed_bucket import Counting, Explained, explain

Source = Literal["announced", "refusals", "not reached"]

_BURSTS_SECONDS = (1.0, 10.0, 60.0)
"""Of refill that an allowance may hold; the first is usual, the last is all of a minute's."""
_WORTH_ANOTHER_KIND = 1e-3
"""Seconds of refill by which another kind must explain more than one that comes before it."""
_CREDIBLE_LOSS = 0.2
"""Up to which an explanation is believed; one that has nothing to do with it comes to about 1."""
_WORTH_ANOTHER_LIMIT = 0.02
"""Loss of one limit alone, above which two are tried."""
_FEWEST = 2
"""Moments with refusals of which something is concluded where all else points to it."""
_MANY_AT_IT = 50
"""Calls that were admitted with exactly as many at once as there may be."""
_ENOUGH = 3
"""Moments with refusals, and answers between them: of fewer nothing is concluded."""
_ENOUGH_OF_EACH = 6
"""The same of each of two limits: a few stray refusals fit some rate or other."""
_BETTER = 0.6
"""Of the contradiction to one limit: what is left of it with two, for them to be believed."""
_MUCH_BETTER = 0.25
"""The same where the other refusals are too few to tell their limit."""
_ADMITTED_BELOW = (0.95, 0.98, 1.0)
"""Shares of the admitted calls that a limit of calls at once may be above of, beside a rate."""
_CLEARLY_BELOW = 0.8
"""Of a limit of calls at once: what is refused with fewer than that has another cause."""
_WHOLE = 10
"""From which on nobody needs the digits behind the point."""
_WHY_CROWDED = "calls above it were refused, those below admitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLimit:
    """One limit of an account."""

    kind: LimitKind
    value: float
    """A minute; of concurrency, calls at once. Where it was not reached, the limit is no lower."""
    low: float
    high: float
    """Between which it lies, nine times in ten; infinite where it was not reached."""
    source: Source
    evidence: str
    """Why, in a sentence."""

    @property
    def said(self) -> str:
        """Its value, for people."""
        return figure(self.value)

    @property
    def binds(self) -> bool:
        """Whether it was met or told, not only come near."""
        return self.source != "not reached"


def figure(value: float) -> str:
    """*value* of a limit, for people: whole, but for the smallest."""
    return f"{value:,.0f}" if value >= _WHOLE else f"{value:.3g}"


def refused_only(attempts: Sequence[Attempt], keep: Callable[[Attempt], bool]) -> list[Attempt]:
    """*attempts* without the refused ones that *keep* does not want."""
    return [attempt for attempt in attempts if attempt.outcome != "refused" or keep(attempt)]


def limit_of_kind(attempts: Sequence[Attempt], kind: LimitKind) -> FoundLimit | None:
    """The limit of *kind*, which every refusal of *attempts* has named; None where too few have."""
    if not _is_enough(attempts):
        return None
    if kind == "concurrency":
        crowding = separate(attempts)
        return None if crowding is None else _crowded(crowding, attempts, "its refusals say so")
    explained = _best_rate(attempts, [kind])
    return None if explained is None else _rated(explained, attempts, "its refusals say so")


def _is_enough(attempts: Sequence[Attempt]) -> bool:
    """Whether *attempts*, in order of sending, show both sides of a limit."""
    refused = [n for n, attempt in enumerate(attempts) if attempt.outcome == "refused"]
    if episodes(attempts) < _ENOUGH:
        return False
    between = attempts[refused[0] : refused[-1]]
    return sum(attempt.outcome == "answered" for attempt in between) >= _ENOUGH


def untold_limits(attempts: Sequence[Attempt]) -> Iterator[FoundLimit]:
    """What refusals that do not say why are due to: one limit, or calls at once and another."""
    if not _is_enough(attempts):
        yield from _clearly_crowded(attempts)
        return
    rate, crowding = _best_rate(attempts), separate(attempts)
    rate_loss = rate.loss if rate else np.inf
    crowding_loss = crowding.loss if crowding else np.inf
    alone = min(rate_loss, crowding_loss)
    if rate and alone > _WORTH_ANOTHER_LIMIT and (both := _both(attempts, rate)):
        yield from both
    elif rate and rate_loss <= min(_CREDIBLE_LOSS, crowding_loss):
        yield _rated(rate, attempts, _why(rate, attempts))
    elif crowding and crowding_loss <= _CREDIBLE_LOSS:
        yield _crowded(crowding, attempts, _WHY_CROWDED)
    else:
        yield from _mostly_crowded(attempts)


def _clearly_crowded(attempts: Sequence[Attempt]) -> Iterator[FoundLimit]:
    """A limit of calls at once that few refusals show, but all of them, and very many answers.

    A limiter that has learned a limit of calls at once is hardly ever refused again.
    """
    if episodes(attempts) < _FEWEST:
        return
    crowding = separate(attempts)
    if crowding is None or crowding.loss > 0:
        return
    at_once = calls_at_once(attempts)
    refused = np.array([attempt.outcome == "refused" for attempt in attempts])
    if np.count_nonzero(at_once[~refused] == crowding.most) >= _MANY_AT_IT:
        yield _crowded(crowding, attempts, _WHY_CROWDED)


def _both(attempts: Sequence[Attempt], alone: Explained) -> list[FoundLimit]:
    """A limit of calls at once and a rate; empty unless they explain more than a rate *alone*.

    The rate is left out where it rests on too few refusals.
    """
    best, least = list[FoundLimit](), alone.contradiction
    for crowded, others, clear in _parted(attempts):
        crowding, rate = separate(crowded), _best_rate(others, bursts=_BURSTS_SECONDS[:1])
        if not crowding or not rate or episodes(crowded) < _ENOUGH_OF_EACH:
            continue
        is_rate = clear >= _ENOUGH_OF_EACH
        if rate.contradiction < least * (_BETTER if is_rate else _MUCH_BETTER):
            least = rate.contradiction
            best = [_crowded(crowding, crowded, _WHY_CROWDED)]
            best += [_rated(rate, others, _why(rate, others))] * is_rate
    return best


def _mostly_crowded(attempts: Sequence[Attempt]) -> Iterator[FoundLimit]:
    """A limit of calls at once, where most refusals show it and too few others show anything."""
    for crowded, others, _ in _parted(attempts):
        crowding, moments = separate(crowded), episodes(crowded)
        if crowding and moments >= max(_ENOUGH_OF_EACH, episodes(others)):
            yield _crowded(crowding, crowded, f"{_WHY_CROWDED}; a few had another cause")
            return


def _parted(attempts: Sequence[Attempt]) -> Iterator[tuple[list[Attempt], list[Attempt], int]]:
    """*attempts* with only the refusals above what admitted calls hardly ever exceeded, with only
    the other ones, and at how many moments these were clearly below that."""
    at_once = calls_at_once(attempts)
    admitted = [n for n, a in zip(at_once, attempts, strict=True) if a.outcome != "refused"]
    if not admitted:
        return
    # Answers on their way count here and no longer there: a few seem to have been too many.
    for most in np.unique(np.quantile(admitted, _ADMITTED_BELOW, method="higher"))[::-1]:
        counted = list(zip(at_once, attempts, strict=True))
        above = {attempt.number for n, attempt in counted if n > most}
        yield (
            [a for a in attempts if a.outcome != "refused" or a.number in above],
            [a for a in attempts if a.outcome != "refused" or a.number not in above],
            episodes(attempt for n, attempt in counted if n <= _CLEARLY_BELOW * most),
        )


def _best_rate(
    attempts: Sequence[Attempt],
    kinds: Sequence[Metered] = RATES,
    bursts: Sequence[float] = _BURSTS_SECONDS,
) -> Explained | None:
    """The rate that explains the refusals best; of equals, the first of *kinds*.

    Longer bursts are rarer, and are looked at only where the usual one explains too little.
    """
    best: Explained | None = None
    for burst in bursts:
        for kind in kinds:
            for counting in _countings(kind, burst):
                found = explain(attempts, kind, counting)
                if found and (best is None or found.loss < best.loss - _WORTH_ANOTHER_KIND):
                    best = found
        if best is not None and best.loss < _CREDIBLE_LOSS:
            break
    return best


def _countings(kind: Metered, burst_seconds: float) -> Iterator[Counting]:
    """The ways in which providers count *kind*."""
    yield Counting(burst_seconds=burst_seconds)
    if kind == "requests":
        yield Counting(burst_seconds=burst_seconds, refused_cost=False)
    elif kind != "input_tokens":
        yield Counting(burst_seconds=burst_seconds, replies_at_end=False)


def _rated(explained: Explained, attempts: Sequence[Attempt], why: str) -> FoundLimit:
    return FoundLimit(
        kind=explained.kind,
        value=explained.per_minute,
        low=explained.low,
        high=explained.high,
        source="refusals",
        evidence=f"refused {explained.refusals:,} times at {episodes(attempts):,} moments: {why}",
    )


def _why(explained: Explained, attempts: Sequence[Attempt]) -> str:
    why = "an allowance of that kind and rate was used up whenever a call was refused"
    if explained.kind in ("tokens", "input_tokens"):
        sizes = {
            outcome: [a.input_tokens for a in attempts if (a.outcome == "refused") == outcome]
            for outcome in (True, False)
        }
        mean = {outcome: np.mean(found) for outcome, found in sizes.items() if found}
        if len(mean) == 2:
            why += (
                f"; refused calls were of {mean[True]:,.0f} input tokens on average, admitted "
                f"ones of {mean[False]:,.0f}"
            )
    return why


def _crowded(crowding: Crowding, attempts: Sequence[Attempt], why: str) -> FoundLimit:
    refusals = sum(attempt.outcome == "refused" for attempt in attempts)
    return FoundLimit(
        kind="concurrency",
        value=crowding.most,
        low=crowding.low,
        high=crowding.high,
        source="refusals",
        evidence=f"refused {refusals:,} times at {episodes(attempts):,} moments: {why}",
    )
