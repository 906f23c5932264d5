"""What live probes find of limits that nobody has told them, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from simkit.bus import Bus
from simkit.drain import Drain
from simkit.limit_options import KINDS
from simkit.tuning.probe.allowed import allowed
from simkit.tuning.probe.live import Probe, Probed
from tests.bench.row import Row
from tests.bench.standin import standin
from tests.bench.tuning_cases import CASES, Case, config_of

BUDGET = 2_500_000
"""Tokens."""


def measure() -> list[Row]:
    with TemporaryDirectory() as folder:
        return [
            row
            for number, case in enumerate(CASES)
            for row in _rows(case, Path(folder, f"probe{number}"))
        ]


def _rows(case: Case, directory: Path) -> Iterator[Row]:
    with standin(*case.options) as provider:
        config = config_of(provider.base_url, conversations=10_000, concurrency=1)
        probe = Probe(config, allowed(str(BUDGET), config))
        anyio.run(partial(probe.play, config, directory, Bus(), Drain()))
        stats = provider.stats()
    assert probe.probed is not None
    found = probe.probed
    used = stats["input_tokens"] + stats["output_tokens"]
    told = (
        f"{found.ended - found.began:.0f} s, {stats['answered']:,} calls, "
        f"{used / BUDGET:.0%} of the budget; ended as {found.stop.why}"
    )
    for name, limit in case.limits.items():
        yield _row(case, name, limit, found, told)
    if not case.limits:
        [limits] = found.limits.values()
        bound = [one.kind for one in limits if one.binds]
        yield Row(
            what=f"probed: {case.name}: limits found",
            value=len(bound),
            baseline=1,
            baseline_name="none is there",
            unit="limits",
            aim="0",
            note=f"{', '.join(bound)} {told}",
        )


def _row(case: Case, name: str, limit: float, found: Probed, told: str) -> Row:
    [limits] = found.limits.values()
    mine = next((one for one in limits if one.kind == KINDS[name]), None)
    met = mine is not None and mine.binds
    return Row(
        what=f"probed: {case.name}: {name}",
        value=mine.value if mine is not None else 0.0,
        baseline=limit,
        baseline_name="enforced",
        unit="" if name == "max_calls_in_flight" else "a minute",
        aim="within 0.90 to 1.10",
        note=("" if met else "not met; ") + told,
    )
