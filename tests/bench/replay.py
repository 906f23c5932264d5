"""Replaying a run beside making it."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from simkit.bus import Bus
from simkit.config_file import load_config
from simkit.replay import ReplayReport, replay_run
from simkit.run import run
from tests.bench.row import Row
from tests.bench.standin import standin

CONVERSATIONS = 1_000


def measure() -> list[Row]:
    with TemporaryDirectory() as folder, standin("--mistakes", "0.1") as provider:
        directory = Path(folder, "run")
        making = _make(directory, provider.base_url)
        report = anyio.run(replay_run, directory)
        size = (directory / "run.db").stat().st_size
        calls = provider.stats()["answered"]
    return [_row(report, making, calls, size)]


def _make(directory: Path, base_url: str) -> float:
    """Make a run; the seconds that it took."""
    options = {
        "catalog.demo": True,
        "graph.embedder": "lexical",
        "model.name": "standin",
        "run.conversations": CONVERSATIONS,
        "provider.base_url": base_url,
    }
    began = time.monotonic()
    anyio.run(partial(run, load_config(None, options), directory, Bus()))
    return time.monotonic() - began


def _row(report: ReplayReport, making: float, calls: int, size: int) -> Row:
    played = report.conversations.total()
    return Row(
        what=f"conversations replayed, {played:,} of {calls / played:.0f} calls",
        value=played / report.seconds,
        baseline=played / making,
        baseline_name="made against the stand-in",
        unit="/s",
        note=(
            f"{report.conversations['identical']:,} identical, "
            f"{calls / report.seconds:,.0f} calls/s, "
            f"{size / played / 1024:.0f} kB stored for each"
        ),
    )
