"""Whole runs over real HTTP against the stand-in provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simkit.bus import Bus
from simkit.config import RunConfig
from simkit.config_file import load_config
from simkit.run import run
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.counts import RunCounts
from simkit.traces.events import ConversationPlayed, TrajectoryJudged
from simkit.traces.exports import export
from simkit.traces.provider_errors import KeyRefused, ModelUnknown, Unreachable
from simkit.traces.run_directory import RunDirectory, RunDirectoryError
from simkit.traces.run_reader import RunReader

SMALL: dict[str, Any] = {
    "catalog.demo": True,
    "graph.embedder": "lexical",
    "model.name": "standin",
    "walk.min_length": 2,
    "walk.max_length": 4,
    "run.conversations": 24,
    "run.concurrency": 8,
    "provider.retry_min_pause_seconds": 0.01,
}


@dataclass
class Provider:
    """A stand-in in this process."""

    base_url: str

    def config(self, **options: Any) -> RunConfig:
        """A small run against it; *options* are dotted keys with ``__`` for the dot."""
        changes = {key.replace("__", "."): value for key, value in options.items()}
        return load_config(None, {**SMALL, "provider.base_url": self.base_url, **changes})

    async def stats(self) -> dict[str, Any]:
        root = self.base_url.removesuffix("/v1")
        async with aiohttp.ClientSession() as session, session.get(f"{root}/stats") as answer:
            stats: dict[str, Any] = await answer.json()
            return stats


@asynccontextmanager
async def provider(*, refuses: bool = False, **settings: Any) -> AsyncIterator[Provider]:
    """A stand-in that has found nothing wrong with any request in the end, unless *refuses*."""
    chosen = StandinSettings(**settings)
    async with running(chosen, ScriptedBrain(mistakes=chosen.mistakes)) as base_url:
        standin = Provider(base_url)
        yield standin
        stats = await standin.stats()
        assert bool(stats["refused"]) is refuses, stats


def counts(directory: Path) -> RunCounts:
    with RunReader(RunDirectory.open(directory).database_path) as reader:
        return reader.counts()


def exported(directory: Path) -> dict[str, bytes]:
    """Both exports and their manifests, by file name."""
    out = directory / "exports"
    with RunReader(RunDirectory.open(directory).database_path) as reader:
        for name in ("toolmind", "openai"):
            export(reader, name, out / f"{name}.jsonl")  # type: ignore[arg-type]
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_every_conversation_is_kept_dropped_or_failed_and_none_is_refused(
    tmp_path: Path,
) -> None:
    async with provider(faults=0.05, mistakes=0.2) as standin:
        await run(standin.config(run__conversations=60), tmp_path / "run", Bus())
        stats = await standin.stats()
    found = counts(tmp_path / "run")
    assert found.played == 60
    assert found.kept + found.dropped + found.failed == 60
    assert found.unjudged == 0
    assert found.kept > 30
    assert found.masked_turns > 0
    assert sum(found.drop_reasons.values()) >= found.dropped
    assert sum(stats["faults"].values()) > 0
    assert stats["answered"] == found.calls  # every reply that was sent is in the journal


@pytest.mark.parametrize("judge", [True, False])
async def test_the_same_seed_gives_the_same_bytes_whatever_the_concurrency(
    tmp_path: Path, judge: bool
) -> None:
    made = []
    for concurrency in (1, 7, 64):
        directory = tmp_path / str(concurrency)
        # Few faults: at one conversation at a time, every pause before a retry is real time.
        async with provider(faults=0.02, mistakes=0.1) as standin:
            config = standin.config(
                run__concurrency=concurrency, run__conversations=16, filters__judge=judge
            )
            await run(config, directory, Bus())
        made.append(exported(directory))
    assert made[0] == made[1] == made[2]
    assert len(made[0]["toolmind.jsonl"].splitlines()) > 16


async def test_another_seed_gives_other_conversations(tmp_path: Path) -> None:
    made = []
    for seed in (1, 2):
        async with provider() as standin:
            await run(standin.config(run__seed=seed), tmp_path / str(seed), Bus())
        made.append(exported(tmp_path / str(seed))["openai.jsonl"])
    assert made[0] != made[1]


async def test_limits_change_the_pace_and_not_the_data(tmp_path: Path) -> None:
    made = []
    for name, limits in (("free", {}), ("capped", {"hints": "none", "concurrency": 2})):
        async with provider(mistakes=0.1, latency_seconds=0.005, **limits) as standin:
            await run(standin.config(), tmp_path / name, Bus())
            if limits:
                assert sum((await standin.stats())["rate_limited"].values()) > 0
        made.append(exported(tmp_path / name))
    assert made[0] == made[1]


async def test_each_role_may_ask_another_provider_and_model(tmp_path: Path) -> None:
    async with provider() as one, provider(models=("other",)) as two:
        config = load_config(
            None,
            {
                **SMALL,
                "providers.one.base_url": one.base_url,
                "providers.two.base_url": two.base_url,
                "model.provider": "one",
                "roles.judge.provider": "two",
                "roles.judge.model": "other",
                "roles.tool.provider": "two",
                "roles.tool.model": "other",
            },
        )
        await run(config, tmp_path / "run", Bus())
        asked = {"one": (await one.stats())["answered"], "two": (await two.stats())["answered"]}
    by_role = counts(tmp_path / "run").calls_by_role
    assert asked["two"] == by_role["judge"] + by_role["tool"]
    assert asked["one"] == by_role["writer"] + by_role["user"] + by_role["assistant"]
    with RunReader(tmp_path / "run" / "run.db") as reader:
        stored = next(reader.trajectories(outcome="kept"))
    assert stored.verdict is not None
    assert stored.verdict.judge == "other"
    assert set(stored.verdict.prompts) == {"trajectory_judge", "turn_judge"}
    provenance = stored.trajectory.provenance
    models = dict.fromkeys(("writer", "user", "assistant"), "standin") | {"tool": "other"}
    assert dict(provenance.models) == models
    assert provenance.answered_by == {role: (model,) for role, model in models.items()}


async def test_a_trajectory_is_announced_only_when_it_can_be_read(tmp_path: Path) -> None:
    announced: list[tuple[type, bool]] = []

    class Watching(Bus):
        def publish(self, event: Any) -> None:
            if isinstance(event, ConversationPlayed | TrajectoryJudged):
                with RunReader(tmp_path / "run" / "run.db") as reader:
                    stored = reader.trajectory(event.scenario)
                verdict = stored is not None and stored.verdict is not None
                needed = verdict if isinstance(event, TrajectoryJudged) else stored is not None
                announced.append((type(event), needed))

    async with provider() as standin:
        await run(standin.config(run__conversations=10), tmp_path / "run", Watching())
    assert len(announced) == 20
    assert all(stored for _, stored in announced)


async def test_a_refused_key_stops_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_KEY", "wrong-secret")
    async with provider(api_key="right") as standin:
        config = standin.config(provider__api_key_env="STANDIN_KEY")
        with pytest.raises(KeyRefused, match="STANDIN_KEY") as refused:
            await run(config, tmp_path / "run", Bus())
    assert "wrong-secret" not in str(refused.value)
    assert not (tmp_path / "run").exists()


async def test_an_unknown_model_leaves_nothing_behind(tmp_path: Path) -> None:
    async with provider(refuses=True) as standin:
        with pytest.raises(ModelUnknown, match="gpt-9"):
            await run(standin.config(model__name="gpt-9"), tmp_path / "run", Bus())
    assert not (tmp_path / "run").exists()


async def test_an_address_where_nothing_answers_leaves_nothing_behind(tmp_path: Path) -> None:
    async with provider() as standin:
        config = standin.config()
    with pytest.raises(Unreachable, match=config.providers["default"].base_url):
        await run(config, tmp_path / "run", Bus())
    assert not (tmp_path / "run").exists()


async def test_a_directory_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    async with provider() as standin:
        with pytest.raises(RunDirectoryError, match="not a simkit run"):
            await run(standin.config(), tmp_path, Bus())
    assert names(tmp_path) == ["thesis.txt"]


async def test_a_conversation_that_a_provider_breaks_is_stored_with_its_cause(
    tmp_path: Path,
) -> None:
    async with provider(faults=1.0) as standin:
        await run(
            standin.config(run__conversations=3, provider__retry_attempts=2),
            tmp_path / "run",
            Bus(),
        )
    found = counts(tmp_path / "run")
    assert (found.played, found.failed) == (3, 3)
    assert set(found.causes) <= {"provider_unavailable", "unusable_reply"}


async def test_real_catalogs_play_without_a_single_refused_request(
    tmp_path: Path, shared_data: Path
) -> None:
    paths = [shared_data / "bfcl", shared_data / "mcp_servers" / "docker_registry.jsonl.gz"]
    async with provider(faults=0.05, mistakes=0.05) as standin:
        config = standin.config(
            catalog__demo=False, catalog__paths=paths, walk__max_length=8, run__conversations=40
        )
        await run(config, tmp_path / "run", Bus())
    found = counts(tmp_path / "run")
    assert found.kept + found.dropped + found.failed == 40
    assert found.kept > 20
