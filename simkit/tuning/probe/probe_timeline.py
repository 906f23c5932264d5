"""What happened when in a probe."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simkit.tuning.probe.attempts import Attempt, Outcome
from simkit.tuning.rehearsed import Timeline

_STEPS = 200
_LEAST_STEP_SECONDS = 1.0


def timeline_of(
    attempts: Sequence[Attempt],
    concurrency: Sequence[tuple[float, int]],
    *,
    began: float,
    ended: float,
) -> Timeline | None:
    """The time line of *attempts*; None where there was no time.

    Args:
        concurrency: When how many conversations were wanted at once, in order.
    """
    if ended <= began:
        return None
    step = max(_LEAST_STEP_SECONDS, (ended - began) / _STEPS)
    edges = np.arange(began, ended + step, step)
    steps = len(edges) - 1

    def counted(outcome: Outcome, weight: str | None = None) -> tuple[int, ...]:
        chosen = [attempt for attempt in attempts if attempt.outcome == outcome]
        weights = None if weight is None else [getattr(attempt, weight) for attempt in chosen]
        counts, _ = np.histogram([a.ended_at for a in chosen], bins=edges, weights=weights)
        return tuple(int(count) for count in counts)

    starts = np.array([moment for moment, _ in concurrency])
    wanted = np.array([0, *(number for _, number in concurrency)], dtype=float)
    conversations = wanted[np.searchsorted(starts, edges[:-1] + step / 2, side="right")]
    return Timeline(
        step_seconds=step,
        calls_in_flight=tuple(map(float, _busy(attempts, edges) / step)),
        conversations_in_flight=tuple(map(float, conversations)),
        answered=counted("answered"),
        refused=counted("refused"),
        failed=counted("failed"),
        input_tokens=counted("answered", "input_tokens"),
        output_tokens=counted("answered", "output_tokens"),
        limiting=({},) * steps,
    )


def _busy(attempts: Sequence[Attempt], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds of calls in each step."""
    sent = np.sort([attempt.sent_at for attempt in attempts])
    ended = np.sort([attempt.ended_at for attempt in attempts])
    return np.diff(_elapsed(sent, edges) - _elapsed(ended, edges))


def _elapsed(moments: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each edge, the time since every one of the sorted *moments* before it, added up."""
    sums = np.concatenate([[0.0], np.cumsum(moments)])
    before = np.searchsorted(moments, edges, side="right")
    elapsed: NDArray[np.float64] = edges * before - sums[before]
    return elapsed
