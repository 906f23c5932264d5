"""Runs whose judges misbehave, are several, or are down: against the stand-in over HTTP."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from simkit.bus import Bus
from simkit.config import ConfigError, RunConfig
from simkit.config_file import load_config
from simkit.refilter import NewFilters, refilter
from simkit.refilter_judge import judge_config
from simkit.replay import replay_run
from simkit.report import read_report, report_json
from simkit.ruling_watch import RulingWatch
from simkit.run import run
from simkit.standin.brain import ScriptedBrain
from simkit.standin.roles.judge import Conduct
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.events import TrajectoryJudged
from simkit.traces.exports import export
from simkit.traces.records import TurnVerdict, Verdict
from simkit.traces.rows import as_stored
from simkit.traces.rulings import ENOUGH
from simkit.traces.run_reader import RunReader

CONVERSATIONS = 6
OPTIONS: dict[str, Any] = {
    "catalog.demo": True,
    "graph.embedder": "lexical",
    "model.name": "standin",
    "walk.min_length": 2,
    "walk.max_length": 3,
    "run.conversations": CONVERSATIONS,
    "tools.fault_rate": 0.0,
    "filters.near_duplicates": False,
    "provider.retry_attempts": 1,
}
PANEL = [{"model": "second"}, {"model": "third"}]


@asynccontextmanager
async def standin(judges: Conduct = Conduct(), **settings: Any) -> AsyncIterator[str]:  # noqa: B008 - frozen
    chosen = StandinSettings(models=("standin", "second", "third"), **settings)
    async with running(chosen, ScriptedBrain(judges=judges)) as base_url:
        yield base_url


def configured(base_url: str, **given: Any) -> RunConfig:
    return load_config(None, {**OPTIONS, "provider.base_url": base_url, **given})


def verdicts(directory: Path, name: str = "run") -> dict[int, Any]:
    """Scenario to verdict, of the set *name*."""
    select = "SELECT scenario, body FROM verdicts WHERE filter_set = ? ORDER BY scenario"
    with closing(sqlite3.connect(directory / "run.db")) as database:
        return {number: orjson.loads(body) for number, body in database.execute(select, (name,))}


async def test_judges_that_never_rule_leave_everything_undecided_and_nothing_exported(
    tmp_path: Path,
) -> None:
    directory, bus = tmp_path / "run", Bus()
    async with standin(Conduct(faults=1.0)) as base_url:
        with bus.subscribe(10_000) as events:
            await run(configured(base_url), directory, bus)
            judged = [event async for event in events if isinstance(event, TrajectoryJudged)]

    assert {event.outcome for event in judged} == {"undecided"}
    report = read_report(directory)
    assert (report.counts.undecided, report.counts.kept) == (CONVERSATIONS, 0)
    assert report.counts.undecided_reasons == {"judge_unusable": CONVERSATIONS}
    figures = orjson.loads(report_json(report))
    assert figures["books"]["accounts"]["undecided"]["conversations"] == CONVERSATIONS
    assert figures["stage_passed"]["trajectory_judge"] == 0
    (cause,) = figures["books"]["causes"]
    assert (cause["account"], cause["cause"]) == ("undecided", "judge_unusable")
    assert 0 < cause["judging_tokens"] < cause["input_tokens"] + cause["output_tokens"]
    with RunReader(directory / "run.db") as reader:
        assert export(reader, "openai", tmp_path / "out.jsonl").trajectories == 0


async def test_judges_that_rule_now_and_then_are_asked_again_and_most_is_decided(
    tmp_path: Path,
) -> None:
    async with standin(Conduct(faults=0.3)) as base_url:
        await run(configured(base_url), tmp_path / "run", Bus())
    counts = read_report(tmp_path / "run").counts
    assert counts.kept > CONVERSATIONS // 2
    with closing(sqlite3.connect(tmp_path / "run" / "run.db")) as database:
        select = "SELECT count(*) FROM calls WHERE role = 'judge' AND ask > 0"
        assert database.execute(select).fetchone()[0] > 0
    assert (await replay_run(tmp_path / "run")).is_identical


async def test_what_a_judge_that_was_down_left_undecided_is_judged_when_the_run_goes_on(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "run"
    async with standin() as players:
        providers = {"providers.judges": {"base_url": "http://127.0.0.1:9/v1"}}
        given = {**providers, "roles.judge.provider": "judges"}
        async with standin(faults=1.0) as down:
            given["providers.judges.base_url"] = down
            given["providers.judges.retry_attempts"] = 1
            await run(configured(players, **given), directory, Bus())
        before = read_report(directory).counts
        given["providers.judges.base_url"] = players
        await run(configured(players, **given), directory, Bus())
    after = read_report(directory).counts
    assert before.undecided_reasons == {"judge_unavailable": CONVERSATIONS}
    assert (after.undecided, after.kept) == (0, CONVERSATIONS)
    assert after.calls_by_role["assistant"] == before.calls_by_role["assistant"]


async def test_a_panel_rules_on_everything_and_is_replayed_and_asked_once_only(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "run"
    async with standin() as base_url:
        await run(configured(base_url, **{"filters.panel": PANEL}), directory, Bus())
    for verdict in verdicts(directory).values():
        assert [vote["model"] for vote in verdict["votes"]] == ["standin", "second", "third"]
    report = orjson.loads(report_json(read_report(directory)))
    assert report["agreement"]["trajectories"] == CONVERSATIONS
    assert report["agreement"]["unanimous_share"] == 1.0
    assert {entry["model"] for entry in report["rulings"]} == {"standin", "second", "third"}

    assert (await replay_run(directory)).is_identical
    again = await refilter(
        directory, NewFilters(judge=judge_config(directory / "run.toml", None, {}))
    )
    assert again.calls == 0
    assert "standin, second, third as" in again.filters
    assert verdicts(directory, "again") == verdicts(directory)

    other = configured(base_url, **{"filters.panel": PANEL[:1]})
    with pytest.raises(ConfigError, match=r"filters\.panel\.1\.model"):
        await run(other, directory, Bus())


def test_a_panel_needs_a_judge() -> None:
    with pytest.raises(ConfigError, match="panel adds to the judge, and judge is false"):
        configured("http://127.0.0.1:9/v1", **{"filters.panel": PANEL, "filters.judge": False})


def test_a_judge_that_rules_alike_is_warned_of_once() -> None:
    watch = RulingWatch()
    turn = TurnVerdict(index=1, ok=True)
    kept = Verdict(outcome="kept", turns=(turn,), judge="m", prompts={"trajectory_judge": "x"})
    with capture_logs() as logged:
        for _ in range(2 * ENOUGH["trajectory_judge"]):
            watch.see(as_stored(kept))
    (warning,) = logged
    assert warning["log_level"] == "warning"
    assert "trajectory judge m has ruled 1 on each of 200" in warning["event"]
