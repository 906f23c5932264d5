"""``simkit plan`` on the folder of a run."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from simkit.cli.main import main
from simkit.config_file import load_config, to_toml
from simkit.traces.calls import Answer, CallSite, CallTimes, ChatRequest, Completion, Usage
from simkit.traces.records import Message
from simkit.traces.rows import call_row
from simkit.traces.run_directory import RunDirectory

CALLS = 6
START = 1_790_000_000.0


def a_run(folder: Path, *, conversations: int = 20) -> Path:
    """Conversations of `CALLS` calls of 1,000 tokens in and 100 out, 2 s each."""
    options = {
        "model.name": "made-up",
        "provider.base_url": "http://host/v1",
        "run.conversations": max(1, conversations),
        "run.concurrency": 8,
    }
    run = RunDirectory.create(folder / "run", to_toml(load_config(None, options)))
    with closing(sqlite3.connect(run.database_path)) as database:
        for scenario in range(conversations):
            for turn in range(CALLS):
                _insert(database, "calls", _call(scenario, turn))
            played = {"id": f"0-{scenario}", "ended": "user_done", "seconds": 12.0, "messages": 8}
            _insert(database, "trajectories", {"scenario": scenario, "body": b""} | played)
        database.commit()
    return run.path


def _call(scenario: int, turn: int) -> dict[str, Any]:
    request = ChatRequest(
        site=CallSite(scenario=scenario, role="assistant", turn=turn),
        messages=(Message(role="user", content=f"{scenario} {turn}"),),
    )
    answer = Answer(
        completion=Completion(content="!", usage=Usage(input_tokens=1_000, output_tokens=100)),
        times=CallTimes(
            started_at=START + scenario * 12 + turn * 2, provider_seconds=2.0, total_seconds=2.0
        ),
    )
    return call_row(request.fingerprint("made-up"), request, "made-up", answer)


def _insert(database: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    places = ", ".join("?" * len(row))
    insert = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})"
    database.execute(insert, tuple(row.values()))


def simkit(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


def test_a_plan_of_a_small_run_adds_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """160,000 conversations of 6 calls at 120 a minute take 480,000 s, or a little more."""
    run = a_run(tmp_path)

    code = simkit(
        *("plan", run, "--conversations", 160_000, "--rpm", 120, "--concurrency", 20),
        *("--price", "0.15/0.60", "--json"),
    )

    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert found["calls"]["expected"] == 960_000
    assert found["money"]["expected"] == pytest.approx(960_000 * (150 + 60) / 1e6)
    assert found["seconds"]["expected"] == pytest.approx(480_000, rel=0.1)
    assert found["seconds"]["low"] <= 480_000 <= found["seconds"]["high"]
    assert found["advised"]["what"] == "requests a minute x 1.5"


BAD = [
    (("--conversations", 0), "--conversations"),
    (("--concurrency", -1), "--concurrency"),
    (("--rpm", 0), "requests_per_minute: expected more than 0"),
    (("--tpm", "nan"), "tokens_per_minute"),
    (("--calls-in-flight", 0), "max_calls_in_flight: expected at least 1"),
    (("--price", "cheap"), 'such as 0.15/0.60, found "cheap"'),
    (("--price", "0.15"), "INPUT/OUTPUT"),
    (("--price", "1/-1"), "INPUT/OUTPUT"),
    (("--price", "inf/1"), "INPUT/OUTPUT"),
    (("--price", "1/2", "--prices", "p.toml"), "leave out one"),
    (("--prices", "absent.toml"), "absent.toml: cannot be read"),
]


@pytest.mark.parametrize(("flags", "problem"), BAD)
def test_what_cannot_be_is_refused_in_a_line(
    flags: tuple[object, ...], problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    code = simkit("plan", a_run(tmp_path, conversations=1), *flags)

    told = capsys.readouterr().err
    assert code == 2
    assert problem in told
    assert len(told.splitlines()) == 1


def test_a_run_without_calls_tells_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code = simkit("plan", a_run(tmp_path, conversations=0))

    assert code == 2
    assert "holds no answered call" in capsys.readouterr().err
