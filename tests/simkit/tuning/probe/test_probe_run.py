"""Probes with real conversations: what they leave behind, and the command."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from simkit.bus import Bus
from simkit.config import ConfigError, RunConfig
from simkit.config_file import load_config
from simkit.drain import Drain
from simkit.kept_config import keep_config
from simkit.prices import load_prices
from simkit.run import run
from simkit.standin.settings import StandinSettings
from simkit.traces.provider_errors import AccountProblem, KeyRefused
from simkit.traces.run_directory import RunDirectory
from simkit.traces.run_reader import RunReader
from simkit.tuning.probe.allowed import Allowed, allowed
from simkit.tuning.probe.live import Probe, Probed
from simkit.tuning.probe.recommended import recommend
from simkit.tuning.virtual_time import run_virtually
from tests.simkit.tuning.in_memory import InMemoryStandin, InMemoryStandins
from tests.simkit.tuning.probe.commands import SIMKIT, a_standin


def a_run(**options: Any) -> RunConfig:
    given = {
        "catalog.demo": True,
        "graph.embedder": "lexical",
        "model.name": "standin",
        "walk.min_length": 2,
        "walk.max_length": 4,
        "run.conversations": 28,
        "provider.base_url": "http://127.0.0.1:9/v1",
        **{key.replace("__", "."): value for key, value in options.items()},
    }
    return load_config(None, given)


def probed(probe: Probe, folder: Path) -> Probed:
    async def main() -> None:
        await probe.play(probe.config, folder, Bus(), Drain())

    run_virtually(main)
    assert probe.probed is not None
    return probe.probed


def failed_conversations(folder: Path) -> int:
    with RunReader(RunDirectory.open(folder).database_path) as reader:
        return reader.counts().failed


def test_a_real_run_is_probed_and_goes_on_without_paying_anything_twice(tmp_path: Path) -> None:
    config, folder = a_run(run__conversations=18), tmp_path / "run"
    standins = InMemoryStandins(StandinSettings(rpm=240, hints="none", latency_seconds=1))
    result = probed(Probe(config, Allowed(tokens=400_000, unit="tokens"), standins), folder)
    assert result.spent <= 400_000
    recommended = recommend(config, result)
    found = recommended.config.providers["default"].requests_per_minute
    assert found == pytest.approx(240, rel=0.1)
    assert failed_conversations(folder) == 0

    directory = RunDirectory.open(folder)
    keep_config(directory, recommended.config, load_prices(None))
    after = load_config(directory.config_path, {})
    run_virtually(lambda: run(after, folder, Bus(), transports=standins))
    with RunReader(directory.database_path) as reader:
        counts = reader.counts()
    assert counts.played == 18
    assert counts.calls == sum(standin.answered for standin in standins.made)


@pytest.mark.parametrize("tokens", [60_000, 150_000])
def test_a_budget_that_ends_early_is_kept_and_fails_no_conversation(
    tmp_path: Path, tokens: int
) -> None:
    standins = InMemoryStandins(StandinSettings(latency_seconds=1))
    result = probed(Probe(a_run(), Allowed(tokens=tokens, unit="tokens"), standins), tmp_path / "r")
    assert result.stop.ending == "budget"
    assert tokens / 2 < result.spent <= tokens
    assert failed_conversations(tmp_path / "r") == 0


def test_few_conversations_are_played_to_the_end_and_that_is_said(tmp_path: Path) -> None:
    standins = InMemoryStandins(StandinSettings(latency_seconds=0.1))
    config = a_run(run__conversations=3)
    result = probed(Probe(config, Allowed(tokens=900_000, unit="tokens"), standins), tmp_path / "r")
    assert result.stop.ending in ("finished", "highest")
    assert recommend(config, result).concurrency <= 3


class _Refused(InMemoryStandin):
    async def check(self) -> None:
        raise KeyRefused("the key is refused")


def test_a_refused_key_is_told_before_anything_is_played(tmp_path: Path) -> None:
    def transports(_: object) -> Any:
        return lambda _session, **options: _Refused(StandinSettings(), **options)

    probe = Probe(a_run(), Allowed(tokens=900_000, unit="tokens"), transports)
    with pytest.raises(AccountProblem, match="the key is refused"):
        probed(probe, tmp_path / "r")
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("said", "amount", "unit"),
    [
        ("400000", 400_000, "tokens"),
        ("1_000_000 tokens", 1_000_000, "tokens"),
        ("3,000,000", 3_000_000, "tokens"),
    ],
)
def test_a_budget_of_tokens_is_read(said: str, amount: float, unit: str) -> None:
    found = allowed(said, a_run())
    assert (found.amount, found.unit) == (amount, unit)


def test_a_budget_of_money_is_read_in_the_currency_of_the_prices(tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(
        'currency = "EUR"\nsource = "a test"\ndate = 2026-01-01\n'
        'prices = [{ models = ["standin"], input = 10.0, output = 20.0 }]\n'
    )
    config = a_run(budget__prices=str(prices))
    for said in ("4.50eur", "4.50 EUR"):
        assert (allowed(said, config).money, allowed(said, config).unit) == (4.5, "EUR")
    with pytest.raises(ConfigError, match='in EUR, not in "usd"'):
        allowed("2usd", config)
    with pytest.raises(ConfigError, match=r"too little .* \d\.\d\d EUR, .*; nothing was spent"):
        allowed("0.10eur", config)


@pytest.mark.parametrize("said", ["", "much", "-5", "0", "1.5", "$3", "1e6"])
def test_what_is_no_budget_is_refused_with_the_form_of_one(said: str) -> None:
    with pytest.raises(ConfigError, match=r"--budget: expected tokens, such as 500000, or money"):
        allowed(said, a_run())


def test_a_budget_too_small_to_learn_anything_is_refused_with_the_least_that_is_useful() -> None:
    with pytest.raises(ConfigError, match=r"5,000 tokens are too little .* about 280,000 tokens"):
        allowed("5000", a_run())


def test_the_command_probes_over_http_and_its_results_are_gone_on_with(tmp_path: Path) -> None:
    def simkit(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*SIMKIT, *arguments],
            cwd=tmp_path,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    with a_standin("--latency", "0.02") as base_url:
        (tmp_path / "mine.toml").write_text(
            f'[providers.default]\nbase_url = "{base_url}"\n[model]\nname = "standin"\n'
            '[catalog]\ndemo = true\n[graph]\nembedder = "lexical"\n'
            "[walk]\nmin_length = 2\nmax_length = 4\n[run]\nconversations = 8\n"
        )
        done = simkit("tune", "mine.toml", "--live", "--budget", "300000", "--json")
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["ended"]["ending"] in ("budget", "finished")
        assert 0 < told["spent"] <= 300_000
        written = load_config(tmp_path / told["written"], {})
        assert written.run.concurrency == told["concurrency"]
        assert written.budget.tokens is None

        gone_on = simkit("generate", told["folder"], "--quiet")
        assert gone_on.returncode == 0, gone_on.stderr
    with RunReader(RunDirectory.open(tmp_path / told["folder"]).database_path) as reader:
        assert reader.counts().played == 8
