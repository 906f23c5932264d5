"""The demo: the whole job against a stand-in provider of its own, without key or network."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import aiohttp
import anyio
import orjson
from anyio.streams.text import TextReceiveStream
from rich.console import Console
from rich.rule import Rule

from simkit.config import ProviderConfig, RunConfig
from simkit.rendering import render_conversation
from simkit.report import read_report
from simkit.run import RunSummary
from simkit.traces.counts import RunCounts
from simkit.traces.exports import export, export_name
from simkit.traces.exports_lines import LineFormat
from simkit.traces.run_directory import RunDirectory
from simkit.traces.run_reader import RunReader, StoredTrajectory
from simkit.watched_run import watched_run

OPTIONS: Mapping[str, object] = {
    "catalog.demo": True,
    "run.conversations": 400,
    "run.concurrency": 256,
    # Shorter than the default: a person should be able to read a conversation.
    "walk.min_length": 2,
    "walk.max_length": 6,
    # Higher than the default: enough calls fail for people to see how that is mended.
    "tools.fault_rate": 0.06,
    "model.name": "standin",
}
"""What the demo sets where the user does not, as dotted keys of the configuration."""

PROVIDER_OPTIONS = ("--latency", "0.05", "--faults", "0.02", "--mistakes", "0.05")
"""The stand-in as a provider with ordinary troubles, whose assistant errs now and then."""


def run_demo(config: RunConfig, folder: Path) -> None:
    """Play, filter, export, and show what was made, with the run in *folder*.

    Raises:
        What `simkit.run.run` raises, or in a group; whatever was stored stays.
    """
    console = Console()
    console.print(
        f"Playing {config.run.conversations:,} conversations, up to {config.run.concurrency:,} at "
        "once, against a stand-in provider on this machine: no key, no network, no cost. Its "
        "models answer by rule; what it makes is not for training."
    )
    summary, provider = anyio.run(_play, config, folder)
    exported = [_export(folder, name) for name in get_args(LineFormat)]
    _show(console, summary, provider, exported)


async def _play(config: RunConfig, folder: Path) -> tuple[RunSummary, dict[str, Any]]:
    """Play the run; gives its summary, and what the provider has counted."""
    async with _provider(config.run.seed) as base_url:
        providers = {name: ProviderConfig(base_url=base_url) for name in config.model.provider}
        config = config.model_copy(update={"providers": providers})
        summary = await watched_run(config, folder, Console(stderr=True))
        return summary, await _stats(base_url)


async def _stats(base_url: str) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{base_url.removesuffix('/v1')}/stats") as answer,
    ):
        stats: dict[str, Any] = orjson.loads(await answer.read())
        return stats


@asynccontextmanager
async def _provider(seed: int) -> AsyncIterator[str]:
    """``simkit provider`` as a process of its own, on a free port; gives its base URL.

    It ends with this process however that ends, since it watches its standard input.
    """
    command = [sys.executable, "-m", "simkit", "provider", "--seed", str(seed)]
    command += [*PROVIDER_OPTIONS, "--end-with-stdin"]
    async with await anyio.open_process(command, stderr=None) as process:
        if process.stdout is None:
            raise RuntimeError("the stand-in provider has no standard output")
        line = await TextReceiveStream(process.stdout).receive()
        try:
            yield line.split()[-1]
        finally:
            process.terminate()


def free_folder(parent: Path) -> Path:
    """The first of ``demo-1``, ``demo-2``, ... that does not exist in *parent*."""
    number = 1
    while (parent / f"demo-{number}").exists():
        number += 1
    return parent / f"demo-{number}"


def _export(folder: Path, name: LineFormat) -> Path:
    run = RunDirectory.open(folder)
    with RunReader(run.database_path) as reader:
        return export(reader, name, run.exports_folder / export_name(name)).path


def _show(
    console: Console, summary: RunSummary, provider: dict[str, Any], exported: list[Path]
) -> None:
    counts = read_report(summary.directory).counts
    console.print(Rule("one kept conversation"))
    example = _example(summary.directory)
    if example is not None:
        console.print(render_conversation(example.trajectory, example.verdict))
    console.print(Rule("what was made"))
    for name, value in _figures(counts, summary, provider, exported):
        console.print(f"{name:<16}{value}", highlight=False, markup=False, soft_wrap=True)
    console.print(Rule("next"))
    console.print(
        f"simkit report {summary.directory}\n"
        "simkit generate --catalog TOOLS.json --base-url URL --model NAME --api-key-env VARIABLE",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _figures(
    counts: RunCounts, summary: RunSummary, provider: dict[str, Any], exported: list[Path]
) -> list[tuple[str, str]]:
    return [
        ("run", str(summary.directory)),
        ("played", f"{counts.played:,} conversations, up to {summary.peak_in_flight:,} at once"),
        ("kept", f"{counts.kept:,}"),
        ("dropped", f"{counts.dropped:,}{_top(counts.drop_reasons)}"),
        ("undecided", f"{counts.undecided:,}{_top(counts.undecided_reasons)}"),
        ("failed", f"{counts.failed:,}{_top(counts.causes) if counts.failed else ''}"),
        (
            "masked turns",
            f"{counts.masked_turns:,} of {_turns(counts):,}{_top(counts.mask_reasons)}",
        ),
        ("calls", f"{counts.calls:,}, and {counts.retried_attempts:,} retried attempts"),
        ("provider", _provider_figures(provider)),
        ("tokens", f"{counts.input_tokens:,} in, {counts.output_tokens:,} out"),
        ("seconds", f"{summary.seconds:.1f}, {counts.calls / summary.seconds:,.0f} calls a second"),
        ("exported", f"{exported[0].parent}: {', '.join(path.name for path in exported)}"),
    ]


def _provider_figures(stats: dict[str, Any]) -> str:
    refused, faults = sum(stats["refused"].values()), sum(stats["faults"].values())
    mistakes = sum(stats["mistakes"].values())
    return (
        f"{stats['requests']:,} requests, {refused:,} refused as malformed; on purpose: "
        f"{faults:,} faults, {mistakes:,} mistakes"
    )


def _turns(counts: RunCounts) -> int:
    return counts.masked_turns + counts.trained_turns


def _top(reasons: Mapping[str, int], most: int = 3) -> str:
    """The most frequent of *reasons*, largest first, in brackets."""
    shown = [f"{name} {number}" for name, number in list(reasons.items())[:most]]
    return f" ({', '.join(shown)})" if shown else ""


def _example(folder: Path) -> StoredTrajectory | None:
    """A kept conversation worth reading: not long, and with a masked turn if there is one."""
    best: StoredTrajectory | None = None
    with RunReader(RunDirectory.open(folder).database_path) as reader:
        for stored in reader.trajectories(outcome="kept"):
            if best is None or _appeal(stored) > _appeal(best):
                best = stored
    return best


def _appeal(stored: StoredTrajectory) -> tuple[bool, int]:
    masked = stored.verdict is not None and bool(stored.verdict.masked)
    return masked, -abs(len(stored.trajectory.messages) - 10)
