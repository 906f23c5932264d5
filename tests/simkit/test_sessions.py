"""Each process leaves with the run what it measured: over real HTTP, and shown by the report."""

from __future__ import annotations

import json
import time
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import orjson
import pytest
from rich.console import Console

from simkit.bus import Bus
from simkit.cli.main import main
from simkit.config import RunConfig
from simkit.config_file import load_config, to_toml
from simkit.measured_session import Gauged, measured_session
from simkit.pace import Pace
from simkit.report import read_report, render_report
from simkit.run import run
from simkit.session import AccountSession, Session, next_number, session_note, sessions_of
from simkit.sessions_tables import sessions_tables
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.events import CallAnswered
from simkit.traces.exports import export
from simkit.traces.run_directory import RunDirectory
from simkit.traces.run_reader import RunReader
from simkit.traces.store import Store, StoreError
from tests.simkit.drained_runs import drained_after


def configured(base_url: str, **options: Any) -> RunConfig:
    given = {
        "catalog.demo": True,
        "graph.embedder": "lexical",
        "model.name": "standin",
        "provider.base_url": base_url,
        "provider.retry_min_pause_seconds": 0.01,
        "walk.min_length": 2,
        "walk.max_length": 3,
        "run.conversations": 4,
        "run.concurrency": 4,
    }
    return load_config(None, given | {k.replace("__", "."): v for k, v in options.items()})


async def stats_of(base_url: str) -> dict[str, Any]:
    url = f"{base_url.removesuffix('/v1')}/stats"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        stats: dict[str, Any] = await answer.json()
        return stats


def sessions(directory: Path) -> tuple[Session, ...]:
    with RunReader(directory / "run.db") as reader:
        return sessions_of(reader.meta())


def exported(directory: Path) -> bytes:
    out = directory / "exports" / "toolmind.jsonl"
    with RunReader(directory / "run.db") as reader:
        export(reader, "toolmind", out)
    return out.read_bytes()


def shown(tables: Any, width: int = 100) -> str:
    console = Console(width=width)
    with console.capture() as output:
        console.print(tables)
    return output.get()


async def test_a_run_that_is_held_by_requests_says_so_with_the_providers_own_figures(
    tmp_path: Path,
) -> None:
    began = time.time()
    async with running(StandinSettings(latency_seconds=0.01), ScriptedBrain()) as base_url:
        config = configured(base_url, provider__requests_per_minute=1_500)
        summary = await run(config, tmp_path / "run", Bus())
        stats = await stats_of(base_url)

    (session,) = sessions(tmp_path / "run")
    (account,) = session.accounts
    assert next(iter(session.limiting)) == "requests"
    assert session.limiting["requests"] > 0.5
    assert sum(session.limiting.values()) == pytest.approx(1)
    assert session.calls == account.answered == stats["answered"]
    on_arrival = stats["peak_in_flight"]  # some are answered while others are on their way
    assert on_arrival <= account.peak_in_flight < 2 * on_arrival
    assert (account.refused, account.failed, account.failed_seconds) == ({}, 0, 0.0)
    assert account.told_per_minute == {"requests": 1_500}
    assert account.per_minute["requests"] == pytest.approx(1_500, rel=0.05)
    assert 0.4 * session.seconds < account.seconds_waited["requests"] <= session.seconds
    assert (account.provider, account.model) == ("default", "standin")
    assert (session.conversations, session.concurrency, session.peak_conversations) == (4, 4, 4)
    assert session.filter_workers == config.filter_workers
    assert began <= session.started_at <= time.time()
    assert 0 < session.loop_cpu_seconds <= session.seconds <= summary.seconds
    assert 0 < session.memory_bytes_before <= session.memory_bytes_peak
    assert 0 < session.disk_bytes <= (tmp_path / "run" / "run.db").stat().st_size


async def test_refusals_and_failures_are_counted_as_the_provider_counts_them(
    tmp_path: Path,
) -> None:
    settings = StandinSettings(latency_seconds=0.02, concurrency=2, faults=0.1, seed=3)
    async with running(settings, ScriptedBrain()) as base_url:
        config = configured(base_url, provider__max_calls_in_flight=8)
        await run(config, tmp_path / "run", Bus())
        stats = await stats_of(base_url)

    ((account,),) = (session.accounts for session in sessions(tmp_path / "run"))
    refusals = stats["faults"].get("429", 0)
    assert account.refused["concurrency"] == stats["rate_limited"]["concurrency"] > 0
    assert sum(account.refused.values()) == sum(stats["rate_limited"].values()) + refusals
    assert account.answered == stats["answered"]
    assert account.failed > 0
    assert account.failed_seconds > 0


