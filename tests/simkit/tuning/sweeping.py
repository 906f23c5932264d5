"""Rehearsals that follow a law, for tests of what looks for the best setting."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from simkit.config import RunConfig
from simkit.tuning.predicted import Predicted
from simkit.tuning.rehearsed import Rehearsed, Setting
from simkit.tuning.terms import ProviderTerms
from simkit.tuning.workload import Workload
from tests.simkit.tuning.planning import rehearsed

Law = Callable[[int, int], float]
"""Conversations a second at a concurrency and a number of filter workers."""


class InOneProcess:
    """As `Processes`, without any."""

    size = 2

    def results(
        self, function: Callable[[Any], Any], items: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        return ((position, function(item)) for position, item in enumerate(items))


@dataclass
class ByLaw:
    """A `rehearse` whose throughput follows *law*, but for *noise*, a share of it."""

    law: Law
    noise: float = 0.0
    limiting: Callable[[int, int], Mapping[str, float]] = lambda *_: {"requests": 1.0}
    played: list[tuple[int, int]] = field(default_factory=list)
    """Concurrency and conversations of each rehearsal."""
    draw: random.Random = field(default_factory=lambda: random.Random(3))

    def __call__(
        self,
        config: RunConfig,
        workload: Workload,
        terms: Mapping[str, ProviderTerms],
        *,
        conversations: int,
        seed: int = 0,
    ) -> Rehearsed:
        at = config.run.concurrency, config.filter_workers
        pace = self.law(*at) * self.draw.uniform(1 - self.noise, 1 + self.noise)
        calls = round(conversations * workload.calls_per_conversation)
        self.played.append((config.run.concurrency, conversations))
        return rehearsed(
            seconds=conversations / pace if pace else 60.0,
            calls_per_second=pace * workload.calls_per_conversation,
            calls=calls if pace else 0,
            conversations=conversations,
            finished=conversations if pace else 0,
            stopped_by=None if pace else "the provider answered nothing for 6 hours",
            limiting=self.limiting(*at),
        )


def predicted(
    concurrency: int, per_hour: float, *, filter_workers: int = 4, **changes: Any
) -> Predicted:
    """All 1,000 conversations with that throughput; *changes* are to the rehearsal."""
    seconds = 1_000 * 3_600 / per_hour if per_hour else float("inf")
    played = rehearsed(
        conversations=1_000,
        finished=1_000 if per_hour else 0,
        stopped_by=None if per_hour else "the key was refused",
        seconds=seconds,
        calls=10_000 if per_hour else 0,
        calls_per_second=10_000 / seconds,
    )
    setting = Setting(concurrency=concurrency, filter_workers=filter_workers)
    return Predicted(
        rehearsed=replace(played, setting=setting, **changes), conversations=1_000, seconds=seconds
    )
