"""Graphs whose texts a provider embeds, over real HTTP against the stand-in."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import anyio.to_thread
import pytest

from simkit.config import ConfigError, RunConfig
from simkit.config_file import load_config
from simkit.embedding_stack import open_embedder
from simkit.graph.embed import default_cache_path
from simkit.prices import Prices, load_prices
from simkit.scenarios import Ground, prepare
from simkit.spending import Ledger
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.provider_errors import KeyRefused, ModelUnknown


def free() -> tuple[Ledger, Prices]:
    """What counts the spending of a run without a budget."""
    return Ledger(tokens=None, money=None, currency=None), load_prices(None)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors are cached beside the test's files, not in the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@asynccontextmanager
async def standin(**settings: Any) -> AsyncIterator[str]:
    async with running(StandinSettings(models=("small",), **settings), ScriptedBrain()) as base_url:
        yield base_url


async def stats(base_url: str) -> dict[str, Any]:
    url = f"{base_url.removesuffix('/v1')}/stats"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        found: dict[str, Any] = await answer.json()
        return found


def configured(base_url: str, **options: Any) -> RunConfig:
    given = {
        "catalog.demo": True,
        "graph.embedder": "provider",
        "embedding.model": "small",
        "providers.default.base_url": base_url,
        "providers.default.retry_min_pause_seconds": 0.01,
        **{key.replace("__", "."): value for key, value in options.items()},
    }
    return load_config(None, given)


async def prepared(config: RunConfig, heard: list[tuple[int, int]] | None = None) -> Ground:
    """What a run does before its first conversation."""

    def on_progress(done: int, total: int) -> None:
        if heard is not None:
            heard.append((done, total))

    async with open_embedder(config, *free()) as hosted:
        return await anyio.to_thread.run_sync(
            prepare, config, on_progress, hosted, abandon_on_cancel=True
        )


async def test_a_providers_vectors_link_functions_that_belong_together() -> None:
    heard: list[tuple[int, int]] = []
    async with standin() as base_url:
        ground = await prepared(configured(base_url), heard)
        counted = await stats(base_url)
    assert ground.graph.stored.embedder == f"small at {base_url}"
    assert ground.graph.stored.threshold == 0.5
    assert len(ground.graph.targets) > 300
    assert ground.facts["graph_edges"] == f"{len(ground.graph.targets):,}"
    done, total = heard[-1]
    assert done == total > 300
    assert counted["answered"] >= -(-total // 128)
    assert counted["refused"] == {}


async def test_faults_and_limits_change_nothing_but_the_time() -> None:
    """
    The vectors come through retries and limits, as replies do.
    """
    async with standin() as base_url:
        calm = await prepared(configured(base_url))
    default_cache_path().unlink()
    async with standin(faults=0.4, rpm=6_000, concurrency=2, seed=1) as base_url:
        rough = await prepared(configured(base_url, provider__retry_attempts=20))
        counted = await stats(base_url)
    assert rough.graph.scores.tobytes() == calm.graph.scores.tobytes()
    assert rough.graph.targets.tobytes() == calm.graph.targets.tobytes()
    assert sum(counted["faults"].values()) > 0


async def test_the_second_graph_asks_nothing() -> None:
    async with standin() as base_url:
        config = configured(base_url)
        await prepared(config)
        before = await stats(base_url)
        await prepared(config)
        after = await stats(base_url)
    assert after["answered"] == before["answered"] > 0


async def test_a_cancelled_run_stops_asking() -> None:
    async with standin(latency_seconds=30.0) as base_url:
        config = configured(base_url)
        async with anyio.create_task_group() as group:
            group.start_soon(prepared, config)
            with anyio.fail_after(60):
                while not (await stats(base_url))["in_flight"]:
                    await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        with anyio.fail_after(60):
            while (await stats(base_url))["in_flight"]:
                await anyio.lowlevel.checkpoint()
        assert (await stats(base_url))["abandoned"] == 1


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"embedding__model": None}, "embedding.model: expected the name of an embedding model"),
        ({"providers__default__api": "anthropic"}, "Anthropic's API, which has no embeddings"),
        ({"providers__default__api_key_env": "NO_SUCH_KEY"}, "NO_SUCH_KEY is not set"),
    ],
)
async def test_a_model_that_cannot_be_asked_is_found_before_asking(
    options: dict[str, Any], complaint: str
) -> None:
    config = configured("http://127.0.0.1:1/v1", **options)
    if options.get("embedding__model", "") is None:
        config = config.model_copy(update={"embedding": type(config.embedding)()})
    with pytest.raises(ConfigError, match=complaint):
        await prepared(config)


async def test_a_provider_without_a_table_is_named() -> None:
    config = load_config(None, {"graph.embedder": "provider", "embedding.model": "small"})
    with pytest.raises(ConfigError, match=r"embedding\.provider.*\[providers\.default\]"):
        await prepared(config)


async def test_a_wrong_key_and_an_unknown_model_end_it() -> None:
    async with standin(api_key="secret") as base_url:
        with pytest.raises(KeyRefused):
            await prepared(configured(base_url))
    async with standin() as base_url:
        with pytest.raises(ModelUnknown, match="large"):
            await prepared(configured(base_url, embedding__model="large"))


async def test_other_embedders_open_no_connection() -> None:
    config = load_config(None, {"catalog.demo": True, "graph.embedder": "lexical"})
    async with open_embedder(config, *free()) as hosted:
        assert hosted is None


@contextmanager
def standin_process(*options: str) -> Iterator[str]:
    """A stand-in of its own process; gives its base URL."""
    command = [sys.executable, "-m", "simkit", "provider", "--end-with-stdin", *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.stdin.close()
            process.wait(60)


def build_command(base_url: str, out: Path, model: str = "standin") -> list[str]:
    catalog = Path(__file__).parents[2] / "graph" / "samples" / "demo"
    options = ["--embedder", "provider", "--base-url", base_url, "--model", model]
    return [
        sys.executable,
        "-m",
        "simkit",
        "graph",
        "build",
        str(catalog),
        "-o",
        str(out),
        *options,
    ]


def test_a_graph_is_built_with_a_provider_from_the_command_line(tmp_path: Path) -> None:
    with standin_process() as base_url:
        command = build_command(base_url, tmp_path / "g")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert "edges" in done.stdout
        wrong = build_command(base_url, tmp_path / "h", model="other")
        done = subprocess.run(wrong, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout.count("\n")) == (1, 1)
        assert done.stderr.startswith("simkit: error: other at http")
        assert done.stderr.count("\n") == 1
        forgot = [part for part in command if part not in ("--embedder", "provider")]
        done = subprocess.run(forgot, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2
        assert "only with --embedder provider" in done.stderr
    assert not (tmp_path / "h").exists()


def test_an_interrupted_build_ends_at_once_and_says_so(tmp_path: Path) -> None:
    with standin_process("--latency", "60") as base_url:
        process = subprocess.Popen(
            build_command(base_url, tmp_path / "g"), stderr=subprocess.PIPE, text=True
        )
        anyio.run(_wait_until_asked, base_url)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr == "simkit: interrupted; what was embedded is kept for the next time\n"
    assert not (tmp_path / "g").exists()


async def _wait_until_asked(base_url: str) -> None:
    with anyio.fail_after(60):
        while not (await stats(base_url))["in_flight"]:
            await anyio.lowlevel.checkpoint()
