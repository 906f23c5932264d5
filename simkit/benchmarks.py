"""The benchmark files that a run must not teach: read before it starts, and noted with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from simkit.config import ConfigError
from simkit.filters.benchmark_file import Benchmark, BenchmarkError, read_benchmark
from simkit.filters.decontaminate import BenchmarkOverlap
from simkit.filters.filter import Check

_NOTED = "benchmarks"
"""Where a run notes the files and their digests."""


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """What was read."""

    files: Sequence[Benchmark] = ()

    @property
    def checks(self) -> list[Check]:
        """What finds overlap with them; none without a file."""
        return [BenchmarkOverlap(self.files)] if self.files else []

    @property
    def notes(self) -> Mapping[str, str]:
        """What is to be known of them about a run."""
        told = ", ".join(f"{file.path.name} {file.digest}" for file in self.files)
        return {_NOTED: told} if told else {}

    def check_same(self, meta: Mapping[str, str], place: Path) -> None:
        """Make sure that the run at *place*, which notes *meta*, was made with the same texts.

        Raises:
            ConfigError: The files have changed since.
        """
        noted = meta.get(_NOTED)
        if noted is not None and noted != self.notes.get(_NOTED):
            raise ConfigError(
                f"filters.decontaminate: the run in {place} was made with other contents of these "
                "files, and going on would mix two sets of data; put them back as they were, or "
                "choose a new folder with --out"
            )


def read_benchmarks(paths: Sequence[Path]) -> Benchmarks:
    """What stands in the files *paths*.

    Raises:
        ConfigError: Some cannot be used; a line for each.
    """
    files: list[Benchmark] = []
    problems: list[str] = []
    for path in dict.fromkeys(paths):
        try:
            files.append(read_benchmark(path))
        except BenchmarkError as error:
            problems.append(f"filters.decontaminate: {error}")
    if problems:
        raise ConfigError(*problems)
    return Benchmarks(files)


async def opened_benchmarks(paths: Sequence[Path]) -> Benchmarks:
    """`read_benchmarks` in a thread, which is abandoned when this is cancelled."""
    return await anyio.to_thread.run_sync(read_benchmarks, paths, abandon_on_cancel=True)
