"""Calls that ask nothing: only as large, and as long, as those that they stand for."""

from __future__ import annotations

import random
from dataclasses import dataclass

import anyio

from simkit.traces.calls import Answered, CallTimes, Usage
from simkit.traces.provider_errors import ProviderUnavailable, RateLimited
from simkit.tuning.rehearsal_stats import CallStats
from simkit.tuning.simulated_provider import SimulatedProvider
from simkit.tuning.terms import ProviderTerms
from simkit.tuning.workload import Workload, WorkloadCall

_CHARACTERS_PER_TOKEN = 4


@dataclass(slots=True)
class RehearsedRequest:
    """A request of which there is only the size; see `simkit.traces.calls.Request`."""

    scenario: int
    role: str
    call: WorkloadCall
    max_output_tokens: int | None = None

    @property
    def input_characters(self) -> int:
        return self.call.input_tokens * _CHARACTERS_PER_TOKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedAnswer(Answered):
    """An answer of which there is only the size."""

    used: Usage

    @property
    def usage(self) -> Usage:
        return self.used


class RehearsedTransport:
    """A `Transport` to a simulated account.

    Args:
        workload: How long calls take, and how many fail, unless *terms* say otherwise.
        draw: Decides both.
        stats: Counts what happens.
    """

    def __init__(
        self,
        model: str,
        workload: Workload,
        terms: ProviderTerms,
        *,
        draw: random.Random,
        stats: CallStats,
    ) -> None:
        failures = workload.failures
        share = failures.share if terms.failure_share is None else terms.failure_share
        self._model = model
        self._provider = SimulatedProvider(terms, failure_share=share, draw=draw)
        self._latencies = workload.latencies
        self._failing_seconds = failures.seconds
        self._factor = terms.latency_factor
        self._doubled_at = terms.doubled_at or workload.latencies.doubled_at
        self._draw = draw
        self._stats = stats

    @property
    def model(self) -> str:
        return self._model

    async def complete(self, request: RehearsedRequest) -> RehearsedAnswer:
        """Take as long as the call took, or fail; see `Client`."""
        call, stats = request.call, self._stats
        sent_at = anyio.current_time()
        stats.sent()
        try:
            allowances = await self._provider.serve(
                call.input_tokens,
                call.output_tokens,
                lambda in_flight, fails: self._seconds(call, in_flight, fails=fails),
            )
        except RateLimited:
            stats.refused()
            raise
        except ProviderUnavailable:
            stats.failed()
            raise
        finally:
            stats.ended()
        seconds = anyio.current_time() - sent_at
        stats.answered(call.input_tokens, call.output_tokens, seconds)
        return RehearsedAnswer(
            used=Usage(input_tokens=call.input_tokens, output_tokens=call.output_tokens),
            times=CallTimes(started_at=sent_at, provider_seconds=seconds, total_seconds=seconds),
            allowances=allowances,
        )

    async def check(self) -> None:
        """There is nothing to find out."""

    def _seconds(self, call: WorkloadCall, in_flight: int, *, fails: bool) -> float:
        seen = self._latencies.classes[call.latency_class]
        if fails and self._failing_seconds:
            seen = self._failing_seconds
        seconds = self._factor * seen[int(self._draw.random() * len(seen))]
        return seconds if self._doubled_at is None else seconds * (1 + in_flight / self._doubled_at)
