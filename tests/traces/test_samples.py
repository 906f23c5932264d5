"""The saved traces in the package; run as a program, this file makes them again."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import orjson
import pytest

from simkit.bus import Bus
from simkit.cli.main import main
from simkit.config_file import load_config
from simkit.run import run
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.formats import openai_messages
from simkit.traces.records import Outcome
from simkit.traces.run_reader import RunReader, StoredTrajectory

SAMPLES = Path(__file__).resolve().parents[2] / "traces" / "samples" / "conversations.jsonl"
OUTCOMES: tuple[Outcome, ...] = ("kept", "dropped", "failed")
MOST_BYTES = 12_000
OPTIONS: dict[str, Any] = {
    "catalog.demo": True,
    "graph.embedder": "lexical",
    "model.name": "standin",
    "walk.min_length": 1,
    "walk.max_length": 2,
    "run.conversations": 150,
    "run.concurrency": 8,
    "provider.retry_attempts": 1,
}


async def made(folder: Path) -> bytes:
    """The file of samples, from a small run with many mistakes and faults."""
    provider = StandinSettings(mistakes=0.25, faults=0.03)
    async with running(provider, ScriptedBrain(mistakes=provider.mistakes)) as base_url:
        config = load_config(None, {**OPTIONS, "provider.base_url": base_url})
        await run(config, folder / "run", Bus())
    with RunReader(folder / "run" / "run.db") as reader:
        chosen = [shortest(reader, outcome) for outcome in OUTCOMES]
    return b"".join(line(stored) + b"\n" for stored in chosen)


def shortest(reader: RunReader, outcome: Outcome) -> StoredTrajectory:
    """The shortest conversation that ended so and shows something: a call, and a mask if kept."""
    telling = [
        stored
        for stored in reader.trajectories(outcome)
        if any(message.tool_calls for message in stored.trajectory.messages)
        and (outcome != "kept" or (stored.verdict is not None and stored.verdict.masked))
        and (outcome != "dropped" or "trajectory_judge" in checks(stored))
    ]
    return min(telling, key=lambda stored: len(line(stored)))


def line(stored: StoredTrajectory) -> bytes:
    assert stored.verdict is not None
    (row,) = openai_messages.rows(stored.trajectory, stored.verdict)
    judged = {"outcome": stored.verdict.outcome, "reasons": checks(stored)}
    return orjson.dumps(orjson.loads(row) | judged)


def checks(stored: StoredTrajectory) -> list[str]:
    return [] if stored.verdict is None else [reason.check for reason in stored.verdict.reasons]


def samples() -> list[dict[str, Any]]:
    return [json.loads(text) for text in SAMPLES.read_text().splitlines()]


async def test_the_samples_are_what_the_code_makes(tmp_path: Path) -> None:
    message = f"{SAMPLES} is out of date; run this file with python to make it again"
    assert await made(tmp_path) == SAMPLES.read_bytes(), message


def test_there_is_one_small_sample_of_each_outcome_and_each_warns() -> None:
    assert [sample["outcome"] for sample in samples()] == list(OUTCOMES)
    assert all(
        "never for training" in orjson.loads(sample["metadata"])["notice"] for sample in samples()
    )
    assert SAMPLES.stat().st_size < MOST_BYTES


def test_the_samples_are_read_and_judged_by_the_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts = tmp_path / "verdicts.jsonl"
    with pytest.raises(SystemExit) as ended:
        main(["filter", "--in", str(SAMPLES), "--rules-only", "--out", str(verdicts), "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["rejected"] == 0
    judged = [json.loads(text) for text in verdicts.read_text().splitlines()]
    assert [row["kept"] for row in judged] == [True, True, False]
    masked_by_rules = {turn["index"] for turn in judged[0]["turns"] if not turn["ok"]}
    weights = enumerate(message.get("weight") for message in samples()[0]["messages"])
    assert masked_by_rules <= {index for index, weight in weights if weight == 0}


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        SAMPLES.write_bytes(anyio.run(partial(made, Path(scratch))))
