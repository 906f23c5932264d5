"""``simkit plan`` on the folder of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simkit.cli.main import main
from tests.simkit.tuning.recorded_runs import Call, a_run

CALLS = 6


def recorded(folder: Path, *, conversations: int = 20) -> Path:
    """Conversations of `CALLS` calls of 1,000 tokens in and 100 out, 2 s each."""
    calls = [
        Call(scenario=scenario, at=12.0 * scenario + 2.0 * turn, total=2.0, tokens=(1_000, 100))
        for scenario in range(conversations)
        for turn in range(CALLS)
    ]
    options = {
        "model.name": "m",
        "provider.base_url": "http://host/v1",
        "run.concurrency": 8,
    }
    return a_run(folder, calls, **options).path


def simkit(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


def test_a_plan_of_a_small_run_adds_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """160,000 conversations of 6 calls at 120 a minute take 480,000 s, or a little more."""
    run = recorded(tmp_path)

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
    (("--price", "nan/1"), "INPUT/OUTPUT"),
    (("--price", "1e308/1e308"), "from 0 to 1,000,000,000, such as"),
    (("--price", "1/2", "--prices", "p.toml"), "leave out one"),
    (("--prices", "absent.toml"), "absent.toml: cannot be read"),
]


@pytest.mark.parametrize(("flags", "problem"), BAD)
def test_what_cannot_be_is_refused_in_a_line(
    flags: tuple[object, ...], problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    code = simkit("plan", recorded(tmp_path, conversations=1), *flags)

    told = capsys.readouterr().err
    assert code == 2
    assert problem in told
    assert len(told.splitlines()) == 1


def test_a_run_without_calls_tells_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code = simkit("plan", recorded(tmp_path, conversations=0))

    assert code == 2
    assert "holds no answered call" in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["1e-300", "1e-307"])
def test_a_plan_that_never_ends_fails(
    limit: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    code = simkit("plan", recorded(tmp_path), "--rpm", limit)

    told = capfd.readouterr()
    assert code == 1
    assert "would not end" in told.out
    assert not told.err  # no warnings of libraries