async def test_a_run_that_was_stopped_has_a_session_for_each_part_and_the_same_data(
    tmp_path: Path,
) -> None:
    async with running(StandinSettings(latency_seconds=0.01), ScriptedBrain()) as base_url:
        config = configured(base_url)
        await run(config, tmp_path / "whole", Bus())
        await drained_after(config, tmp_path / "run", 12)
        await run(config, tmp_path / "run", Bus())
        before = await stats_of(base_url)
        await run(config, tmp_path / "run", Bus())
        assert (await stats_of(base_url))["requests"] == before["requests"]

    first, second = sessions(tmp_path / "run")  # the third asked nobody
    (whole,) = sessions(tmp_path / "whole")
    assert first.calls >= 12
    assert first.calls + second.calls == whole.calls
    assert first.conversations + second.conversations == whole.conversations == 4
    assert first.started_at + first.seconds <= second.started_at
    assert exported(tmp_path / "run") == exported(tmp_path / "whole")


async def test_a_run_that_is_cut_off_at_once_leaves_its_session(tmp_path: Path) -> None:
    settings = StandinSettings(latency_seconds=0.01)
    async with running(settings, ScriptedBrain()) as base_url:
        bus = Bus()
        with bus.subscribe(100_000) as events:
            async with anyio.create_task_group() as group:
                group.start_soon(run, configured(base_url), tmp_path / "run", bus)
                async for event in events:
                    if isinstance(event, CallAnswered):
                        break
                group.cancel_scope.cancel()
    (session,) = sessions(tmp_path / "run")
    assert session.calls >= 1


def an_account(**changes: Any) -> AccountSession:
    fields: dict[str, Any] = {
        "provider": "default",
        "model": "m",
        "told_per_minute": {},
        "per_minute": {"requests": 60.0, "input_tokens": 90_000.0},
        "max_in_flight": 16,
        "peak_in_flight": 12,
        "answered": 100,
        "refused": {},
        "failed": 0,
        "failed_seconds": 0.0,
        "seconds_waited": {},
    }
    return AccountSession(**(fields | changes))


def a_session(**changes: Any) -> Session:
    fields: dict[str, Any] = {
        "started_at": 1_777_636_800.0,
        "seconds": 50.0,
        "concurrency": 64,
        "filter_workers": 8,
        "peak_conversations": 40,
        "conversations": 10,
        "calls": 100,
        "loop_cpu_seconds": 1.0,
        "memory_bytes_before": 1,
        "memory_bytes_peak": 2,
        "disk_bytes": 3,
        "limiting": {"requests": 0.7, "provider latency": 0.2, "disk": 0.06, "CPU": 0.04},
        "accounts": (an_account(),),
    }
    return Session(**(fields | changes))


def gauged(calls: int = 1) -> Gauged:
    accounts = (an_account(answered=calls),)
    return Gauged(
        concurrency=lambda: 1,
        filter_workers=lambda: 1,
        peak_conversations=lambda: 1,
        conversations=lambda: 0,
        accounts=lambda: accounts,
    )


@pytest.mark.parametrize("calls", [0, 1])
async def test_an_error_leaves_the_session_and_comes_out_as_itself(
    tmp_path: Path, calls: int
) -> None:
    async with Store.open(tmp_path / "run.db") as store:
        with pytest.raises(KeyError, match="ours"):
            async with measured_session(store, Pace(list), gauged(calls), number=0):
                raise KeyError("ours")
    assert len(sessions(tmp_path)) == calls  # one that made no call is not worth keeping


async def test_a_store_that_takes_nothing_any_more_hides_no_error(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "run.db") as store:
        unfit: Any = object()
        with pytest.raises(StoreError, match="cannot write"):
            async with measured_session(store, Pace(list), gauged(), number=0):
                await store.save_meta("x", unfit)
        with pytest.raises(KeyError, match="ours"):
            async with measured_session(store, Pace(list), gauged(), number=1):
                raise KeyError("ours")
    assert sessions(tmp_path) == ()


