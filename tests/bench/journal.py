"""What it costs to have every reply on the disk before it is used."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import anyio

from simkit.budget import open_budget
from simkit.bus import Bus
from simkit.casting import conversations
from simkit.config import RunConfig
from simkit.config_file import load_config
from simkit.drain import Drain
from simkit.garbage import rare_collections
from simkit.prompts import package_prompts
from simkit.providers import open_providers
from simkit.scenarios import prepare
from simkit.scheduler import work_through
from simkit.traces.calls import Answer, ChatRequest
from simkit.traces.records import Scenario, Trajectory
from simkit.traces.store import Store
from tests.bench.row import Row
from tests.bench.standin import standin

CONVERSATIONS = 300
CONCURRENCY = 200
REPEATS = 3
LATENCIES = ("0.0", "0.3")
"""Of the provider: with none, this machine's CPU sets the pace, which is the worst case."""


@dataclass(slots=True)
class Forgetting:
    """A journal that keeps nothing, and counts what it is given."""

    calls: int = 0

    def recorded_call(self, fingerprint: bytes) -> Answer | None:
        return None

    async def record_call(
        self, fingerprint: bytes, request: ChatRequest, model: str, answer: Answer
    ) -> None:
        self.calls += 1

    async def save_trajectory(self, trajectory: Trajectory, *, seconds: float) -> None:
        pass


def measure() -> list[Row]:
    return [_row(latency) for latency in LATENCIES]


def _row(latency: str) -> Row:
    rates: dict[str, list[float]] = {"with": [], "without": []}
    with TemporaryDirectory() as folder, standin("--latency", latency) as provider:
        config = _config(provider.base_url)
        calls = anyio.run(_calls_of, config)
        for repeat in range(REPEATS):  # in turns, so that the machine's moods hit both
            database = Path(folder, f"{repeat}.db")
            rates["without"].append(calls / anyio.run(_play, config, None))
            rates["with"].append(calls / anyio.run(_play, config, database))
        size = database.stat().st_size
    return Row(
        what=f"calls with the journal, {CONCURRENCY} conversations at once, {latency} s a reply",
        value=median(rates["with"]),
        baseline=median(rates["without"]),
        baseline_name="keeping nothing",
        unit="/s",
        aim="at least 0.85",
        note=(
            f"{calls / CONVERSATIONS:.0f} calls and {size / CONVERSATIONS / 1024:.0f} kB "
            "stored for each, without judging"
        ),
    )


def _config(base_url: str) -> RunConfig:
    options: dict[str, Any] = {
        "catalog.demo": True,
        "graph.embedder": "lexical",
        "model.name": "standin",
        "walk.min_length": 2,
        "walk.max_length": 4,
        "run.conversations": CONVERSATIONS,
        "run.concurrency": CONCURRENCY,
        "filters.judge": False,
        "provider.base_url": base_url,
    }
    return load_config(None, options)


async def _calls_of(config: RunConfig) -> int:
    """How many calls the conversations make; it warms everything up, too."""
    counting = Forgetting()
    await _play_into(counting, config)
    return counting.calls


async def _play(config: RunConfig, database: Path | None) -> float:
    """Play all conversations; the seconds that it took."""
    async with AsyncExitStack() as stack:
        journal: Store | Forgetting = Forgetting()
        if database is not None:
            journal = await stack.enter_async_context(Store.open(database))
        return await _play_into(journal, config)


async def _play_into(journal: Store | Forgetting, config: RunConfig) -> float:
    scenarios = list(prepare(config).scenarios(CONVERSATIONS))
    budget = open_budget(config)
    bus = Bus()
    opened = open_providers(config, budget.ledger, budget.prices, bus, Drain())
    async with opened as providers:
        voices = providers.voices(journal, on_answer=bus.publish, on_retry=bus.publish).roles
        playing = conversations(config, voices, package_prompts())
        work = partial(_store, playing.play, journal)
        with rare_collections():
            began = time.monotonic()
            await work_through(scenarios, work, concurrency=CONCURRENCY, may_start=budget.may_start)
            return time.monotonic() - began


async def _store(
    play: Callable[[Scenario], Awaitable[Trajectory]],
    journal: Store | Forgetting,
    scenario: Scenario,
) -> None:
    await journal.save_trajectory(await play(scenario), seconds=1.0)
