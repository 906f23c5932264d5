"""``simkit export``: every format by name, splits, and what it refuses before it writes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import anyio
import pytest

from simkit.cli.export import Format
from simkit.cli.main import main
from simkit.config_file import load_config, to_toml
from simkit.traces.exports import ExportFormat
from simkit.traces.records import Trajectory, TurnVerdict, Verdict
from simkit.traces.run_directory import RunDirectory
from simkit.traces.store import Store

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def made(tmp_path: Path, a_trajectory: Callable[..., Trajectory]) -> Path:
    """The folder of a run of two conversations, one of which begins with a masked turn."""
    options = {"model.name": "m", "run.conversations": 2, "run.seed": 7}
    run = RunDirectory.create(tmp_path / "run", to_toml(load_config(None, options)))
    anyio.run(_fill, run, [a_trajectory(number) for number in range(2)])
    return run.path


async def _fill(run: RunDirectory, trajectories: list[Trajectory]) -> None:
    async with Store.open(run.database_path) as store:
        for number, trajectory in enumerate(trajectories):
            await store.save_trajectory(trajectory, seconds=1.0)
            turns = (TurnVerdict(index=1, ok=number == 0), TurnVerdict(index=3, ok=True))
            await store.save_verdict(number, Verdict(outcome="kept", turns=turns))


def test_the_command_takes_every_format_there_is() -> None:
    assert [form.value for form in Format] == list(get_args(ExportFormat))


@pytest.mark.parametrize(
    ("form", "rows"), [("toolmind", 3), ("openai", 2), ("hermes", 2), ("preference", 0)]
)
def test_a_format_goes_to_a_file_of_its_name(
    made: Path, command: Command, form: str, rows: int
) -> None:
    code, out, _ = command("export", made, "--format", form)
    path = made / "exports" / f"{form}.jsonl"
    assert (code, out) == (0, f"{path}: {rows} rows from 2 conversations\n")
    assert path.read_bytes().count(b"\n") == rows


def test_sharegpt_says_what_it_cannot_hold(made: Path, command: Command) -> None:
    _, out, _ = command("export", made, "--format", "sharegpt")
    assert "1 rows from 2 conversations\n" in out
    assert out.endswith("left out: 1 turns that passed, but come after a masked one\n")


def test_a_split_goes_to_two_files(made: Path, command: Command, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    options = ["--format", "hermes", "--out", str(out), "--test-share", "0.5"]
    code, printed, _ = command("export", made, *options)
    assert code == 0
    assert [line.split(":")[0] for line in printed.splitlines()] == [
        str(tmp_path / "rows.train.jsonl"),
        str(tmp_path / "rows.test.jsonl"),
    ]
    assert (tmp_path / "rows.manifest.json").exists()


@pytest.mark.parametrize("share", ["0", "1", "-0.5", "nan"])
def test_a_share_that_is_none_is_refused_in_one_line(
    made: Path, command: Command, share: str
) -> None:
    code, _, err = command("export", made, "--format", "openai", "--test-share", share)
    assert (code, err.count("\n")) == (2, 1)
    assert "'--test-share'" in err
    assert not (made / "exports").exists()


def test_parquet_goes_to_a_folder_and_never_over_another(
    made: Path, command: Command, tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra parquet")
    code, out, _ = command("export", made, "--format", "parquet")
    folder = made / "exports" / "parquet"
    assert (code, out) == (0, f"{folder}/data/train.parquet: 2 rows from 2 conversations\n")
    assert (folder / "README.md").exists()
    code, _, err = command("export", made, "--format", "parquet", "--out", made)
    assert (code, err.count("\n")) == (2, 1)
    assert "choose a new folder" in err


def test_parquet_without_pyarrow_says_what_to_install(
    made: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, _, err = command("export", made, "--format", "parquet")
    assert (code, err.count("\n")) == (2, 1)
    assert "pip install 'simkit[parquet]'" in err
