"""What a run's folder gets that is damaged, foreign or of another time: one clear error."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from simkit.cli.main import main
from simkit.config_file import load_config
from simkit.one_run import check_one_run
from simkit.standing import read_standing
from simkit.traces.database import Place, StoreError
from simkit.traces.records import Trajectory
from simkit.traces.rows import answer_of, function_of, trajectory_of, verdict_of
from simkit.traces.run_directory import RunDirectory
from simkit.traces.run_reader import RunReader
from simkit.traces.store import Store

CONFIG = """
[run]
seed = 7
[catalog]
demo = true
[model]
name = "m"
[providers.default]
base_url = "http://127.0.0.1:9/v1"
"""
COMMANDS = {
    "report": lambda run: ["report", run],
    "export": lambda run: ["export", run, "--format", "openai"],
    "generate": lambda run: ["generate", run, "--quiet"],
    "replay": lambda run: ["replay", run],
    "one": lambda run: ["report", run, "--conversation", "1"],
    "filter": lambda run: ["filter", run, "--rules-only"],
    "recover": lambda run: ["recover", run, "--out", f"{run}-saved"],
}


async def fill(path: Path, trajectories: list[Trajectory]) -> None:
    async with Store.open(path) as store:
        for trajectory in trajectories:
            await store.save_trajectory(trajectory, seconds=1.0)


@pytest.fixture
def run(tmp_path: Path, a_trajectory: Callable[..., Trajectory]) -> Path:
    """The folder of a run with three trajectories."""
    directory = RunDirectory.create(tmp_path / "run", CONFIG)
    anyio.run(fill, directory.database_path, [a_trajectory(number) for number in range(3)])
    return directory.path


def cut(run: Path) -> None:
    (run / "run.db").write_bytes(b"")


def cut_in_its_header(run: Path) -> None:
    os.truncate(run / "run.db", 50)


def remove(run: Path) -> None:
    (run / "run.db").unlink()


def make_newer(run: Path) -> None:
    with closing(sqlite3.connect(run / "run.db")) as connection:
        connection.execute("PRAGMA user_version = 99")


def make_foreign(run: Path) -> None:
    remove(run)
    with closing(sqlite3.connect(run / "run.db")) as connection, connection:
        connection.execute("CREATE TABLE songs (title TEXT)")


def make_other(run: Path) -> None:
    (run / "run.db").write_bytes(b"no database at all\n" * 999)


def tear(run: Path) -> None:
    with (run / "run.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 8)


SPOILED: list[tuple[Callable[[Path], None], str, str]] = [
    (cut, "run.db is empty", "put back a copy of it, or start again in a new folder"),
    (cut_in_its_header, "run.db was cut after 50 bytes", "put back a copy of it"),
    (remove, "has a run.toml and no run.db", "put back a copy of run.db"),
    (make_newer, "run.db has store version 99", "use the simkit release that wrote it"),
    (make_foreign, "run.db is not the database of a simkit run", "give the folder"),
    (make_other, "run.db is not the database of a simkit run", "simkit recover"),
]


def said_by(command: str, run: Path, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as left:
        main(COMMANDS[command](str(run)))
    assert left.value.code in (1, 2)
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1, said
    return said


@pytest.mark.parametrize("command", ["report", "export", "generate", "replay", "filter"])
@pytest.mark.parametrize(
    ("spoil", "what", "mend"), SPOILED, ids=lambda value: getattr(value, "__name__", "")
)
def test_reading_a_run_that_cannot_be_read_says_which_file_and_what_to_do(
    command: str,
    spoil: Callable[[Path], None],
    what: str,
    mend: str,
    run: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(run)
    said = said_by(command, run, capsys)
    assert str(run) in said
    assert what in said
    assert mend in said


def drop_a_table(run: Path) -> None:
    with closing(sqlite3.connect(run / "run.db")) as connection, connection:
        connection.execute("DROP TABLE verdicts")


@pytest.mark.parametrize("command", ["report", "one", "export", "generate", "replay", "filter"])
@pytest.mark.parametrize("spoil", [tear, drop_a_table])
def test_whoever_meets_damage_inside_the_database_says_how_to_save_what_is_left(
    spoil: Callable[[Path], None], command: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(run)
    said = said_by(command, run, capsys)
    assert f"{run}/run.db" in said
    assert said.endswith(f"; save what is left: simkit recover {run} --out DIR\n")


def find_out(run: Path) -> None:
    """Whose the run is, and how far it has come."""
    directory = RunDirectory.open(run)
    check_one_run(directory, load_config(directory.config_path, {}))
    read_standing(directory.database_path)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE verdicts SET outcome = 'perhaps'", "verdict of conversation 1 "),
        ("UPDATE calls SET input_tokens = 'many'", "a call "),
        ("INSERT INTO meta VALUES ('prompts', '{')", "the note 'prompts' "),
        ("INSERT INTO meta VALUES ('parent', '{')", "the note 'parent' "),
    ],
)
def test_how_far_a_damaged_run_has_come_is_not_guessed(
    run: Path, statement: str, what: str
) -> None:
    with closing(sqlite3.connect(run / "run.db")) as connection, connection:
        connection.execute("INSERT INTO verdicts VALUES (1, 'run', 'kept', x'')")
        connection.execute(
            "INSERT INTO calls VALUES (x'00', 1, 'user', 0, 0, 0, 'm', x'', 1, 1, 0, 0, 0.0, 0.0,"
            " 0.0, 0.0, 1, x'')"
        )
        connection.execute(statement)
    with pytest.raises(StoreError, match=rf"^{what}in {run}/run\.db is damaged: .*simkit recover"):
        find_out(run)


def put_in_another_run(run: Path, *numbers: int) -> None:
    """Give conversations the ids that they have in a run of seed 5."""
    with closing(sqlite3.connect(run / "run.db")) as connection, connection:
        for number in numbers:
            connection.execute(
                "UPDATE trajectories SET id = ?1, body = CAST(replace(CAST(body AS TEXT), ?2, ?3)"
                " AS BLOB) WHERE scenario = ?4",
                (f"5-{number}", f'"id":"7-{number}"', f'"id":"5-{number}"', number),
            )


@pytest.mark.parametrize("command", ["report", "one", "export", "replay", "filter"])
def test_conversations_of_another_run_are_named_by_whoever_reads_the_run(
    command: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_in_another_run(run, 0, 2)
    said = said_by(command, run, capsys)
    assert "holds conversations of another run beside its own: 0, 2 (conversation 0 has the" in said
    assert "id 5-0, and in this run it would be 7-0)" in said
    assert said.endswith(f"simkit recover {run} --out DIR\n")


@pytest.mark.parametrize("command", ["report", "one", "export", "replay", "filter", "recover"])
def test_the_database_of_another_run_is_told_to_be_one(
    command: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_in_another_run(run, 0, 1, 2)
    said = said_by(command, run, capsys)
    assert f"{run}/run.db is not of the run that {run}/run.toml is of" in said
    assert not Path(f"{run}-saved").exists()


def test_recover_leaves_conversations_of_another_run_out_and_says_so(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_in_another_run(run, 1)
    main_ends_with_0(["recover", str(run), "--out", f"{run}-saved"])
    said = capsys.readouterr().out
    assert "trajectories: 2 rows saved, 1 of another run left out" in said
    assert "no trajectory of scenarios 1, " in said
    assert "nothing is missing" not in said
    main_ends_with_0(["export", f"{run}-saved", "--format", "openai"])


@pytest.mark.parametrize("command", ["export", "filter"])
def test_what_stops_at_a_conversation_that_cannot_be_read_goes_on_in_what_is_recovered(
    command: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(run / "run.db")) as connection, connection:
        connection.execute("UPDATE trajectories SET body = x'7b' WHERE scenario = 1")
        connection.execute(
            "INSERT INTO verdicts VALUES"
            """ (1, 'run', 'kept', CAST('{"schema":1,"outcome":"kept"}' AS BLOB))"""
        )
    said = said_by(command, run, capsys)
    assert f"conversation 1 in {run}/run.db is damaged: it is not JSON" in said
    assert said.endswith(f"save the others: simkit recover {run} --out DIR\n")
    main_ends_with_0(["recover", str(run), "--out", f"{run}-saved"])
    main_ends_with_0(COMMANDS[command](f"{run}-saved"))


@pytest.mark.parametrize("command", ["report", "replay", "recover"])
def test_a_file_in_the_place_of_a_run_is_said_to_be_one(
    command: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = said_by(command, run / "run.db", capsys)
    assert f"{run / 'run.db'} is a file; give the folder of a run" in said


@pytest.mark.parametrize("command", ["report", "replay", "recover"])
def test_a_run_without_its_configuration_is_told_from_other_folders(
    command: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "run.toml").unlink()
    said = said_by(command, run, capsys)
    assert "it has a run.db and no run.toml; put back a copy of run.toml" in said


@pytest.mark.parametrize("spoil", [spoil for spoil, _, _ in SPOILED] + [tear])
def test_a_run_that_cannot_be_read_is_not_gone_on_with_and_not_touched(
    spoil: Callable[[Path], None], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(run)
    before = {path.name: path.read_bytes() for path in run.glob("run.db")}
    said = said_by("generate", run, capsys)
    assert str(run) in said
    assert "; " in said
    assert {path.name: path.read_bytes() for path in run.glob("run.db")} == before


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 0.999])
async def test_of_a_log_that_was_cut_the_committed_beginning_is_read_and_nothing_else(
    share: float, run: Path, tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    cut_run = tmp_path / "cut"
    async with Store.open(run / "run.db") as store:
        for number in range(3, 40):
            await store.save_trajectory(a_trajectory(number), seconds=1.0)
        cut_run.mkdir()  # as a power cut would find it: with all of this in the log
        for name in ("run.db", "run.db-wal", "run.toml"):
            shutil.copyfile(run / name, cut_run / name)
    with (cut_run / "run.db-wal").open("r+b") as log:
        log.truncate(int(share * (cut_run / "run.db-wal").stat().st_size))
    RunDirectory.open(cut_run).check_whole()
    with RunReader(cut_run / "run.db") as reader:
        read = [stored.trajectory for stored in reader.trajectories()]
    assert read == [a_trajectory(number) for number in range(len(read))]
    assert 3 <= len(read) < 40
    assert (len(read) > 3) == (share > 0)


async def test_without_its_log_a_run_is_what_was_folded_into_the_database(
    run: Path, tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    lost_log = tmp_path / "lost"
    async with Store.open(run / "run.db") as store:
        for number in range(3, 40):
            await store.save_trajectory(a_trajectory(number), seconds=1.0)
        shutil.copytree(run, lost_log, ignore=shutil.ignore_patterns("run.db-*"))
    RunDirectory.open(lost_log).check_whole()
    async with Store.open(lost_log / "run.db") as store:
        await store.save_trajectory(a_trajectory(3), seconds=1.0)
    with RunReader(lost_log / "run.db") as reader:
        assert [kept.trajectory for kept in reader.trajectories()] == [
            a_trajectory(number) for number in range(4)
        ]


CALL: dict[str, Any] = {
    "reply": b"{}",
    "extras": b"{}",
    **dict.fromkeys(("input_tokens", "output_tokens"), 1),
    **dict.fromkeys(("cached_input_tokens", "reasoning_tokens"), 0),
    **dict.fromkeys(("started_at", "queued_seconds", "provider_seconds", "total_seconds"), 0.0),
    "attempts": 1,
}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[]", b"7", b'"text"', b"null", b"{}"])
def test_a_row_that_does_not_hold_a_record_is_named(body: bytes) -> None:
    def none(key: str) -> Any:
        raise AssertionError(key)

    for read in (
        lambda: answer_of(CALL | {"reply": body}, Place("row 5", Path("some run/run.db"))),
        lambda: function_of(body, Place("row 5", Path("some run/run.db"))),
        lambda: trajectory_of(body, none, Place("row 5", Path("some run/run.db"))),
        lambda: verdict_of(body, Place("row 5", Path("some run/run.db"))),
    ):
        with pytest.raises(
            StoreError, match=r"row 5 in some run/run\.db is damaged: .*recover some run --"
        ):
            read()


def test_a_run_in_a_folder_that_nobody_may_write_is_read(run: Path) -> None:
    """Here what SQLite would write beside the database cannot be made, also not by root."""
    (run / "run.db-shm").mkdir()
    with RunReader(run / "run.db") as reader:
        assert [stored.trajectory.scenario.number for stored in reader.trajectories()] == [0, 1, 2]


@pytest.fixture
def somebody_elses(run: Path) -> Iterator[Path]:
    """A run that we may read and not write: as root we are somebody else for the test."""
    with tempfile.TemporaryDirectory() as place:
        theirs = Path(shutil.copytree(run, Path(place) / "run"))
        for path in (Path(place), theirs):
            path.chmod(0o555)
        for path in theirs.iterdir():
            path.chmod(0o444)
        us = os.geteuid()
        if us == 0:
            os.seteuid(65534)
        yield theirs
        os.seteuid(us)
        for path in (Path(place), theirs):
            path.chmod(0o755)


def test_a_run_of_somebody_else_is_read_and_not_gone_on_with(
    somebody_elses: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main_ends_with_0(["report", str(somebody_elses)])
    main_ends_with_0(["report", str(somebody_elses), "--conversation", "1"])
    for command in ("generate", "filter"):
        said = said_by(command, somebody_elses, capsys)
        assert "Permission denied" in said
        assert str(somebody_elses) in said


def test_a_run_of_somebody_else_can_be_recovered(somebody_elses: Path) -> None:
    """As can one on a disk that was made read-only when it began to fail."""
    with tempfile.TemporaryDirectory() as ours:
        main_ends_with_0(["recover", str(somebody_elses), "--out", f"{ours}/saved"])
        with RunReader(Path(ours, "saved", "run.db")) as reader:
            assert reader.counts().played == 3


def main_ends_with_0(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 0
