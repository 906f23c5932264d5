"""What a rehearsal found out about one setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simkit.traces.calls import LimitKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What one may choose for a run."""

    concurrency: int
    """Conversations in flight at most."""
    filter_workers: int
    """Trajectories judged at once."""
    max_calls_in_flight: int | None = None
    """Calls at once at most, for each account; None: learned, or as the configuration has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What happened when, in equal steps from the start, of which the last may be shorter.

    All sequences are as long. What is in flight is the mean over each step, or as far as a
    rehearsal samples it: at the end of each, and the mean of those where steps were joined.
    """

    step_seconds: float
    calls_in_flight: tuple[float, ...]
    conversations_in_flight: tuple[float, ...]
    answered: tuple[int, ...]
    """Calls answered in each step."""
    refused: tuple[int, ...]
    failed: tuple[int, ...]
    input_tokens: tuple[int, ...]
    """Of the calls answered in each step."""
    output_tokens: tuple[int, ...]
    limiting: tuple[Mapping[str, float], ...]
    """What set the pace in each step, to its share of it; they add up to 1 or less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """How long a run would take with one setting, and why."""

    setting: Setting
    conversations: int
    finished: int
    """Conversations that were played and judged; fewer where a provider answers nothing."""
    stopped_by: str | None
    """Why it ended early, in a sentence; None when it did not."""
    seconds: float
    """From the first conversation to the last verdict."""
    calls: int
    """Answered."""
    refused: int
    """Attempts that a limit refused."""
    failed: int
    """Attempts that failed otherwise."""
    input_tokens: int
    output_tokens: int
    steady_calls_per_second: float
    """In the middle of the run, between its start and its end."""
    quota_used: Mapping[LimitKind, float]
    """Share of each limit that there is, in the middle of the run."""
    limiting: Mapping[str, float]
    """What set the pace, to its share of the time, the largest first."""
    waited_seconds: Mapping[str, float]
    """For each limit, how long the first of the waiting calls was held by it."""
    mean_wait_seconds: float
    """Of a call, for the limits."""
    p95_wait_seconds: float
    mean_latency_seconds: float
    """Of an answered call at the provider."""
    p95_latency_seconds: float
    mean_calls_in_flight: float
    peak_calls_in_flight: int
    memory_bytes: int
    """At the peak, as far as the workload tells."""
    money: float | None
    """None where a model has no price."""
    timeline: Timeline

    @property
    def calls_per_second(self) -> float:
        """Answered, over the whole run."""
        return self.calls / self.seconds if self.seconds > 0 else 0.0
