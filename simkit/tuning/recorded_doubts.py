"""What makes the workload of a recorded run less sure than it looks, in sentences for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from simkit.config import RunConfig
from simkit.counted import counted
from simkit.session import Session
from simkit.traces.call_times import CallTimesOfRun
from simkit.tuning.latency_fit import LatencyFit
from simkit.tuning.recorded_costs import tells_memory

_FEW_CONVERSATIONS = 30
_FEW_CALLS = 500
_FEW_IN_FLIGHT = 4
_NAMED = 3


def doubts_of(
    run: CallTimesOfRun, config: RunConfig, sessions: Sequence[Session], fit: LatencyFit
) -> tuple[str, ...]:
    """One sentence each: what is missing, and what that means for the figures."""
    return (
        *_about_size(run),
        *_about_load(run, fit),
        *_about_end(run, config),
        *_about_settings(config, sessions),
        *_about_sessions(run, sessions),
    )


def ended_with_calls(run: CallTimesOfRun) -> bool:
    """Whether the run has conversations that are whole, and not only begun."""
    return bool(np.isin(run.calls.scenario, list(run.outcomes)).any())


def _about_size(run: CallTimesOfRun) -> Iterator[str]:
    conversations, calls = len(run.outcomes), len(run.calls)
    if run.damaged:
        yield (
            f"{run.damaged:,} of the run's calls have times or sizes that cannot be and were left "
            "out, so its conversations seem shorter than they were."
        )
    if not ended_with_calls(run):
        yield (
            "No conversation of the run has ended with an answered call, so those that were begun "
            "count as far as they came: whole ones take longer and cost more."
        )
    elif conversations < _FEW_CONVERSATIONS:
        yield (
            f"The run has only {counted(conversations, 'conversation')}: how much conversations "
            "differ is hardly known, and times and costs may be off by a lot."
        )
    if calls < _FEW_CALLS:
        yield (
            f"The run has only {counted(calls, 'call')}, so its slowest calls are not known well, "
            "which decide how long the end of a run takes."
        )


def _about_load(run: CallTimesOfRun, fit: LatencyFit) -> Iterator[str]:
    if fit.latencies.doubled_at is None and not fit.loads_differ:
        low, high = np.quantile(fit.loads, (0.01, 0.99)).tolist()
        about = f"about {counted(round(high), 'call')}"
        if low < high:
            about = f"between {low:.0f} and {counted(round(high), 'call')}"
        yield (
            f"The run only ever had {about} in flight, from which the effect of load cannot be "
            "told: what more would do to latency is not known, and is taken for nothing."
        )
    elif fit.peak_calls_in_flight < _FEW_IN_FLIGHT:
        yield (
            f"The run never had more than {counted(fit.peak_calls_in_flight, 'call')} in flight: "
            "what more would do to latency is not known."
        )
    elif alone := _seldom_loaded(run, fit):
        more = f" and {len(alone) - _NAMED} others" if len(alone) > _NAMED else ""
        yield (
            f"The calls of {', '.join(alone[:_NAMED])}{more} never met {_FEW_IN_FLIGHT} in flight: "
            "how long they take under load is taken from the others."
        )


def _seldom_loaded(run: CallTimesOfRun, fit: LatencyFit) -> list[str]:
    """Roles, with their models, whose calls never met much load."""
    peaks = np.zeros(len(run.calls.kinds), dtype=np.int64)
    np.maximum.at(peaks, run.calls.kind, fit.loads)
    return [
        f"{role} ({model})"
        for (role, model), peak in zip(run.calls.kinds, peaks.tolist(), strict=True)
        if 0 < peak < _FEW_IN_FLIGHT
    ]


def _about_end(run: CallTimesOfRun, config: RunConfig) -> Iterator[str]:
    outcomes = Counter(run.outcomes.values())
    unjudged = outcomes[None]
    missing = config.run.conversations - (outcomes.total() - unjudged)
    if missing > 0:
        yield (
            f"The run is not finished: {missing:,} of its {config.run.conversations:,} "
            "conversations have no verdict yet. Long ones end last, so conversations seem "
            "shorter than they are."
        )
    failed = outcomes["failed"]
    if failed > outcomes.total() / 2:
        yield (
            f"{failed:,} of {counted(outcomes.total(), 'conversation')} failed, and count as far "
            "as they came: what works takes longer and costs more."
        )


def _about_settings(config: RunConfig, sessions: Sequence[Session]) -> Iterator[str]:
    ranges = [session.concurrency_range or (session.concurrency,) * 2 for session in sessions]
    concurrencies = {size for one in ranges for size in one} or {config.run.concurrency}
    if len(concurrencies) == 1:
        yield (
            f"As far as is known, all of the run was recorded with concurrency "
            f"{concurrencies.pop():,}: figures for others are worked out from it, and less sure "
            "the farther they are."
        )


def _about_sessions(run: CallTimesOfRun, sessions: Sequence[Session]) -> Iterator[str]:
    if not sessions:
        yield (
            "The run did not measure its machine and its failures, as it was killed, goes on or is "
            "of an older version: CPU time and memory are those of a usual machine, and attempts "
            "beyond a call's first, also those that a limit refused, count as failures."
        )
        return
    if not any(map(tells_memory, sessions)):
        yield (
            "The run had too few conversations at once to tell the memory of one, so a usual one "
            "is taken."
        )
    counted = sum(session.calls for session in sessions)
    if counted < len(run.calls) / 2:
        yield (
            f"Only {counted:,} of the run's {len(run.calls):,} calls were made by processes that "
            "came to their end, and CPU time, memory and failures are those of these."
        )