def test_the_next_session_follows_the_last_one_also_when_that_is_damaged() -> None:
    assert next_number({}) == 0
    assert next_number({"data": "x", "session": "no", "sessions 7": "no"}) == 0
    assert next_number({"session 0": "{}", "session 11": "damaged", "session x": ""}) == 12


async def add_notes(database: Path, *notes: tuple[str, str]) -> None:
    async with Store.open(database) as store:
        for note in notes:
            await store.save_meta(*note)


def test_a_report_shows_each_session_and_never_its_raw_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = RunDirectory.create(
        tmp_path / "run", to_toml(load_config(None, {"model.name": "m"}))
    )
    anyio.run(
        add_notes,
        directory.database_path,
        session_note(a_session(), 0),
        session_note(a_session(calls=5_000, accounts=(an_account(), an_account())), 1),
        ("session 2", '{"damaged": true}'),
    )
    text = shown(render_report(read_report(directory.path)))
    assert "damaged" not in text
    assert "loop_cpu" not in text
    words = " ".join(text.split())
    assert "session 1 of 2, 2026-05-01" in words
    assert "time 0:00:50" in words
    assert "conversations in flight 40 of 64" in words
    assert "calls a second 2.0" in words
    assert "calls a second 100.0" in words
    assert "requests (70%), provider latency (20%), disk (6%)" in words
    assert "CPU" not in words
    assert "limits of m at default, key 2" in words
    assert "60 requests/min, 90,000 input tokens/min, 16 calls at once" in words

    with pytest.raises(SystemExit) as ended:
        main(["report", str(directory.path), "--json"])
    assert not ended.value.code
    printed = json.loads(capsys.readouterr().out)
    assert [session["calls"] for session in printed["sessions"]] == [100, 5_000]
    assert printed["sessions"][0]["accounts"][0]["per_minute"]["requests"] == 60
    assert printed["facts"] == {}


def test_of_many_sessions_the_last_three_are_shown() -> None:
    tables = list(sessions_tables([a_session()] * 5))
    assert "session 3 of 5" in shown(tables[0])
    assert len(tables) == 3
    assert list(sessions_tables([])) == []


@pytest.mark.parametrize("number", [1e300, -1e300])
def test_a_session_with_impossible_figures_is_shown_all_the_same(number: float) -> None:
    hostile = an_account(model="\x1b[2J[red]", per_minute={"a\x1b": number})
    changes = {"started_at": number, "seconds": number, "accounts": (hostile,)}
    text = shown(next(sessions_tables([a_session(**changes)])))
    assert "at an unknown time" in text
    assert "\x1b" not in text


def test_a_session_is_read_back_as_it_was_noted() -> None:
    meta = dict(session_note(a_session(calls=number), number) for number in (2, 0, 10))
    assert [session.calls for session in sessions_of(meta)] == [0, 2, 10]
    assert sessions_of(meta)[0] == a_session(calls=0)
    assert orjson.loads(meta["session 2"])["accounts"][0]["peak_in_flight"] == 12


@pytest.mark.parametrize(
    ("where", "figure"),
    [
        (("seconds",), "NaN"),
        (("seconds",), "Infinity"),
        (("started_at",), "-1"),
        (("calls",), "-1"),
        (("memory_bytes_peak",), "9" * 400),
        (("limiting", "requests"), "NaN"),
        (("accounts", 0, "failed"), "-1"),
        (("accounts", 0, "failed_seconds"), "-Infinity"),
        (("accounts", 0, "per_minute", "requests"), "1e999"),
        (("accounts", 0, "refused", "tokens"), "-7"),
    ],
)
def test_a_session_with_a_figure_that_cannot_be_is_left_out_and_the_others_stay(
    where: tuple[Any, ...], figure: str
) -> None:
    meta = dict(session_note(a_session(calls=number), number) for number in range(3))
    damaged: Any = json.loads(meta["session 1"])
    *path, last = where
    reduce(getitem, path, damaged)[last] = "HERE"
    meta["session 1"] = json.dumps(damaged).replace('"HERE"', figure)
    assert [session.calls for session in sessions_of(meta)] == [0, 2]
    assert next_number(meta) == 3


@pytest.mark.parametrize("number", ["\u00b2", "01", "-1", "1 ", "9" * 5_000])
def test_what_is_no_number_of_a_session_is_no_session(number: str) -> None:
    _, value = session_note(a_session(), 0)
    meta = {f"session {number}": value}
    assert sessions_of(meta) == ()
    assert next_number(meta) == 0
