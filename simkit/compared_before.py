"""What a verdict says about other conversations and about files, in a replay: as recorded.

A replay has one conversation and its recorded replies before it, and works where benchmark
files are gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simkit.filters.decontaminate import BENCHMARK_OVERLAP
from simkit.filters.filter import Objection
from simkit.filters.near_duplicates import as_duplicate
from simkit.traces.filter_stages import NEAR_DUPLICATE
from simkit.traces.records import Trajectory, Verdict


@dataclass(frozen=True, slots=True)
class AsRecorded:
    """A rule that finds the overlap with benchmarks that the verdict *recorded* tells of."""

    recorded: Verdict

    @property
    def name(self) -> str:
        return BENCHMARK_OVERLAP

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        for reason in self.recorded.reasons:
            if reason.check == self.name:
                yield Objection(check=reason.check, message=reason.message, turn=None)


def dropped_as_recorded(verdict: Verdict, recorded: Verdict) -> Verdict:
    """*verdict*, or where it keeps what *recorded* drops as a near duplicate, that it does."""
    for reason in recorded.reasons:
        if reason.check == NEAR_DUPLICATE and verdict.outcome == "kept":
            return as_duplicate(verdict, reason)
    return verdict
