"""Runs that need no other file than those in their folder, over HTTP against a stand-in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import pytest
import structlog

from simkit.bus import Bus
from simkit.cli.main import main
from simkit.config_file import load_config
from simkit.kept_config import keep_changed
from simkit.prices import load_prices, prices_toml
from simkit.run import run
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.run_directory import RunDirectory

PRICES = """currency = "EUR"
source = "a test"
date = 2026-01-31
prices = [{ models = ["standin"], input = 1000, output = 2000 }]
"""
OPTIONS: dict[str, Any] = {
    "catalog.demo": True,
    "graph.embedder": "lexical",
    "model.name": "standin",
    "walk.min_length": 2,
    "walk.max_length": 4,
    "run.conversations": 4,
    "provider.retry_min_pause_seconds": 0.01,
}


@pytest.fixture(autouse=True)
def _restore_structlog() -> Iterator[None]:
    """Commands log to the stderr of their test, which later tests do not have."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@contextmanager
def standin() -> Iterator[str]:
    with anyio.from_thread.start_blocking_portal() as portal:
        server = running(StandinSettings(models=("standin", "other")), ScriptedBrain(mistakes=0.0))
        with portal.wrap_async_context_manager(server) as base_url:
            yield base_url


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run whose file of prices is gone; only to be copied."""
    folder = tmp_path_factory.mktemp("priced")
    prices = folder / "mine.toml"
    prices.write_text(PRICES)
    with standin() as base_url:
        told = {"provider.base_url": base_url, "budget.prices": prices, "budget.money": 1e6}
        anyio.run(run, load_config(None, {**OPTIONS, **told}), folder / "run", Bus())
        prices.unlink()
        yield folder / "run"


@pytest.fixture
def copy(priced: Path, tmp_path: Path) -> Path:
    shutil.copytree(priced, tmp_path / "moved")
    return tmp_path / "moved"


def simkit(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def test_a_run_goes_on_is_judged_and_forked_after_its_prices_are_gone(copy: Path) -> None:
    """It has a copy, which moves with it."""
    fork = copy.parent / "fork"
    assert simkit("generate", copy, "-n", 6, "--quiet") == 0
    assert simkit("filter", copy, "--name", "again") == 0
    assert simkit("fork", copy, 0, "--at", 0, "--out", fork, "--quiet") == 0
    for folder in (copy, fork):
        config = load_config(folder / "run.toml", {})
        assert config.budget.prices == folder / "prices.toml"
        assert load_prices(config.budget.prices).currency == "EUR"


@pytest.mark.parametrize(
    "command",
    [["generate", "RUN"], ["filter", "RUN"], ["fork", "RUN", "0", "--at", "0", "--out", "NEW"]],
)
def test_prices_that_are_not_there_are_named_with_the_file_that_names_them(
    copy: Path, tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "prices.toml").unlink()
    places = {"RUN": copy, "NEW": tmp_path / "new"}
    arguments = [places.get(word, word) for word in command]
    assert simkit(*arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"simkit: error: {copy}/run.toml: budget.prices: {copy}/prices.toml:")
    assert "correct the path there, or name a file of prices with --prices" in line

    (tmp_path / "other.toml").write_text(PRICES)
    assert simkit(*arguments, "--prices", tmp_path / "other.toml") == 0


def test_rules_alone_need_no_prices(copy: Path) -> None:
    (copy / "prices.toml").unlink()
    assert simkit("filter", copy, "--rules-only") == 0


def test_a_file_on_the_command_line_takes_the_place_of_the_copy(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dollars.toml").write_text(PRICES.replace("EUR", "USD"))
    monkeypatch.chdir(tmp_path)
    assert simkit("generate", copy, "--prices", "dollars.toml", "--quiet") == 0
    assert load_prices(copy / "prices.toml").currency == "USD"


def test_prices_as_toml_are_the_same_prices(tmp_path: Path) -> None:
    (tmp_path / "copy.toml").write_text(prices_toml(load_prices(None)))
    assert load_prices(tmp_path / "copy.toml") == load_prices(None)


def test_a_run_that_has_all_that_is_wanted_says_what_is_there(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simkit("generate", copy, "-n", 3) == 0
    told = "4 conversations were through before, and 3 are wanted: there was nothing to play"
    assert told in capsys.readouterr().out
    assert simkit("generate", copy, "-n", 5) == 0
    assert "4 of 5 conversations were through before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "key"),
    [(["--no-judge"], "filters.judge"), (["--model", "other"], "model.name")],
)
def test_one_change_that_would_mix_data_is_one_line(
    copy: Path, flags: list[str], key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simkit("generate", copy, *flags) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"simkit: error: {key}: the run in {copy} was made with ")


def test_an_empty_configuration_is_told_so_with_what_is_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.toml"
    empty.write_text("# nothing yet\n")
    assert simkit("generate", empty) == 2
    first, *others = capsys.readouterr().err.splitlines()
    assert first.startswith(f"simkit: error: {empty}: it is empty; `simkit config` prints every")
    assert [line.split(": ")[2:4] for line in others] == [
        [str(empty), key] for key in ("catalog.paths", "model.name", "model.provider")
    ]


def test_a_changed_configuration_stays_under_its_comment_with_its_prices(
    priced: Path, tmp_path: Path
) -> None:
    directory = RunDirectory(shutil.copytree(priced, tmp_path / "run"))
    before = directory.config_path.read_text()
    directory.write_config(f"# first\n# second\n{before}")
    config = load_config(directory.config_path, {"run.concurrency": 7})
    prices = load_prices(config.budget.prices)
    keep_changed(directory, config, prices)
    keep_changed(directory, config, prices)
    kept = directory.config_path.read_text()
    assert kept.startswith("# first\n# second\n[run]\n")
    assert kept.count("#") == 2
    assert load_config(directory.config_path, {}) == config
    assert load_prices(config.budget.prices) == prices
