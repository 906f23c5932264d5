"""Runs whose conversations are compared, with each other and with benchmark files."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from simkit.bus import Bus
from simkit.cli.main import main
from simkit.config import ConfigError, FiltersSection
from simkit.config_file import load_config
from simkit.refilter import NewFilters, refilter
from simkit.refilter_judge import judge_config
from simkit.replay import replay_run
from simkit.report import read_report
from simkit.run import run
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.tally import Tally
from simkit.traces.events import CallAnswered
from simkit.traces.exports import export
from simkit.traces.run_reader import RunReader

LAMP: dict[str, Any] = {
    "type": "object",
    "properties": {"level": {"type": "string", "enum": ["low", "high"], "description": "How."}},
    "required": ["level"],
}
CONVERSATIONS = 24
OPTIONS: dict[str, Any] = {
    "graph.embedder": "lexical",
    "model.name": "standin",
    "walk.min_length": 1,
    "walk.max_length": 2,
    "run.conversations": CONVERSATIONS,
    "provider.retry_min_pause_seconds": 0.01,
}


@asynccontextmanager
async def standin() -> AsyncIterator[str]:
    async with running(StandinSettings(), ScriptedBrain(mistakes=0.1)) as base_url:
        yield base_url


def catalog(folder: Path) -> Path:
    """Two functions, so that conversations come to be the same."""
    path = folder / "lamps.json"
    tools = [
        {"name": f"lamp_{word}", "description": f"Turns the lamp {word}.", "parameters": LAMP}
        for word in ("on", "off")
    ]
    path.write_text(json.dumps([{"type": "function", "function": tool} for tool in tools]))
    return path


def configured(folder: Path, base_url: str, **options: Any) -> Any:
    given = {key.replace("__", "."): value for key, value in options.items()}
    fixed = {"catalog.paths": [catalog(folder)], "provider.base_url": base_url}
    return load_config(None, OPTIONS | fixed | given)


def verdicts(directory: Path, name: str = "run") -> dict[int, Any]:
    select = "SELECT scenario, body FROM verdicts WHERE filter_set = ? ORDER BY scenario"
    with closing(sqlite3.connect(directory / "run.db")) as database:
        return {number: json.loads(body) for number, body in database.execute(select, (name,))}


def dropped_by(directory: Path, check: str, name: str = "run") -> set[int]:
    return {
        number
        for number, verdict in verdicts(directory, name).items()
        if verdict["outcome"] == "dropped" and verdict["reasons"][0]["check"] == check
    }


def exported(directory: Path) -> list[bytes]:
    with RunReader(directory / "run.db") as reader:
        report = export(reader, "openai", directory / "openai.jsonl")
    return [report.path.read_bytes(), report.manifest_path.read_bytes()]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, played 4 at a time, and its catalog; only to be read."""
    folder = tmp_path_factory.mktemp("made")

    async def play() -> None:
        async with standin() as base_url:
            await run(configured(folder, base_url, run__concurrency=4), folder / "run", Bus())

    anyio.run(play)
    return folder


async def test_the_same_are_dropped_whatever_the_concurrency_and_however_often_it_stops(
    made: Path,
) -> None:
    """
    Stopped at once, in the middle of calls: verdicts that were held back are lost.
    """
    assert len(dropped_by(made / "run", "near_duplicate")) > 2
    async with standin() as base_url:
        config = configured(made, base_url, run__concurrency=256)
        await run(config, made / "at-once", Bus())
        for calls in (90, 120):
            await stopped_after(config, made / "stopped", calls)
        await run(config, made / "stopped", Bus())
    for other in ("at-once", "stopped"):
        assert verdicts(made / other) == verdicts(made / "run")
        assert exported(made / other) == exported(made / "run")


async def test_while_it_plays_each_stage_tells_the_pass_rate_that_the_report_has(
    made: Path, tmp_path: Path
) -> None:
    bus, tally = Bus(), Tally(total=CONVERSATIONS, started_at=0.0)
    async with standin() as base_url:
        with bus.subscribe(100_000) as events:
            await run(configured(made, base_url), tmp_path / "run", bus)
            async for event in events:
                tally.count(event, 1.0)
    counts = read_report(tmp_path / "run").counts
    shares = {name: counts.stage_passed[name] / n for name, n in counts.stage_reached.items()}
    assert tally.pass_rates() == shares
    compared = counts.kept + len(dropped_by(tmp_path / "run", "near_duplicate"))
    assert shares["near_duplicates"] == counts.kept / compared > 0


async def stopped_after(config: Any, out: Path, calls: int) -> None:
    bus = Bus()
    with bus.subscribe(100_000) as events:
        async with anyio.create_task_group() as group:
            group.start_soon(run, config, out, bus)
            async for event in events:
                calls -= isinstance(event, CallAnswered)
                if not calls:
                    group.cancel_scope.cancel()


async def test_verdicts_that_were_not_stored_are_found_again_for_nothing(
    made: Path, tmp_path: Path
) -> None:
    """
    Whichever are missing: those that are there were made with the others known.
    """
    copy = Path(shutil.copytree(made / "run", tmp_path / "run"))
    with closing(sqlite3.connect(copy / "run.db")) as database, database:
        database.execute("DELETE FROM verdicts WHERE scenario % 3 < 2")
    async with standin() as base_url:
        summary = await run(configured(made, base_url), copy, Bus())
    assert summary.before == CONVERSATIONS // 3
    assert verdicts(copy) == verdicts(made / "run")


