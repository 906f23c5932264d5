"""The folder of a run: made whole, never over something else, removed only when empty."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from simkit.traces.records import Trajectory
from simkit.traces.run_directory import RunDirectory, RunDirectoryError
from simkit.traces.store import Store


def test_a_new_run_can_be_opened_and_holds_its_configuration(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "runs" / "first", "seed = 7\n")
    assert RunDirectory.open(tmp_path / "runs" / "first") == run
    assert run.config_path.read_text() == "seed = 7\n"
    assert sorted(path.name for path in run.path.iterdir()) == ["run.db", "run.toml"]


def test_an_empty_folder_may_become_a_run(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path, "")
    RunDirectory.open(tmp_path)


def test_a_run_is_not_made_over_another_run(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", "seed = 7\n")
    with pytest.raises(RunDirectoryError, match=r"already holds a run; choose a new .* --out"):
        RunDirectory.create(tmp_path / "run", "seed = 8\n")
    assert (tmp_path / "run" / "run.toml").read_text() == "seed = 7\n"


def test_a_folder_of_someone_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunDirectoryError, match="not empty and not a simkit run"):
        RunDirectory.create(tmp_path, "")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "run.db")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = (tmp_path / "run.db").read_bytes()
    with pytest.raises(RunDirectoryError, match="not a simkit run"):
        RunDirectory.create(tmp_path, "")
    (tmp_path / "run.toml").touch()
    with pytest.raises(RunDirectoryError, match="not the database of a simkit run"):
        RunDirectory.open(tmp_path)
    assert (tmp_path / "run.db").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.db", "run.toml"]


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(RunDirectoryError, match="is a file; choose a new folder"):
        RunDirectory.create(tmp_path / "run", "")
    with pytest.raises(RunDirectoryError, match=r"cannot make the run .*Not a directory"):
        RunDirectory.create(tmp_path / "run" / "below", "")


def test_a_failure_half_way_removes_what_was_made(
    tmp_path: Path, little_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    refused = pytest.raises(RunDirectoryError, match=r"cannot make the run .*run\.db")
    with refused, little_disk(8192):  # the configuration fits, the tables do not
        RunDirectory.create(tmp_path / "a" / "b", "seed = 7\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("made", [[], ["run.toml"], ["run.db"], ["notes.txt"]])
def test_a_folder_that_is_no_run_is_not_opened(tmp_path: Path, made: list[str]) -> None:
    for name in made:
        (tmp_path / name).touch()
    with pytest.raises(RunDirectoryError, match="is not the folder of a simkit run"):
        RunDirectory.open(tmp_path)


def test_a_missing_folder_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="there is no folder"):
        RunDirectory.open(tmp_path / "nowhere")


def test_a_run_of_a_newer_version_is_refused_with_both_versions(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", "")
    with closing(sqlite3.connect(run.database_path)) as connection:
        connection.execute("PRAGMA user_version = 2")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with pytest.raises(RunDirectoryError, match=r"store version 2 and .* version 1; use the"):
        RunDirectory.open(run.path)


async def test_only_a_run_without_calls_and_trajectories_is_discarded(
    tmp_path: Path, a_trajectory: Callable[..., Trajectory]
) -> None:
    run = RunDirectory.create(tmp_path / "run", "")
    async with Store.open(run.database_path) as store:
        await store.save_meta("requested", "500")
        await store.save_trajectory(a_trajectory(), seconds=1.0)
        assert not run.discard()  # seen while the store is open, too
    assert not run.discard()
    assert run.database_path.exists()

    empty = RunDirectory.create(tmp_path / "empty", "")
    async with Store.open(empty.database_path):
        pass
    assert empty.discard()
    assert not empty.path.exists()


def test_a_run_that_cannot_be_read_is_not_discarded(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", "")
    run.database_path.write_bytes(b"damaged")
    assert not run.discard()
    assert run.database_path.exists()
