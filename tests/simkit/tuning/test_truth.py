"""Rehearsals tell what runs take: both in virtual time, but the runs with everything in them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from simkit.bus import Bus
from simkit.config import RunConfig
from simkit.config_file import load_config
from simkit.pace import NOTHING
from simkit.run import run
from simkit.session import Session, sessions_of
from simkit.standin.settings import StandinSettings
from simkit.traces.run_directory import RunDirectory
from simkit.traces.run_reader import RunReader
from simkit.tuning.recorded import read_workload
from simkit.tuning.rehearsal import rehearse
from simkit.tuning.virtual_time import run_virtually
from simkit.tuning.workload import Workload
from tests.simkit.tuning.in_memory import InMemoryStandins, terms_of

RECORDED, PLAYED = 16, 24


def config_of(conversations: int, concurrency: int) -> RunConfig:
    return load_config(
        None,
        {
            "catalog.demo": True,
            "graph.embedder": "lexical",
            "model.name": "standin",
            "provider.base_url": "http://127.0.0.1:9/v1",
            "walk.min_length": 2,
            "walk.max_length": 3,
            "run.conversations": conversations,
            "run.concurrency": concurrency,
        },
    )


def play(config: RunConfig, directory: Path, settings: StandinSettings) -> Session:
    """Play a run in virtual time; what it measured."""
    standins = InMemoryStandins(settings)
    run_virtually(partial(run, transports=standins), config, directory, Bus())
    with RunReader(RunDirectory.open(directory).database_path) as reader:
        [session] = sessions_of(reader.meta())
    return session


def largest(shares: Mapping[str, float]) -> str:
    """The cause that set the pace longest; at the end of a small run nothing does."""
    return next(cause for cause in shares if cause != NOTHING)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[float | None, Workload]:
    """By the load that doubles latency: a workload of a run with few conversations at once."""
    workloads = {}
    for slowdown_at in (None, 20.0):
        directory = tmp_path_factory.mktemp("recorded") / "run"
        settings = StandinSettings(latency_seconds=1.0, slowdown_at=slowdown_at)
        play(config_of(RECORDED, 8), directory, settings)
        workloads[slowdown_at] = read_workload(RunDirectory.open(directory))
    return workloads


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        pytest.param({"rpm": 300.0, "hints": "none"}, "requests", id="requests-untold"),
        pytest.param({"concurrency": 5, "hints": "none"}, "calls in flight", id="cap-untold"),
        pytest.param({"slowdown_at": 20.0}, "provider latency", id="slower-under-load"),
    ],
)
def test_a_rehearsal_from_another_setting_tells_the_time_of_a_run_and_what_limits_it(
    recorded: dict[float | None, Workload], tmp_path: Path, settings: dict[str, Any], cause: str
) -> None:
    standin = StandinSettings(latency_seconds=1.0, **settings)
    config = config_of(PLAYED, 18)
    real = play(config, tmp_path / "run", standin)
    # Its latency is the workload's; only the limits are new.
    terms = {"default": terms_of(StandinSettings(**settings | {"slowdown_at": None}))}
    workload = recorded[standin.slowdown_at]
    told = rehearse(config, workload, terms, conversations=PLAYED)
    assert told.seconds == pytest.approx(real.seconds, rel=0.2)
    assert largest(real.limiting) == largest(told.limiting) == cause
