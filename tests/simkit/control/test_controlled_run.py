"""Runs that are paused, resumed and changed while they are played, over real HTTP."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import anyio.to_thread
import pytest
from anyio.abc import Process

from simkit.bus import Bus
from simkit.config import RunConfig
from simkit.config_file import load_config, to_toml
from simkit.control.client import ask
from simkit.control.messages import ControlError, Order, Request, RunState, Value
from simkit.control.place import folders, socket_name
from simkit.control.server import controllable
from simkit.drain import DRAIN_SECONDS
from simkit.run import RunSummary, run
from simkit.session import sessions_of
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.exports import export
from simkit.traces.run_directory import RunDirectory, RunDirectoryError
from simkit.traces.run_reader import RunReader

SMALL: dict[str, Any] = {
    "catalog.demo": True,
    "graph.embedder": "lexical",
    "model.name": "standin",
    "walk.min_length": 2,
    "walk.max_length": 3,
    "run.conversations": 12,
    "run.concurrency": 2,
}
PATIENCE_SECONDS = 30.0
STILL_SECONDS = 0.3
"""While nothing may happen; the stand-in answers in a tenth of it."""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets of these runs are nobody else's."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("x")))


@asynccontextmanager
async def standin(**settings: Any) -> AsyncIterator[str]:
    chosen = StandinSettings(**{"latency_seconds": 0.03, **settings})
    async with running(chosen, ScriptedBrain(mistakes=chosen.mistakes)) as base_url:
        yield base_url


async def stats(base_url: str) -> dict[str, Any]:
    root = base_url.removesuffix("/v1")
    async with aiohttp.ClientSession() as session, session.get(f"{root}/stats") as answer:
        told: dict[str, Any] = await answer.json()
        return told


def configured(base_url: str, **options: Any) -> RunConfig:
    changes = {key.replace("__", "."): value for key, value in options.items()}
    return load_config(None, {**SMALL, "provider.base_url": base_url, **changes})


def exported(directory: Path) -> list[bytes]:
    with RunReader(RunDirectory.open(directory).database_path) as reader:
        report = export(reader, "toolmind", directory / "toolmind.jsonl")
    return [report.path.read_bytes(), report.manifest_path.read_bytes()]


async def told(out: Path, order: Order, changes: dict[str, Value] | None = None) -> RunState:
    """What the run tells after it did *order*; waits until it can be asked."""
    request = Request(order=order, changes=changes or {})
    with anyio.fail_after(PATIENCE_SECONDS):
        while True:
            try:
                reply = await anyio.to_thread.run_sync(ask, out, request)
            except (ControlError, RunDirectoryError) as error:
                if not re.search(
                    "no process|takes no orders|not the folder of|no folder", str(error)
                ):
                    raise
                await anyio.sleep(0.02)
            else:
                assert reply.state is not None
                return reply.state


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    with anyio.fail_after(PATIENCE_SECONDS):
        while not await true():  # noqa: ASYNC110 - another process sets no event
            await anyio.sleep(0.02)


async def has_answered(base_url: str, calls: int) -> bool:
    return int((await stats(base_url))["answered"]) >= calls


@asynccontextmanager
async def played(config: RunConfig, out: Path) -> AsyncIterator[list[RunSummary]]:
    """A run that goes on inside the block, which waits for its end."""
    summaries: list[RunSummary] = []
    bus = Bus()

    async def play() -> None:
        async with controllable(bus, out):
            summaries.append(await run(config, out, bus))

    async with anyio.create_task_group() as group:
        group.start_soon(play)
        yield summaries


async def test_a_paused_run_sends_nothing_and_ends_as_if_it_had_not_been_paused(
    tmp_path: Path,
) -> None:
    """Also in a folder whose path is far longer than that of a socket may be."""
    long = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 6)
    async with standin() as base_url:
        config = configured(base_url, run__concurrency=12)
        await run(config, tmp_path / "whole", Bus())
        before = (await stats(base_url))["answered"]
        async with played(config, long):
            await until(partial(has_answered, base_url, before + 10))
            state = await told(long, "pause")
            assert state.paused_seconds is not None
            await until(partial(_is_idle, base_url))
            still = (await stats(base_url))["requests"]
            await anyio.sleep(STILL_SECONDS)
            assert (await stats(base_url))["requests"] == still
            state = await told(long, "status")
            assert (state.paused_seconds or 0) > STILL_SECONDS
            assert state.done < state.conversations
            assert (await told(long, "resume")).paused_seconds is None
        assert (await stats(base_url))["answered"] == 2 * before
    assert exported(long) == exported(tmp_path / "whole")


async def _is_idle(base_url: str) -> bool:
    return not (await stats(base_url))["in_flight"]


async def test_more_concurrency_is_used_at_once_and_kept_for_later(tmp_path: Path) -> None:
    out = tmp_path / "run"
    async with standin(latency_seconds=0.1) as base_url:
        config = configured(base_url, run__conversations=36, filters__judge=False)
        async with played(config, out):
            state = await told(out, "set", {"concurrency": 30, "max_calls_in_flight": 60})
            assert state.concurrency == 30
            assert state.filter_workers == 7
            await until(partial(_has_peak, base_url, 15))
            state = await told(out, "set", {"concurrency": 1, "filter_workers": 1})

            async def few() -> bool:
                return (await told(out, "status")).in_flight <= 1

            await until(few)
            await told(out, "set", {"concurrency": 36})
    kept = load_config(out / "run.toml", {})
    assert kept.run.concurrency == 36
    assert kept.filters.workers == 1
    assert kept.providers["default"].max_calls_in_flight == 60
    with RunReader(out / "run.db") as reader:
        (session,) = sessions_of(reader.meta())
    assert (session.concurrency, session.concurrency_range) == (36, (1, 36))


async def _has_peak(base_url: str, calls: int) -> bool:
    return bool((await stats(base_url))["peak_in_flight"] >= calls)


async def test_a_lower_rate_is_kept_to_at_once_and_can_be_unset(tmp_path: Path) -> None:
    out = tmp_path / "run"
    async with standin() as base_url, played(configured(base_url, run__concurrency=12), out):
        await until(partial(has_answered, base_url, 10))
        state = await told(out, "set", {"default.requests_per_minute": 240})
        assert state.accounts[0].per_minute["requests"] == pytest.approx(240, rel=0.02)
        before, began = (await stats(base_url))["requests"], time.monotonic()
        await anyio.sleep(1.0)
        sent = (await stats(base_url))["requests"] - before
        assert sent <= 4 * (time.monotonic() - began) + 3  # a burst of half a second's
        state = await told(out, "set", {"requests_per_minute": None})
    assert load_config(out / "run.toml", {}).providers["default"].requests_per_minute is None


async def test_nonsense_is_refused_with_nothing_changed(tmp_path: Path) -> None:
    out = tmp_path / "run"
    async with standin() as base_url, played(configured(base_url), out):
        before = (await told(out, "pause")).concurrency
        kept = (out / "run.toml").read_bytes()
        wrong: list[tuple[dict[str, Value], str]] = [
            ({"concurrency": 7, "filter_workers": -1}, "filters.workers: expected at least 0"),
            ({"concurrency": 7, "requests_per_minute": "many"}, 'a number, found "many"'),
            ({"concurrency": None}, "run.concurrency: expected a whole number"),
            ({"concurrency": 7, "concurency": 8}, "did you mean concurrency?"),
            ({"rpm": 4}, "did you mean requests_per_minute?"),
            ({"default.calls-in-flight": 4}, "did you mean max_calls_in_flight?"),
            ({"concurrency": "none"}, 'a whole number, found "none"'),
            ({"other.requests_per_minute": 8}, 'no provider "other" is asked'),
            ({"default.concurrency": 8}, 'default: unknown option "concurrency"'),
        ]
        for changes, words in wrong:
            with pytest.raises(ControlError, match=words.replace("?", r"\?")):
                await anyio.to_thread.run_sync(ask, out, Request(order="set", changes=changes))
        state = await told(out, "status")
        assert (state.concurrency, (out / "run.toml").read_bytes()) == (before, kept)
        await told(out, "resume")


async def test_a_killed_process_leaves_nobody_to_ask_and_the_next_one_can_be_asked(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    async with standin() as base_url:
        generate = [sys.executable, "-m", "simkit", "generate", str(_file(base_url, tmp_path))]
        generate += ["--out", str(out), "--quiet"]
        async with process_of(generate) as process:
            await told(out, "pause")
            process.kill()
            await process.wait()
        assert await anyio.Path(socket_of(out)).exists()
        with pytest.raises(ControlError, match=f"no process is playing .*generate {out}"):
            await anyio.to_thread.run_sync(ask, out, Request(order="status"))
        async with process_of(generate) as process:
            assert (await told(out, "status")).paused_seconds is None
            await told(out, "pause")
            await until(partial(_is_idle, base_url))
            process.send_signal(signal.SIGINT)
            with anyio.fail_after(DRAIN_SECONDS / 3):
                assert await process.wait() == 130
        assert not await anyio.Path(socket_of(out)).exists()


@asynccontextmanager
async def process_of(command: list[str]) -> AsyncIterator[Process]:
    """A process of *command*, which ends with the block at the latest."""
    async with await anyio.open_process(command, stdout=None, stderr=None) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()


def _file(base_url: str, folder: Path) -> Path:
    path = folder / "run.toml"
    path.write_text(to_toml(configured(base_url, run__conversations=2_000)))
    return path


def socket_of(out: Path) -> Path:
    return next(folders()) / socket_name(out)
