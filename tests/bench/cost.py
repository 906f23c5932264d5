"""CPU of a call through the whole client stack beside a bare aiohttp loop."""

from __future__ import annotations

from statistics import median

from tests.bench.load import measured
from tests.bench.row import Row
from tests.bench.standin import standin

AT_ONCE = {64: ("0.01", 20_000), 2_000: ("0.5", 20_000), 5_000: ("1.0", 30_000)}
"""Calls in flight, with the latency of the provider and how many calls are made."""
REPEATS = 3


def measure() -> list[Row]:
    return [_row(at_once, *load) for at_once, load in AT_ONCE.items()]


def _row(at_once: int, latency: str, total: int) -> Row:
    costs: dict[str, list[float]] = {"simkit": [], "bare": []}
    peak = lost = 0.0
    with standin("--brain", "echo", "--latency", latency) as provider:
        for _ in range(REPEATS):  # in turns, so that the machine's moods hit both
            for client, cost in costs.items():
                figures = measured(client, provider.base_url, at_once=at_once, total=total)
                cost.append(1e6 * figures["cpu_seconds"] / figures["answered"])
                if client == "simkit":
                    peak = max(peak, figures["peak_megabytes"])
                    lost += total - figures["answered"]
    return Row(
        what=f"CPU of a call, {at_once:,} in flight",
        value=median(costs["simkit"]),
        baseline=median(costs["bare"]),
        baseline_name="bare aiohttp",
        unit="µs",
        aim="at most 1.6",
        note=f"{lost:.0f} of {REPEATS * total:,} lost, peak {peak:.0f} MB",
    )
