"""How much a run takes of everything, each with the interval that it lies in nine times in ten.

Amounts are the mean of the recorded conversations times how many are wanted. The time is that
of a rehearsal, and what follows at its steady pace. Its interval comes from the fluid model
(`simkit.tuning.plan_fluid`): each replicate of the bootstrap (`simkit.tuning.plan_demand`) asks
for other amounts of every resource, and the time changes as that of the slowest one does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from simkit.prices import Price
from simkit.tuning.plan_demand import Range, Resampling, Spent, spent_by
from simkit.tuning.plan_fluid import Situation, mean_latency, seconds_by_resource, slowest
from simkit.tuning.predicted import Demand, predicted
from simkit.tuning.rehearsed import Rehearsed
from simkit.tuning.workload import Workload

REHEARSAL_ERROR = 0.1
"""Half of the interval of the time even where demand is known exactly: what a rehearsal is off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a run takes."""

    seconds: Range | None
    """None when it would not end."""
    money: Range | None
    """None where a model has no price."""
    calls: Range
    input_tokens: Range
    output_tokens: Range
    kept: Range
    """Conversations that the filters will keep."""
    disk_bytes: Range
    memory_bytes: Range


def figures_of(
    now: Situation, found: Rehearsed, wanted: int, prices: Mapping[str, Price]
) -> Figures:
    """What *wanted* conversations take.

    Args:
        found: How some of them went, or all.
        prices: By model.
    """
    workload = now.workload
    spent = spent_by(workload, prices)
    again = Resampling(len(workload.conversations))
    disk = wanted * workload.machine.disk_bytes_per_conversation
    return Figures(
        seconds=_time(now, found, wanted, again),
        money=None if spent.money is None else again.total(spent.money, wanted),
        calls=again.total(spent.calls, wanted),
        input_tokens=again.total(spent.input_tokens, wanted),
        output_tokens=again.total(spent.output_tokens, wanted),
        kept=again.kept(workload.kept_share, wanted),
        disk_bytes=again.around(disk, again.ratios(spent.calls), wanted),
        memory_bytes=_memory(now, found, wanted, spent, again),
    )


def seconds_of(situation: Situation, found: Rehearsed, wanted: int) -> float:
    """How long *wanted* conversations take; infinite when they would not end."""
    return predicted(found, wanted, Demand.of(situation.workload)).seconds


def times_beyond(workload: Workload, found: Rehearsed) -> float:
    """How many times as many calls are in flight as ever were when it was recorded."""
    return found.mean_calls_in_flight / max(1, workload.peak_calls_in_flight)


def _time(now: Situation, found: Rehearsed, wanted: int, again: Resampling) -> Range | None:
    expected = seconds_of(now, found, wanted)
    if math.isinf(expected):
        return None
    slowed = _slowed(now.workload, found)
    uses = seconds_by_resource(now, slowed=slowed)
    pace = slowest(uses)
    if not pace:  # nothing is asked: there is nothing to vary
        return Range(low=expected, expected=expected, high=expected)
    ratios = again.means(uses).max(axis=1) / pace
    time = again.around(expected, ratios, wanted, model_error=REHEARSAL_ERROR)
    # Beyond the recorded load: halfway, in proportions, between latencies that stay as they are
    # and a provider that gives no more than it gave then.
    longer = slowed * math.sqrt(max(1.0, times_beyond(now.workload, found)))
    worse = slowest(seconds_by_resource(now, slowed=longer)) / pace
    return replace(time, high=time.high * worse)


def _slowed(workload: Workload, found: Rehearsed) -> float:
    """How many times as long calls take under the load of the run as without any."""
    base = mean_latency(workload)
    return found.mean_latency_seconds / base if base and found.mean_latency_seconds else 1.0


def _memory(
    now: Situation, found: Rehearsed, wanted: int, spent: Spent, again: Resampling
) -> Range:
    """What is held for conversations varies as their calls do, in as many as are in flight."""
    base = min(now.workload.machine.base_bytes, found.memory_bytes)
    at_once = min(now.config.run.concurrency, wanted)
    held = again.around(found.memory_bytes - base, again.ratios(spent.calls), at_once)
    return Range(low=base + held.low, expected=base + held.expected, high=base + held.high)
