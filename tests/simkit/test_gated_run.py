"""Runs whose chains a model must find coherent first: over real HTTP, resumed and replayed."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from simkit.bus import Bus
from simkit.cli.main import main
from simkit.config import ConfigError, RunConfig
from simkit.config_file import load_config
from simkit.replay import replay_run
from simkit.run import run
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.records import Trajectory
from simkit.traces.run_reader import RunReader
from tests.simkit.drained_runs import drained_after

CONVERSATIONS = 16


def configured(base_url: str, **options: Any) -> RunConfig:
    given = {
        "catalog.demo": True,
        "graph.embedder": "lexical",
        "model.name": "standin",
        "provider.base_url": base_url,
        "walk.min_length": 3,
        "walk.max_length": 6,
        "run.conversations": CONVERSATIONS,
        "run.concurrency": 4,
        "chain.gate": True,
    }
    changes = {key.replace("__", "."): value for key, value in options.items()}
    return load_config(None, {**given, **changes})


def trajectories(directory: Path) -> list[Trajectory]:
    with RunReader(directory / "run.db") as reader:
        found = [reader.trajectory(number) for number in range(CONVERSATIONS)]
    return [one.trajectory for one in found if one is not None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run, and beside it one that was stopped several times; only to be read."""
    folder = tmp_path_factory.mktemp("gated")

    async def play() -> None:
        async with running(StandinSettings(latency_seconds=0.01), ScriptedBrain()) as base_url:
            config = configured(base_url)
            await run(config, folder / "whole", Bus())
            for calls in (3, 15, 40):
                await drained_after(config, folder / "stopped", calls)
            await run(config, folder / "stopped", Bus())

    anyio.run(play)
    return folder


def test_refused_chains_fail_before_an_intent_is_written_and_the_others_are_played(
    made: Path,
) -> None:
    played = trajectories(made / "whole")
    refused = [one for one in played if one.cause == "incoherent_chain"]
    assert 0 < len(refused) < len(played) == CONVERSATIONS
    for one in refused:
        assert (one.ended, one.intent, one.messages) == ("failed", None, ())
        assert "nothing to do with the rest" in str(one.error)
        assert one.provenance.notice
    with RunReader(made / "whole" / "run.db") as reader:
        counts = reader.counts()
    assert counts.failed >= len(refused)
    assert counts.causes["incoherent_chain"] == len(refused)


def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(made: Path) -> None:
    assert trajectories(made / "stopped") == trajectories(made / "whole")


async def test_a_gated_run_replays_with_no_difference(made: Path) -> None:
    report = await replay_run(made / "whole")
    assert report.is_identical
    assert report.conversations == {"identical": CONVERSATIONS}


async def test_a_refusal_without_its_recorded_ruling_is_a_divergence(
    made: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(made / "whole", tmp_path / "run"))
    number = next(
        one.scenario.number for one in trajectories(copy) if one.cause == "incoherent_chain"
    )
    with closing(sqlite3.connect(copy / "run.db")) as database, database:
        database.execute("DELETE FROM calls WHERE scenario = ?", (number,))
    report = await replay_run(copy)
    assert [found.conversation for found in report.divergences] == [number]


async def test_a_run_does_not_go_on_with_the_gate_opened(made: Path) -> None:
    async with running(StandinSettings(), ScriptedBrain()) as base_url:
        config = configured(base_url, chain__gate=False)
        with pytest.raises(ConfigError, match=r"chain\.gate"):
            await run(config, made / "whole", Bus())


def test_the_flag_sets_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    for flag, value in (("--gate", "true"), ("--no-gate", "false")):
        with pytest.raises(SystemExit):
            main(["config", flag])
        assert f"gate = {value}" in capsys.readouterr().out


def test_the_report_counts_refused_chains(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["report", str(made / "whole"), "--json"])
    assert json.loads(capsys.readouterr().out)["causes"]["incoherent_chain"] > 0
