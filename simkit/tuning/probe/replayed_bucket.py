"""Finds the rate limit that explains what a provider admitted and what it refused.

A provider that limits a rate keeps an allowance that refills evenly and holds a burst; it
refuses what is more than is left. Replaying that allowance for every rate that may be shows where
each contradicts what was seen: too low a rate has the allowance used up where calls were
admitted, too high a one has it full where calls were refused. The seconds of refill by which the
allowance must be corrected, all together, are the loss of that rate.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simkit.limits.limiter import Metered
from simkit.traces.calls import LimitKind
from simkit.tuning.probe.attempts import Attempt, episodes

_RATES = 161
"""Tried at a time: steps of 1.4 %, and of 0.2 % on the closer look."""
_SPREAD = 3.0
"""Rates from a third of what was admitted in the busiest while to three times that."""
_NEAR = 1.15
"""The same for a closer look around the best of these."""
_BUSY_SECONDS = 15.0
"""Length of the busiest while: a burst of one second counts little in it."""
_BLOCK_SECONDS = 5.0
"""Of a stretch of time that is drawn again as a whole: refusals of one burst are alike."""
_RESAMPLES = 300

_Row = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The rate of one kind that explains an account's refusals best."""

    kind: LimitKind
    per_minute: float
    low: float
    high: float
    """Between which it lies nine times in ten, by resampling stretches of time."""
    contradiction: float
    """Seconds of refill by which attempts contradict it, all together."""
    loss: float
    """The same for each moment with refusals: 0 is perfect, and a burst's worth no better than an
    allowance that has nothing to do with them."""
    refusals: int


@dataclass(frozen=True, slots=True)
class _Step:
    """Something that changes the allowance."""

    at: float
    is_refusal: bool
    needed: float
    taken: float


@dataclass(frozen=True, slots=True)
class Counting:
    """How a provider keeps its allowances."""

    burst_seconds: float = 1.0
    """How much refill one holds."""
    refused_cost: bool = True
    """Whether a refused request uses up a request."""
    replies_at_end: bool = True
    """Whether a reply's tokens are taken when it ends; else as soon as it is sent for."""


def explain(attempts: Sequence[Attempt], kind: Metered, counting: Counting) -> Explained | None:
    """The best rate of *kind* for *attempts*, in order of sending; None where none fits."""
    refusals = sum(attempt.outcome == "refused" for attempt in attempts)
    steps = list(_steps(attempts, kind, counting))
    if not refusals or not steps:
        return None
    coarse = _candidates(steps)
    near = _best(_losses(steps, coarse, counting.burst_seconds)[0])
    if near in (0, _RATES - 1):  # the best lies beyond what was admitted: another kind refuses
        return None
    rates = coarse[near] * np.geomspace(1 / _NEAR, _NEAR, _RATES)
    losses, times = _losses(steps, rates, counting.burst_seconds)
    best = _best(losses)
    contradiction = float(losses.sum(axis=0)[best])
    low, high = _interval(losses, times, rates)
    return Explained(
        kind=kind,
        per_minute=60 * float(rates[best]),
        low=60 * min(low, float(rates[best])),
        high=60 * max(high, float(rates[best])),
        contradiction=contradiction,
        loss=contradiction / episodes(attempts),
        refusals=refusals,
    )


def _best(losses: NDArray[np.float64]) -> int:
    """The column with the least loss; the middle of those that are as good."""
    sums = losses.sum(axis=0)
    return int(np.median(np.flatnonzero(sums <= sums.min() + 1e-9)))


def _steps(attempts: Sequence[Attempt], kind: Metered, counting: Counting) -> Iterator[_Step]:
    """In order of time: calls as they are sent, and replies as they end where they count."""
    replies: list[tuple[float, float]] = []
    for attempt in attempts:
        while replies and replies[0][0] <= attempt.sent_at:
            at, tokens = heapq.heappop(replies)
            yield _Step(at, False, 0.0, tokens)
        needed = 1.0 if kind in ("requests", "output_tokens") else float(attempt.input_tokens)
        if attempt.outcome == "refused":
            taken = 1.0 if kind == "requests" and counting.refused_cost else 0.0
            yield _Step(attempt.sent_at, True, needed, taken)
        else:
            taken = 0.0 if kind == "output_tokens" else needed
            yield _Step(attempt.sent_at, False, needed, taken)
            if kind in ("tokens", "output_tokens") and attempt.output_tokens:
                at = attempt.ended_at if counting.replies_at_end else attempt.sent_at
                heapq.heappush(replies, (at, float(attempt.output_tokens)))
    for at, tokens in sorted(replies):
        yield _Step(at, False, 0.0, tokens)


def _candidates(steps: Sequence[_Step]) -> _Row:
    """Rates a second, evenly in their logarithm, around the most that was admitted in a while."""
    times = np.array([step.at for step in steps])
    admitted = np.cumsum([0.0 if step.is_refusal else step.taken for step in steps])
    before = np.searchsorted(times, times - _BUSY_SECONDS, side="right") - 1
    amounts = admitted - np.where(before >= 0, admitted[before], 0.0)
    length = max(1.0, min(_BUSY_SECONDS, float(times[-1] - times[0])))
    busiest = max(float(amounts.max()) / length, 1e-3)
    return busiest * np.geomspace(1 / _SPREAD, _SPREAD, _RATES)


def _losses(
    steps: Sequence[_Step], rates: _Row, burst_seconds: float
) -> tuple[NDArray[np.float64], _Row]:
    """Seconds of correction for each step (row) and rate (column), and the steps' times."""
    capacity = np.maximum(rates * burst_seconds, 1.0)
    level, before = capacity.copy(), steps[0].at
    losses = np.zeros((len(steps), len(rates)))
    for row, step in enumerate(steps):
        level = np.minimum(capacity, level + (step.at - before) * rates)
        before = step.at
        needed = np.minimum(step.needed, capacity)
        if step.is_refusal:
            losses[row] = np.maximum(0.0, level - needed) / rates
            level = np.minimum(level, needed)
            level = np.where(level > 0, np.maximum(0.0, level - step.taken), level)
        else:
            if step.needed:
                losses[row] = np.maximum(0.0, needed - level) / rates
                level = np.maximum(level, needed)
            level = level - step.taken
    return losses, np.array([step.at for step in steps])


def _interval(losses: NDArray[np.float64], times: _Row, rates: _Row) -> tuple[float, float]:
    blocks = ((times - times[0]) // _BLOCK_SECONDS).astype(int)
    starts = np.flatnonzero(np.diff(blocks, prepend=-1))
    summed = np.add.reduceat(losses, starts, axis=0)
    draws = np.random.default_rng(0).multinomial(
        len(summed), np.full(len(summed), 1 / len(summed)), size=_RESAMPLES
    )
    found = rates[np.argmin(draws @ summed, axis=1)]
    low, high = np.quantile(found, [0.05, 0.95])
    return float(low), float(high)
