"""Counts what happens in a rehearsal, in memory that hardly grows with its length."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

import anyio
import numpy as np

from simkit.tuning.rehearsed import Timeline

FIRST_STEP_SECONDS = 0.25
MOST_STEPS = 480
"""A time line that would have more has its steps joined in pairs."""


@dataclass(slots=True)
class Counts:
    """Totals so far."""

    answered: int = 0
    refused: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def copy(self) -> Counts:
        return replace(self)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.answered + other.answered,
            self.refused + other.refused,
            self.failed + other.failed,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
        )

    def __sub__(self, other: Counts) -> Counts:
        return Counts(
            self.answered - other.answered,
            self.refused - other.refused,
            self.failed - other.failed,
            self.input_tokens - other.input_tokens,
            self.output_tokens - other.output_tokens,
        )


class CallStats:
    """What became of the calls.

    Args:
        within: Counts them too, with those of others.
    """

    def __init__(self, within: CallStats | None = None) -> None:
        self._within = within
        self.counts = Counts()
        self.latencies = array("f")
        """Seconds of answered calls at the provider; of all together only."""
        self.in_flight = 0
        self.peak_in_flight = 0

    def sent(self) -> None:
        """A call was let through to the provider."""
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        if self._within is not None:
            self._within.sent()

    def ended(self) -> None:
        """It is over, however."""
        self.in_flight -= 1
        if self._within is not None:
            self._within.ended()

    def refused(self) -> None:
        """A limit refused it."""
        self.counts.refused += 1
        if self._within is not None:
            self._within.refused()

    def failed(self) -> None:
        """It failed otherwise."""
        self.counts.failed += 1
        if self._within is not None:
            self._within.failed()

    def answered(self, input_tokens: int, output_tokens: int, latency: float) -> None:
        """It was answered after *latency* seconds."""
        counts = self.counts
        counts.answered += 1
        counts.input_tokens += input_tokens
        counts.output_tokens += output_tokens
        if self._within is None:
            self.latencies.append(latency)
        else:
            self._within.answered(input_tokens, output_tokens, latency)


@dataclass(slots=True)
class _Step:
    calls_in_flight: float
    conversations_in_flight: float
    counts: Counts
    limiting: Mapping[str, float]


@dataclass(slots=True)
class Line:
    """Draws up a `Timeline` as time goes on.

    Args:
        calls: What is counted.
        conversations: How many are in flight now.
        pace: Tells what has set the pace since it was asked last, as shares.
    """

    calls: CallStats
    conversations: Callable[[], int]
    pace: Callable[[float], Mapping[str, float]]
    step_seconds: float = FIRST_STEP_SECONDS
    _steps: list[_Step] = field(default_factory=list)
    _counts_before: Counts = field(default_factory=Counts)

    async def draw(self) -> None:
        """Draw until cancelled."""
        while True:
            self.pace(anyio.current_time())
            await anyio.sleep(self.step_seconds)
            self.step()

    def step(self) -> None:
        """A step is over, or is the last one."""
        now, before = self.calls.counts.copy(), self._counts_before
        self._counts_before = now
        self._steps.append(
            _Step(
                self.calls.in_flight,
                self.conversations(),
                now - before,
                self.pace(anyio.current_time()),
            )
        )
        if len(self._steps) >= MOST_STEPS:
            self._join()

    def _join(self) -> None:
        self._steps = [_joined(first, second) for first, second in list(pairwise(self._steps))[::2]]
        self.step_seconds *= 2

    def timeline(self) -> Timeline:
        """All of it."""
        steps = self._steps
        return Timeline(
            step_seconds=self.step_seconds,
            calls_in_flight=tuple(step.calls_in_flight for step in steps),
            conversations_in_flight=tuple(step.conversations_in_flight for step in steps),
            answered=tuple(step.counts.answered for step in steps),
            refused=tuple(step.counts.refused for step in steps),
            failed=tuple(step.counts.failed for step in steps),
            input_tokens=tuple(step.counts.input_tokens for step in steps),
            output_tokens=tuple(step.counts.output_tokens for step in steps),
            limiting=tuple(step.limiting for step in steps),
        )


def _joined(first: _Step, second: _Step) -> _Step:
    limiting = Counter(first.limiting)
    limiting.update(second.limiting)
    return _Step(
        (first.calls_in_flight + second.calls_in_flight) / 2,
        (first.conversations_in_flight + second.conversations_in_flight) / 2,
        first.counts + second.counts,
        {cause: seconds / 2 for cause, seconds in limiting.items()},
    )


def mean_and_p95(values: array[float]) -> tuple[float, float]:
    """Of *values*; 0 where there are none."""
    if not values:
        return 0.0, 0.0
    seen = np.frombuffer(values, dtype=np.float32)
    return float(seen.mean()), float(np.percentile(seen, 95))
