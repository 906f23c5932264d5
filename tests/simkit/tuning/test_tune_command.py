"""``simkit tune``: what it prints and writes, and what bad input gets."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from simkit.cli.main import main
from simkit.config import RunConfig
from simkit.config_file import load_config
from simkit.tuning.limits_of_run import Given, assumed_limits
from simkit.tuning.sweep_of import too_large
from tests.simkit.tuning.planning import conversation, workload
from tests.simkit.tuning.recorded_runs import SESSION, Call, a_run, in_turn

HOST = "http://127.0.0.1:9/v1"


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    out: str
    err: str


Simkit = Callable[..., Outcome]


@pytest.fixture
def simkit(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Simkit:
    """Run the command line in this process, in a terminal that is wide enough."""
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), captured.out, captured.err)

    return run


def recorded(folder: Path, *, model: str = "m", **options: Any) -> Path:
    """The folder of a run of 40 conversations of 4 calls, of a second each, 4 at a time."""
    calls = [
        Call(scenario=number, model=model, at=one.at, total=one.total)
        for number in range(40)
        for one in in_turn(number, begins=5.0 * (number // 4))
    ]
    given = {"model.name": model, "provider.base_url": HOST, "filters.judge": False} | options
    return a_run(folder, calls, sessions=[SESSION], **given).path


def test_a_run_is_rehearsed_and_the_knee_named(simkit: Simkit, tmp_path: Path):
    run = recorded(tmp_path)
    out = tmp_path / "best of all.toml"
    page = tmp_path / "page.html"

    told = simkit("tune", run, "-n", "100", "--rpm", "240", "--out", out, "--html", page)

    assert told.code == 0, told.err
    assert "240 requests a minute  given" in told.out
    assert "requests a minute are used up" in " ".join(told.out.split())
    assert "> " in told.out
    assert told.out.endswith(f"Next: simkit generate '{out}' --out DIR\n")
    best = load_config(out, {})
    assert f"Recommended: {best.run.concurrency} conversations in flight" in told.out
    assert 4 <= best.run.concurrency <= 10
    assert best.run.conversations == 100
    assert best.providers["default"].requests_per_minute == 240
    assert "Recommended" in page.read_text()


def test_json_tells_all_of_it(simkit: Simkit, tmp_path: Path):
    run = recorded(tmp_path)

    arguments = ("--concurrency", "8,2", "--filter-workers", "3", "--calls-in-flight", "2")
    told = simkit("tune", run, *arguments, "--seed", "4", "--json")

    assert told.code == 0, told.err
    found = json.loads(told.out)
    assert [one["concurrency"] for one in found["settings"]] == [2, 8]
    assert found["recommended"]["concurrency"] == 8
    (limit,) = found["assumed"]
    assert (limit["name"], limit["value"], limit["is_told"]) == ("max_calls_in_flight", 2, True)
    # 40 conversations of 4 calls of a second, two at a time; pauses matter to two alone.
    seconds = [one["seconds"] for one in found["settings"]]
    assert seconds == pytest.approx([40 * (4 + 3 * 0.25) / 2, 40 * 4 / 2], rel=0.1)
    assert simkit("tune", run, *arguments, "--seed", "4", "--json").out == told.out


def test_an_example_needs_no_run(simkit: Simkit):
    told = simkit("tune", "--from", "short", "-n", "20", "--concurrency", "4")

    assert told.code == 0, told.err
    assert "It was the only setting tried" in told.out
    assert "Mind: Sizes, latencies and limits are stated" in told.out
    assert "Next: run.concurrency = 4" in told.out


def test_what_a_model_is_called_cannot_act_on_the_terminal(simkit: Simkit, tmp_path: Path):
    run = recorded(tmp_path, model="m\x1b[31m[red]\u202e")

    told = simkit("tune", run, "--concurrency", "2", "-n", "10")

    assert told.code == 0, told.err
    assert not {"\x1b", "\u202e"} & set(told.out + told.err)


def test_a_provider_that_fails_nearly_always_gets_a_verdict(simkit: Simkit, tmp_path: Path):
    out = tmp_path / "best.toml"

    told = simkit("tune", recorded(tmp_path), "-n", "10", "--fault-share", "0.9999", "--out", out)

    assert (told.code == 1) == ("No setting gets through" in told.out), told
    assert out.exists() == (told.code == 0)


def test_no_more_than_all_conversations_at_once_is_recommended(simkit: Simkit, tmp_path: Path):
    told = simkit("tune", recorded(tmp_path), "-n", "12", "--concurrency", "1,4,16", "--json")

    found = json.loads(told.out)
    assert found["recommended"]["concurrency"] == 12
    assert any("16 in flight would be the same as 12" in doubt for doubt in found["doubts"])


def test_one_conversation_is_told_as_one(simkit: Simkit, tmp_path: Path):
    told = simkit(
        *("tune", recorded(tmp_path), "-n", "1", "--concurrency", "1"), "--filter-workers", "1"
    )

    assert (
        "Recommended: 1 conversation in flight and 1 filter worker; 1 conversation in about "
        in told.out
    )


def test_what_never_ends_has_no_waits_and_no_quota_to_speak_of(simkit: Simkit, tmp_path: Path):
    """The first call is answered at once, and none after it."""
    run = recorded(tmp_path)

    told = simkit("tune", run, "-n", "4", "--concurrency", "2", "--rpm", "1e-9")

    assert told.code == 1
    (row,) = [line.split() for line in told.out.splitlines() if "requests over 1,000%" in line]
    assert row[4:8] == ["-", "-", "1.0", "s"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "name the folder of a run, or --from EXAMPLE"),
        (["RUN", "--from", "paper"], "stands in for a run"),
        (["--from", "nothing"], 'there is no example "nothing"; there is'),
        (["missing"], "there is no folder missing"),
        (["CONFIG"], "--live --budget TOKENS"),
        (["RUN", "--concurrency", "0"], 'found "0"'),
        (["RUN", "--concurrency", "8,x"], "expected whole numbers from 1 to 100,000"),
        (["RUN", "--filter-workers", "-1"], "'--filter-workers'"),
        (["RUN", "--rpm", "0"], "requests_per_minute: expected more than 0"),
        (["RUN", "--tpm", "-5"], "tokens_per_minute: expected more than 0"),
        (["RUN", "--calls-in-flight", "0"], "max_calls_in_flight: expected at least 1"),
        (["RUN", "--latency-factor", "0"], "'--latency-factor': 0 is no factor"),
        (["RUN", "--latency-factor", "nan"], "'--latency-factor': nan is no factor"),
        (["RUN", "--fault-share", "1"], "'--fault-share': 1 is no such share"),
        (["RUN", "-n", "100000001"], "'--conversations'"),
        (["RUN", "--html", "run/run.db"], "choose a place outside of it"),
        (["RUN", "--out", "run/run.toml"], "choose a place outside of it"),
        (["RUN", "--out", "run/new.toml"], "choose a place outside of it"),
        (["RUN", "--out", "a", "--html", "./a"], "'--html': a is the file of --out"),
        (["CONFIG", "--live", "--budget", "5", "--out", "CONFIG"], "is what is read"),
        (["RUN", "--budget", "5"], "goes with --live"),
        (["RUN", "--out", "missing/best.toml"], "there is no folder missing"),
        (["RUN", "--html", "."], "is a folder; name a file"),
        (["--from", "paper", "--out", "best.toml"], "leave out --out"),
        (["CONFIG", "--live"], "say what it may spend"),
        (["RUN", "--live", "--budget", "5"], "simkit tune RUN.toml --live"),
        (["CONFIG", "--live", "--budget", "5", "--concurrency", "4"], "leave out --concurrency"),
    ],
)
def test_bad_input_is_told_in_one_line(
    simkit: Simkit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    problem: str,
):
    monkeypatch.chdir(tmp_path)
    run = recorded(tmp_path)
    named = {"RUN": str(run), "CONFIG": str(run / "run.toml")}

    told = simkit("tune", *(named.get(argument, argument) for argument in arguments))

    assert (told.code, told.out) == (2, "")
    assert problem in told.err
    assert len(told.err.splitlines()) == 1


def test_a_run_without_calls_is_told_what_to_do(simkit: Simkit, tmp_path: Path):
    run = a_run(tmp_path, []).path

    told = simkit("tune", run)

    assert (told.code, told.out) == (2, "")
    assert "holds no answered call" in told.err


def test_a_call_beyond_a_whole_minute_of_tokens_is_a_doubt(a_config: Callable[..., RunConfig]):
    large = workload([conversation(2, tokens=(9_000, 500))])
    given = Given(limits={"tokens_per_minute": 9_200.0, "output_tokens_per_minute": 600.0})

    (doubt,) = too_large(large, assumed_limits(a_config(), given))

    assert "9,500 tokens, more than the 9,200 a minute of default" in doubt


def test_what_is_written_is_a_configuration_with_a_reason(simkit: Simkit, tmp_path: Path):
    out = tmp_path / "best.toml"

    simkit("tune", recorded(tmp_path), "--concurrency", "3", "-n", "10", "--out", out)

    text = out.read_text()
    assert text.startswith("# Recommended: 3 conversations in flight")
    assert tomllib.loads(text)["run"]["concurrency"] == 3