async def test_judged_again_the_same_are_dropped_unless_they_are_not_compared(
    made: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(made / "run", tmp_path / "run"))
    judge = judge_config(copy / "run.toml", None, {})
    await refilter(copy, NewFilters(judge=judge))
    assert verdicts(copy, "again") == verdicts(copy)

    without = frozenset({"near_duplicate"})
    summary = await refilter(copy, NewFilters(judge=judge, without=without))
    assert dropped_by(copy, "near_duplicate", "again-2") == set()
    assert summary.changes.kinds["dropped to kept"].number == len(
        dropped_by(copy, "near_duplicate")
    )


async def test_a_replay_takes_what_is_said_about_others_as_recorded(made: Path) -> None:
    assert (await replay_run(made / "run")).is_identical


async def test_another_likeness_would_mix_two_sets_of_data(made: Path) -> None:
    config = configured(made, "http://127.0.0.1:9/v1", filters__near_duplicates=0.8)
    with pytest.raises(ConfigError, match=r"filters\.near_duplicates"):
        await run(config, made / "run", Bus())


@pytest.mark.parametrize("likeness", [False, 0, 0.5, 1])
def test_a_likeness_is_a_share_or_off(likeness: float) -> None:
    section = load_config(None, {"filters.near_duplicates": likeness}).filters
    assert section.near_duplicates == float(likeness)


@pytest.mark.parametrize("likeness", [True, 0.1, 1.1, "0.9"])
def test_other_likenesses_are_refused(likeness: object) -> None:
    with pytest.raises(ConfigError, match="near_duplicates"):
        load_config(None, {"filters.near_duplicates": likeness})


def long_message(directory: Path) -> tuple[int, str]:
    """A kept conversation, and something that its user says."""
    with RunReader(directory / "run.db") as reader:
        for stored in reader.trajectories("kept"):
            for message in stored.trajectory.messages:
                if message.role == "user" and len(message.content.split()) > 15:
                    return stored.trajectory.scenario.number, message.content
    raise LookupError("no user says much")


async def test_what_stands_in_a_benchmark_is_dropped_and_the_file_may_not_change(
    made: Path, tmp_path: Path
) -> None:
    number, text = long_message(made / "run")
    file = tmp_path / "bench.jsonl"
    file.write_text(json.dumps({"question": [[{"content": text.upper()}]]}))
    out = tmp_path / "run"
    async with standin() as base_url:
        few = {"filters__decontaminate": [file], "run__conversations": number + 1}
        config = configured(made, base_url, **few)
        await run(config, out, Bus())
        assert number in dropped_by(out, "benchmark_overlap")
        await run(config, out, Bus())

        file.write_text(json.dumps({"question": text + " " + text}))
        with pytest.raises(ConfigError, match="other contents"):
            await run(config, out, Bus())
        without = configured(made, base_url, run__conversations=number + 1)
        with pytest.raises(ConfigError, match=r"filters\.decontaminate"):
            await run(without, out, Bus())
    file.unlink()
    assert (await replay_run(out)).is_identical


async def test_a_benchmark_that_cannot_be_read_stops_a_run_before_anything(
    tmp_path: Path,
) -> None:
    files = [tmp_path / "none.json", tmp_path / "lamps.json"]
    config = configured(tmp_path, "http://127.0.0.1:9/v1", filters__decontaminate=files)
    with pytest.raises(ConfigError) as refused:
        await run(config, tmp_path / "run", Bus())
    assert [
        str(file) in line for file, line in zip(files, refused.value.problems, strict=True)
    ] == [
        True,
        True,
    ]
    assert not (tmp_path / "run").exists()


async def test_a_run_is_judged_again_with_a_benchmark(made: Path, tmp_path: Path) -> None:
    number, text = long_message(made / "run")
    file = tmp_path / "bench.txt"
    file.write_text(text)
    copy = Path(shutil.copytree(made / "run", tmp_path / "run"))
    compare = FiltersSection(decontaminate=(file,))
    await refilter(copy, NewFilters(compare=compare))
    assert number in dropped_by(copy, "benchmark_overlap", "again")
    await refilter(copy, NewFilters(compare=compare, without=frozenset({"benchmark_overlap"})))
    assert dropped_by(copy, "benchmark_overlap", "again-2") == set()


def test_the_command_takes_benchmarks_for_a_run_and_for_a_file(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number, text = long_message(made / "run")
    file = tmp_path / "bench.txt"
    file.write_text(text)
    copy = Path(shutil.copytree(made / "run", tmp_path / "run"))
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(exported(copy)[0])
    capsys.readouterr()
    again = ["filter", str(copy), "--rules-only", "--decontaminate", str(file)]
    out = tmp_path / "out.jsonl"
    foreign = ["filter", "--in", str(rows), "--out", str(out), "--rules-only"]
    for command in (again, [*foreign, "--decontaminate", str(file)]):
        with pytest.raises(SystemExit) as ended:
            main(command)
        assert ended.value.code == 0, capsys.readouterr().err
    assert number in dropped_by(copy, "benchmark_overlap", "again")
    assert "overlap with bench.txt" in capsys.readouterr().out
    found = [
        reason for line in out.read_text().splitlines() for reason in json.loads(line)["reasons"]
    ]
    assert {reason["check"] for reason in found} == {"benchmark_overlap"}
