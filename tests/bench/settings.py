"""Whether the setting that is recommended is about as fast as the best of all.

For ten providers beside an exhaustive sweep of rehearsals; for some of them beside real runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from simkit.config import RunConfig
from simkit.traces.run_directory import RunDirectory
from simkit.tuning.grid import Ways
from simkit.tuning.processes import open_processes
from simkit.tuning.recorded import read_workload
from simkit.tuning.rehearsal import rehearse
from simkit.tuning.sweep import Sweep, Swept, derived_workers, sweep
from simkit.tuning.workload import Workload
from tests.bench.row import Row
from tests.bench.tuning_cases import CASES, Behaviour, Case, config_of, play, record

CONVERSATIONS = 200
EXHAUSTIVE = (1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 200)
REAL = (16, 32, 64, 128)
PLAYED = ("slower under load", "requests and calls in flight")


def measure() -> list[Row]:
    with TemporaryDirectory() as folder:
        workloads: dict[Behaviour, Workload] = {}
        for number, behaviour in enumerate(dict.fromkeys(case.behaviour for case in CASES)):
            directory = Path(folder, f"recorded{number}")
            record(behaviour, directory)
            workloads[behaviour] = read_workload(RunDirectory.open(directory))
        rows: list[Row] = []
        for number, case in enumerate(CASES):
            found = _swept(case, workloads[case.behaviour])
            rows.append(_beside_rehearsals(case, workloads[case.behaviour], found))
            if case.name in PLAYED:
                rows += _beside_runs(case, found, Path(folder, f"played{number}"))
        return rows


def _config(case: Case) -> RunConfig:
    told = {key.replace(".", "__"): limit for key, limit in case.told_options().items()}
    address = "http://127.0.0.1:9/v1"
    return config_of(address, conversations=CONVERSATIONS, concurrency=1, **told)


def _swept(case: Case, workload: Workload, concurrency: tuple[int, ...] = ()) -> Swept:
    config = _config(case)
    ways = Ways(
        concurrency=concurrency,
        filter_workers=(),
        most=CONVERSATIONS,
        derived=partial(derived_workers, config),
    )
    asked = Sweep(
        config=config,
        workload=workload,
        terms={"default": case.terms},
        conversations=CONVERSATIONS,
        ways=ways,
        seed=0,
        full=True,
    )
    with open_processes() as processes:
        return sweep(asked, rehearse, processes)


def _beside_rehearsals(case: Case, workload: Workload, found: Swept) -> Row:
    every = _swept(case, workload, EXHAUSTIVE)
    best = max(every.tried, key=lambda one: one.conversations_per_hour)
    assert found.recommended is not None
    return Row(
        what=f"recommended: {case.name}",
        value=found.recommended.conversations_per_hour,
        baseline=best.conversations_per_hour,
        baseline_name=f"best of {len(every.tried)} rehearsed",
        unit="conversations/h",
        aim="at least 0.95",
        note=f"{found.recommended.setting.concurrency} in flight, the best has "
        f"{best.setting.concurrency}; {len(found.tried)} settings were tried",
    )


def _beside_runs(case: Case, found: Swept, directory: Path) -> Iterator[Row]:
    assert found.recommended is not None
    chosen = found.recommended.setting.concurrency
    hourly = {
        concurrency: _played(case, concurrency, Path(f"{directory}-{concurrency}"))
        for concurrency in dict.fromkeys((*REAL, chosen))
    }
    best = max(hourly, key=lambda concurrency: hourly[concurrency])
    yield Row(
        what=f"recommended, played: {case.name}",
        value=hourly[chosen],
        baseline=hourly[best],
        baseline_name=f"best of {len(hourly)} played",
        unit="conversations/h",
        aim="at least 0.95",
        note=f"{chosen} in flight, the best has {best}",
    )


def _played(case: Case, concurrency: int, directory: Path) -> float:
    """Conversations an hour."""
    wanted = replace(case, concurrency=concurrency)
    _, session = play(wanted, directory, conversations=CONVERSATIONS)
    return 3600 * session.conversations / session.seconds
