"""Whole runs in virtual time: nothing is simulated but the provider and the clock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from simkit.bus import Bus
from simkit.config import RunConfig
from simkit.config_file import load_config
from simkit.run import RunSummary, run
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.counts import RunCounts
from simkit.traces.exports import export
from simkit.traces.run_directory import RunDirectory
from simkit.traces.run_reader import RunReader
from simkit.tuning.virtual_time import VirtualTimeError, run_virtually
from tests.simkit.tuning.in_memory import InMemoryStandins

SMALL: dict[str, Any] = {
    "catalog.demo": True,
    "graph.embedder": "lexical",
    "model.name": "standin",
    "walk.min_length": 2,
    "walk.max_length": 4,
    "run.conversations": 16,
    "run.concurrency": 16,
    "provider.base_url": "http://127.0.0.1:9/v1",
}


def a_run(**options: Any) -> RunConfig:
    """*options* are dotted keys with ``__`` for the dot."""
    changes = {key.replace("__", "."): value for key, value in options.items()}
    return load_config(None, {**SMALL, **changes})


@dataclass(frozen=True)
class Played:
    """A run in virtual time."""

    directory: Path
    summary: RunSummary
    answered: int

    @property
    def counts(self) -> RunCounts:
        with RunReader(RunDirectory.open(self.directory).database_path) as reader:
            return reader.counts()


def played(config: RunConfig, directory: Path, **settings: Any) -> Played:
    """Play *config* against a stand-in in memory with *settings*."""
    standins = InMemoryStandins(StandinSettings(**settings))

    async def main() -> RunSummary:
        return await run(config, directory, Bus(), transports=standins)

    summary = run_virtually(main)
    assert sum(standin.provider.in_flight for standin in standins.made) == 0
    return Played(directory, summary, sum(standin.answered for standin in standins.made))


def exported(directory: Path) -> dict[str, bytes]:
    """Both exports and their manifests, by file name."""
    out = directory / "exports"
    with RunReader(RunDirectory.open(directory).database_path) as reader:
        for name in ("toolmind", "openai"):
            export(reader, name, out / f"{name}.jsonl")  # type: ignore[arg-type]
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def test_a_run_of_slow_calls_takes_minutes_on_its_clock_and_seconds_on_ours(
    tmp_path: Path,
) -> None:
    began = time.perf_counter()
    config = a_run(run__conversations=10, filters__judge=False)
    result = played(config, tmp_path / "run", latency_seconds=60)
    assert time.perf_counter() - began < 30  # generous: the machine may be busy
    assert result.summary.seconds > 10 * 60
    assert result.counts.played == result.counts.kept + result.counts.dropped == 10
    assert result.counts.calls == result.answered > 10 * 10


def test_what_it_makes_is_what_a_run_over_http_makes(tmp_path: Path) -> None:
    """Also when attempts fail, limits refuse and the assistant errs."""
    settings = {"seed": 3, "mistakes": 0.1}
    few = {"run__conversations": 8}

    async def over_http() -> None:
        standin = StandinSettings(**settings)
        async with running(standin, ScriptedBrain(mistakes=standin.mistakes)) as base_url:
            await run(a_run(provider__base_url=base_url, **few), tmp_path / "http", Bus())

    anyio.run(over_http)
    over_memory = played(
        a_run(run__concurrency=7, **few),
        tmp_path / "memory",
        **settings,
        latency_seconds=2,
        faults=0.1,
        concurrency=5,
        hints="none",
    )
    made = exported(tmp_path / "http")
    assert made == exported(over_memory.directory)
    assert len(made["toolmind.jsonl"].splitlines()) > 8
    assert over_memory.counts.retried_attempts > 0


@pytest.mark.parametrize("told", [True, False])
def test_a_limit_of_requests_sets_how_long_it_takes(tmp_path: Path, told: bool) -> None:
    per_minute = 60
    limits = {"provider__requests_per_minute": per_minute} if told else {}
    result = played(
        a_run(run__concurrency=24, run__conversations=24, filters__judge=False, **limits),
        tmp_path / "run",
        latency_seconds=0.1,
        rpm=per_minute,
    )
    minutes = result.summary.seconds / 60
    assert minutes >= (result.answered - per_minute / 60) / per_minute
    assert minutes == pytest.approx(result.answered / per_minute, rel=0.05)


def test_a_run_takes_exactly_as_long_when_it_is_played_again(tmp_path: Path) -> None:
    config = a_run(run__conversations=8)
    once, again = (
        played(config, tmp_path / name, latency_seconds=2, slowdown_at=10).summary.seconds
        for name in ("once", "again")
    )
    assert once == again


def test_a_run_that_would_need_a_network_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(VirtualTimeError, match="no network"):
        run_virtually(run, a_run(), tmp_path / "run", Bus())
    assert not (tmp_path / "run").exists()
