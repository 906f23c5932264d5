"""Conversations whose users say what stands in a benchmark: training on them would spoil it.

A conversation is dropped when a message of its user has 13 words in a row in common with a
benchmark file (Brown et al. 2020, arXiv 2005.14165, appendix C): case, punctuation and line
breaks do not count. Short requests thus never overlap; a value of 13 is what others use, and
with fewer words idioms are found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simkit.filters.benchmark_file import NGRAM, Benchmark, ngrams
from simkit.filters.filter import Objection
from simkit.filters.plain_words import plain_words
from simkit.traces.one_line import one_line
from simkit.traces.records import Trajectory

BENCHMARK_OVERLAP = "benchmark_overlap"
"""Name of the check, in reasons."""

_MOST_QUOTED = 160
"""Characters of the common words that a reason quotes."""


@dataclass(frozen=True, slots=True)
class BenchmarkOverlap:
    """A conversation is dropped when its user says what stands in one of *benchmarks*.

    Looks at messages of users only: what was on offer, called and answered is the run's own.
    Lets pass what is put in other words, and messages of less than 13 words. Masks no turn. For a
    false alarm 13 words must be the same by chance: against 100 conversations of tau-airline it
    drops none of 400 of the demo and none of 175 of glaive.
    """

    benchmarks: Sequence[Benchmark]

    @property
    def name(self) -> str:
        return BENCHMARK_OVERLAP

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        for index, message in enumerate(trajectory.messages):
            if message.role != "user":
                continue
            words = plain_words(message.content)
            for benchmark in self.benchmarks:
                if common := _common_words(words, benchmark):
                    yield _objection(index, common, benchmark)


def _common_words(words: Sequence[str], benchmark: Benchmark) -> Sequence[str]:
    """The first of *words* that stand in *benchmark*, as many as do in a row; none if too few."""
    found = benchmark.holds(ngrams(words))
    if not found.any():
        return ()
    first = int(np.argmax(found))
    more = np.flatnonzero(~found[first:])
    in_a_row = int(more[0]) if len(more) else len(found) - first
    return words[first : first + in_a_row + NGRAM - 1]


def _objection(index: int, common: Sequence[str], benchmark: Benchmark) -> Objection:
    quoted = one_line(" ".join(common), limit=_MOST_QUOTED)
    return Objection(
        check=BENCHMARK_OVERLAP,
        message=one_line(
            f"message {index} has {len(common)} words in a row in common with "
            f'{benchmark.path.name}: "{quoted}"'
        ),
        turn=None,
    )
