"""Which setting to recommend: the smallest that is about as fast as the fastest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from simkit.limit_options import NAMES
from simkit.pace import LATENCY, NOTHING
from simkit.tuning.predicted import BINDING, USED_UP, Predicted, fullest
from simkit.tuning.rehearsed import Setting

AS_FAST = 0.98
"""Share of the best throughput that is as good: the rest is within the noise of a rehearsal."""
_SLOWER = 1.5
"""Times the latency of few calls at once, from which on load is said to slow a provider down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knee:
    """What is recommended, and why."""

    setting: Setting | None
    """None where no setting gets through."""
    why: str
    """A sentence."""


def knee_of(tried: Sequence[Predicted]) -> Knee:
    """The recommendation after *tried*, at least one, in any order.

    It is the smallest concurrency, then the fewest filter workers, with at least `AS_FAST` of the
    throughput of the best of them.
    """
    best = max(one.conversations_per_hour for one in tried)
    if not best:
        return Knee(setting=None, why=_why_nothing(tried))
    good = [one for one in tried if one.conversations_per_hour >= AS_FAST * best]
    knee = min(good, key=lambda one: _order(one.setting))
    return Knee(setting=knee.setting, why=_why(knee, tried))


def _order(setting: Setting) -> tuple[int, int, float]:
    return setting.concurrency, setting.filter_workers, setting.max_calls_in_flight or math.inf


def _why_nothing(tried: Sequence[Predicted]) -> str:
    furthest = max(tried, key=lambda one: one.rehearsed.finished)
    stopped_by = furthest.rehearsed.stopped_by or "no conversation was finished"
    return f"No setting gets through to the end: {stopped_by.rstrip('.')}."


def _why(knee: Predicted, tried: Sequence[Predicted]) -> str:
    at, pace = knee.setting.concurrency, _pace(knee, tried)
    if len(tried) == 1:
        return f"It was the only setting tried; {pace}."
    larger = [one for one in tried if one.setting.concurrency > at]
    if larger:
        ratio = max(one.conversations_per_hour for one in larger) / knee.conversations_per_hour
        loss = f"are at least {1 - ratio:.0%} slower" if ratio < AS_FAST else "gain nothing"
        return f"More than {at:,} conversations in flight {loss}: {pace}."
    if at >= knee.conversations:
        return f"With {at:,} in flight all conversations are played at once; {pace}."
    if knee.quota_used >= USED_UP:
        return f"More than {at:,} conversations in flight can gain nothing: {pace}."
    return f"More than {at:,} conversations in flight were not tried, and may gain more: {pace}."


def _pace(knee: Predicted, tried: Sequence[Predicted]) -> str:
    """What sets the pace, in words."""
    rehearsed = knee.rehearsed
    quota = fullest(rehearsed)
    if quota is not None and rehearsed.quota_used[quota] >= BINDING:
        share = min(rehearsed.quota_used[quota], 1.0)
        return f"{NAMES[quota]} are used up to {share:.0%}"
    causes = [cause for cause in rehearsed.limiting if cause != NOTHING]
    cause = max(causes, key=rehearsed.limiting.__getitem__, default=None)
    if cause is None:
        return "no limit is reached"
    quickest = min(one.rehearsed.mean_latency_seconds for one in tried if one.rehearsed.calls)
    times = rehearsed.mean_latency_seconds / quickest if quickest > 0 else 1.0
    if cause == LATENCY and times >= _SLOWER:
        return f"the provider takes {times:.1f} times as long as when it is asked little"
    return f"{cause} set the pace {rehearsed.limiting[cause]:.0%} of the time"
