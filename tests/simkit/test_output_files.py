"""What a command is told to write destroys nothing that something else needs."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from simkit.cli.output_files import check_output_files
from simkit.traces.run_directory import RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = RunDirectory.create(tmp_path / "run", "").path
    (path / "exports").mkdir()
    return path


def test_an_earlier_page_and_exports_may_be_written(run: Path, tmp_path: Path):
    page = tmp_path / "page.html"
    page.write_text("an earlier one")

    check_output_files({"--html": page, "--out": run / "exports" / "best.toml"})
    check_output_files({"--html": None, "--out": None})


@pytest.mark.parametrize("name", ["run.db", "run.toml", "run.db-wal", "notes.html"])
def test_nothing_in_the_folder_of_a_run_is_written(run: Path, name: str):
    with pytest.raises(typer.BadParameter, match="choose a place outside of it") as refused:
        check_output_files({"--html": run / "exports" / ".." / name})
    assert refused.value.param_hint == "'--html'"


def test_a_link_to_what_is_not_to_be_written_is_no_way_around(run: Path, tmp_path: Path):
    soft, hard, config = tmp_path / "soft", tmp_path / "hard", tmp_path / "mine.toml"
    soft.symlink_to(run / "run.db")
    hard.hardlink_to(run / "run.db")
    config.touch()
    (tmp_path / "other.toml").hardlink_to(config)

    with pytest.raises(typer.BadParameter, match="in the folder of the run"):
        check_output_files({"--out": soft})
    with pytest.raises(typer.BadParameter, match="is a database"):
        check_output_files({"--out": hard})
    with pytest.raises(typer.BadParameter, match="is what is read"):
        check_output_files({"--out": tmp_path / "other.toml"}, read=[config])
    with pytest.raises(typer.BadParameter, match="is the file of --out"):
        check_output_files({"--out": config, "--html": tmp_path / "other.toml"})
