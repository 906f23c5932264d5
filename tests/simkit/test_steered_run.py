"""A whole run whose walks follow what its filters keep, over real HTTP."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from simkit.bus import Bus
from simkit.config import RunConfig
from simkit.config_file import load_config
from simkit.graph.walk import BLOCK
from simkit.report import read_report
from simkit.run import run
from simkit.scenarios import ground_of
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.events import TrajectoryJudged
from simkit.traces.run_reader import RunReader
from tests.simkit.drained_runs import drained_after

COUNT = BLOCK + 30


def configured(base_url: str, *, concurrency: int) -> RunConfig:
    """Chains of one function, and rules alone: the shortest conversations that there are; what
    takes more than a question, a call and an answer is cut off and dropped."""
    options = {
        "catalog.demo": True,
        "graph.embedder": "lexical",
        "model.name": "standin",
        "walk.min_length": 1,
        "walk.max_length": 1,
        "walk.yield_lag": 0,
        "conversation.max_messages": 4,
        "filters.judge": False,
        "run.conversations": COUNT,
        "run.concurrency": concurrency,
        "provider.base_url": base_url,
    }
    return load_config(None, options)


async def test_walks_follow_what_the_filters_kept_before_and_after_a_stop(tmp_path: Path) -> None:
    out = tmp_path / "run"
    async with running(StandinSettings(), ScriptedBrain()) as base_url:
        config = configured(base_url, concurrency=40)
        await drained_after(config, out, BLOCK - 100, TrajectoryJudged)
        await run(configured(base_url, concurrency=90), out, Bus())
    with RunReader(out / "run.db") as reader:
        stored = list(reader.trajectories())
        settled = reader.meta()["yields:0"]
    kept = [one.verdict is not None and one.verdict.outcome == "kept" for one in stored]
    assert {"k", "d"} <= {*settled}
    assert kept[:BLOCK] == [mark == "k" for mark in settled]

    ground = ground_of(out / "run.graph", config)
    meanings = {"k": True, "d": False}
    drawn = ground.scenarios(
        COUNT, outcomes=lambda first, stop: [meanings.get(mark) for mark in settled[first:stop]]
    )
    assert [one.trajectory.scenario for one in stored] == list(drawn)
    unsteered = list(islice(ground.scenarios(COUNT), BLOCK, None))
    assert [one.trajectory.scenario for one in stored[BLOCK:]] != unsteered
    assert not any(fact.startswith("yields") for fact in read_report(out).facts)
