"""Runs that are interrupted and go on, over real HTTP and with real processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simkit.bus import Bus
from simkit.cli.main import main
from simkit.config import ConfigError, RunConfig
from simkit.config_file import load_config
from simkit.run import run
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.database import StoreError
from simkit.traces.exports import export
from simkit.traces.run_directory import RunDirectory, RunDirectoryError
from simkit.traces.run_reader import RunReader
from tests.simkit.drained_runs import drained_after

SMALL: dict[str, Any] = {
    "catalog.demo": True,
    "graph.embedder": "lexical",
    "model.name": "standin",
    "walk.min_length": 2,
    "walk.max_length": 4,
    "run.conversations": 24,
    "run.concurrency": 8,
    "provider.retry_min_pause_seconds": 0.01,
}
KILLS = 30
DEADLINE_SECONDS = 120


@asynccontextmanager
async def standin(**settings: Any) -> AsyncIterator[str]:
    chosen = StandinSettings(**settings)
    async with running(chosen, ScriptedBrain(mistakes=chosen.mistakes)) as base_url:
        yield base_url


async def answered(base_url: str) -> int:
    root = base_url.removesuffix("/v1")
    async with aiohttp.ClientSession() as session, session.get(f"{root}/stats") as answer:
        return int((await answer.json())["answered"])


def configured(base_url: str, **options: Any) -> RunConfig:
    changes = {key.replace("__", "."): value for key, value in options.items()}
    return load_config(None, {**SMALL, "provider.base_url": base_url, **changes})


def exported(directory: Path) -> list[bytes]:
    made = []
    with RunReader(RunDirectory.open(directory).database_path) as reader:
        for name in ("toolmind", "openai"):
            report = export(reader, name, directory / f"{name}.jsonl")  # type: ignore[arg-type]
            made += [report.path.read_bytes(), report.manifest_path.read_bytes()]
    return made


def stored_calls(directory: Path) -> int:
    with RunReader(directory / "run.db") as reader:
        return reader.counts().calls


async def test_a_run_that_was_drained_loses_no_reply_and_ends_as_if_it_had_not_been(
    tmp_path: Path,
) -> None:
    async with standin(mistakes=0.1, latency_seconds=0.02) as base_url:
        config = configured(base_url)
        await run(config, tmp_path / "whole", Bus())
        before = await answered(base_url)
        for more in (60, 90, 150):
            await drained_after(config, tmp_path / "stopped", more)
            assert stored_calls(tmp_path / "stopped") == await answered(base_url) - before
        await run(config, tmp_path / "stopped", Bus())
        assert await answered(base_url) - before == before
    assert exported(tmp_path / "stopped") == exported(tmp_path / "whole")


async def test_a_run_that_is_through_asks_nothing_and_more_conversations_are_added(
    tmp_path: Path,
) -> None:
    async with standin() as base_url:
        await run(configured(base_url, run__conversations=10), tmp_path / "run", Bus())
        asked = await answered(base_url)
        again = await run(configured(base_url, run__conversations=10), tmp_path / "run", Bus())
        assert await answered(base_url) == asked
        assert again.not_started == 0
        await run(configured(base_url, run__concurrency=3), tmp_path / "run", Bus())
        await run(configured(base_url), tmp_path / "at-once", Bus())
    assert exported(tmp_path / "run") == exported(tmp_path / "at-once")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("run.seed", 8),
        ("model.name", "other"),
        ("model.temperature", 0.5),
        ("roles.judge.model", "other"),
        ("walk.max_length", 5),
        ("conversation.max_messages", 10),
        ("filters.judge", False),
        ("graph.max_out_edges", 3),
        ("provider.tool_mode", "prompt"),
    ],
)
async def test_what_would_mix_two_sets_of_data_is_refused_and_named(
    tmp_path: Path, key: str, value: object
) -> None:
    async with standin(models=("standin", "other")) as base_url:
        config = configured(base_url, run__conversations=2)
        await run(config, tmp_path / "run", Bus())
        other = configured(base_url, run__conversations=2, **{key: value})
        with pytest.raises(ConfigError) as refused:
            await run(other, tmp_path / "run", Bus())
    asked = str(refused.value)
    assert key.rpartition(".")[2].removeprefix("max_") in asked or "model" in asked
    assert "--out" in asked


async def test_changed_prompts_are_refused_and_named(tmp_path: Path) -> None:
    async with standin() as base_url:
        config = configured(base_url, run__conversations=2)
        await run(config, tmp_path / "run", Bus())
        with closing(sqlite3.connect(tmp_path / "run" / "run.db")) as database, database:
            (noted,) = database.execute("SELECT value FROM meta WHERE key = 'prompts'").fetchone()
            changed = json.dumps(json.loads(noted) | {"assistant": "0" * 16})
            database.execute("UPDATE meta SET value = ? WHERE key = 'prompts'", (changed,))
        with pytest.raises(ConfigError, match=r"other prompts \(assistant\)"):
            await run(config, tmp_path / "run", Bus())


async def test_two_runs_that_were_put_together_by_hand_are_told_apart(tmp_path: Path) -> None:
    async with standin() as base_url:
        config = configured(base_url, run__conversations=2)
        await run(config, tmp_path / "one", Bus())
        other = configured(base_url, run__conversations=2, run__seed=5)
        await run(other, tmp_path / "other", Bus())
        (tmp_path / "other" / "run.db").replace(tmp_path / "one" / "run.db")
        with pytest.raises(ConfigError, match="was not made with"):
            await run(config, tmp_path / "one", Bus())


async def test_a_run_that_another_process_works_on_is_refused(tmp_path: Path) -> None:
    async with standin() as base_url:
        config = configured(base_url, run__conversations=2)
        await run(config, tmp_path / "run", Bus())
        directory = RunDirectory.open(tmp_path / "run")
        with directory.locked(), pytest.raises(RunDirectoryError, match="another process"):
            await run(config, tmp_path / "run", Bus())


async def test_a_damaged_database_is_found_before_anything_is_added(tmp_path: Path) -> None:
    async with standin() as base_url:
        config = configured(base_url, run__conversations=6)
        await run(config, tmp_path / "run", Bus())
        path = tmp_path / "run" / "run.db"
        body = bytearray(path.read_bytes())
        for page in range(2, len(body) // 4096):
            body[page * 4096 : page * 4096 + 64] = b"\xff" * 64
        path.write_bytes(body)
        asked = await answered(base_url)
        with pytest.raises(StoreError, match="damaged"):
            await run(config, tmp_path / "run", Bus())
        assert await answered(base_url) == asked
        assert path.read_bytes() == body


async def test_what_a_lost_provider_made_fail_is_played_again(tmp_path: Path) -> None:
    options = {"provider.retry_attempts": 1}
    async with standin(faults=0.3, seed=3) as base_url:
        await run(configured(base_url, **options), tmp_path / "run", Bus())
    with RunReader(tmp_path / "run" / "run.db") as reader:
        assert reader.counts().failed > 0
    async with standin() as base_url:
        await run(configured(base_url, **options), tmp_path / "run", Bus())
    with RunReader(tmp_path / "run" / "run.db") as reader:
        assert reader.counts().failed == 0
        assert reader.counts().played == 24


async def test_what_was_spent_before_counts(tmp_path: Path) -> None:
    async with standin() as base_url:
        first = await run(configured(base_url, run__conversations=6), tmp_path / "run", Bus())
        again = await run(configured(base_url, run__conversations=6), tmp_path / "run", Bus())
    assert again.spending[0].spent == first.spending[0].spent > 0


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The base URL of a provider in a process of its own."""
    command = [sys.executable, "-m", "simkit", "provider", "--latency", "0.05"]
    command += ["--mistakes", "0.05", "--faults", "0.02", "--end-with-stdin"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


def generate(base_url: str, out: Path) -> list[str]:
    command = ["generate", "--quiet", "--embedder", "lexical"]
    command += ["--catalog", str(Path(__file__).parents[2] / "graph" / "samples" / "demo")]
    command += ["--min-length", "2", "--max-length", "4", "-n", "200", "--concurrency", "64"]
    return [*command, "--base-url", base_url, "--model", "standin", "--out", str(out)]


def answered_by(base_url: str) -> int:
    with urllib.request.urlopen(f"{base_url.removesuffix('/v1')}/stats") as answer:
        return int(json.loads(answer.read())["answered"])


@pytest.fixture(scope="module")
def never_killed(address: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[bytes], int]:
    """What a run of 200 exports, and how many answers it takes."""
    out, before = tmp_path_factory.mktemp("never-killed") / "whole", answered_by(address)
    subprocess.run([sys.executable, "-m", "simkit", *generate(address, out)], check=True)
    return exported(out), answered_by(address) - before


@pytest.fixture(scope="module")
def start() -> Callable[..., BaseProcess]:
    """Start `simkit` in a process of its own, a copy of one that has imported what it takes."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["pytest", "simkit.run", "simkit.watched_run"])

    def call(*arguments: str) -> BaseProcess:
        process = processes.Process(target=main, args=(list(arguments),))
        process.start()
        return process

    return call


def has_stored(out: Path, calls: int, process: BaseProcess) -> bool:
    """Wait until the run in *out* has stored *calls*; False if *process* ends before."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while process.is_alive():
        if RunDirectory.is_run(out) and stored_calls(out) >= calls:
            return True
        assert time.monotonic() < deadline, "it has not come so far"
        time.sleep(0.02)  # another process works, and tells nobody when
    return False


@pytest.mark.parametrize(
    ("sent", "times"), [(signal.SIGKILL, KILLS), (signal.SIGTERM, 5)], ids=["SIGKILL", "SIGTERM"]
)
def test_a_run_of_200_that_is_killed_again_and_again_ends_like_one_that_never_was(
    sent: signal.Signals,
    times: int,
    address: str,
    never_killed: tuple[list[bytes], int],
    start: Callable[..., BaseProcess],
    tmp_path: Path,
) -> None:
    """Only calls that were being made when it was killed are made twice."""
    whole, needed = never_killed
    out, before = tmp_path / "killed", answered_by(address)
    draw, killed, twice_at_most, calls = random.Random(sent), 0, 0, 0
    while True:
        process = start(*generate(address, out))
        calls += draw.randint(1, needed // (times + 1))
        if killed < times and has_stored(out, calls, process):
            os.kill(process.pid or 0, sent)
            process.join(DEADLINE_SECONDS)
            killed, calls = killed + 1, stored_calls(out)
            twice_at_most += 64 * 4 if sent == signal.SIGKILL else 0
            continue
        process.join(DEADLINE_SECONDS)
        assert process.exitcode == 0
        break
    assert killed > 2
    assert 0 <= answered_by(address) - before - needed <= twice_at_most
    assert exported(out) == whole
