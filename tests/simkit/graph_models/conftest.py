"""A stand-in provider, in this process and in one of its own, and small catalogs and graphs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simkit.cli.main import main
from simkit.config import RunConfig
from simkit.config_file import load_config
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.graph_file import StoredGraph
from simkit.graph_models.model import config_for
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.calls import AgentRole
from simkit.traces.functions import Function

Standin = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture
def standin() -> Standin:
    """Run the stand-in provider with these settings; gives its address."""

    @asynccontextmanager
    async def serve(brain: Any = None, **settings: Any) -> AsyncIterator[str]:
        async with running(StandinSettings(**settings), brain or ScriptedBrain()) as base_url:
            yield base_url

    return serve


@contextmanager
def provider(latency: float) -> Iterator[str]:
    """The address of a stand-in provider that takes *latency* seconds for a reply."""
    command = [sys.executable, "-m", "simkit", "provider", "--end-with-stdin"]
    with subprocess.Popen(
        [*command, "--latency", str(latency)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def provider_process() -> Iterator[str]:
    """The address of a provider in a process of its own: commands need the main thread."""
    with provider(0.0) as base_url:
        yield base_url


@pytest.fixture
def slow_provider() -> Iterator[str]:
    """Likewise, one that can be interrupted."""
    with provider(0.15) as base_url:
        yield base_url


@pytest.fixture
def configured() -> Callable[..., RunConfig]:
    """The configuration for one role's model at an address."""

    def build(role: AgentRole, base_url: str, **options: Any) -> RunConfig:
        given = {
            "model.name": "standin",
            "provider.base_url": base_url,
            "provider.retry_min_pause_seconds": 0.01,
            **{key.replace("__", "."): value for key, value in options.items()},
        }
        return config_for(load_config(None, given), role)

    return build


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run ``simkit`` with arguments: exit code, stdout and stderr."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, " ".join(captured.err.split())

    return call


@pytest.fixture
def bare_catalog(tmp_path: Path) -> Path:
    """A catalog of 60 functions with names and untyped inputs only."""
    nouns = ("order", "flight", "parcel", "invoice", "recipe", "album", "ticket", "ledger")
    verbs = ("get", "cancel", "list", "update", "archive", "price")
    functions = [
        {"name": f"{verb}_{noun}", "parameters": {"properties": {f"{noun}_id": {}}}}
        for noun in (*nouns, "sensor", "garden")
        for verb in verbs
    ]
    wrapped = [{"type": "function", "function": function} for function in functions]
    path = tmp_path / "bare.json"
    path.write_text(json.dumps(wrapped))
    return path


@pytest.fixture
def graph(a_function: Callable[..., Function]) -> FunctionGraph:
    """An order can be found and paid; a forecast has nothing to do with either."""
    said = {"type": "string", "description": "Number of the order."}
    order = {"type": "object", "properties": {"order": said}, "required": []}
    find = a_function(name="find_order", description="Find an order.", outputs=order)
    pay = a_function(name="pay_order", description="Pay an order.", parameters=order)
    forecast = a_function(name="get_forecast", description="Tell tomorrow's weather.")
    return FunctionGraph(
        StoredGraph(
            scorer="similarity",
            embedder="lexical",
            threshold=0.5,
            max_out_edges=30,
            max_in_edges=60,
            functions=(find, pay, forecast),
            communities=np.array([0, 0, 0]),
            community_names=("all",),
            source=np.array([0, 0, 1]),
            target=np.array([1, 2, 2]),
            score=np.array([0.9, 0.6, 0.6]),
            feed_starts=np.array([0, 1, 2, 3]),
            feed_output=np.array([0, 0, 1]),
            feed_input=np.array([0, 1, 1]),
            feed_score=np.array([0.9, 0.6, 0.6]),
            output_paths=("order", "celsius"),
            input_names=("order", "city"),
        )
    )
