"""How well rehearsals tell what real runs take.

For each of ten providers a run is played for real, over HTTP, and its time compared with what a
rehearsal says, from a run that was recorded at a provider of the same behaviour without any
limit, with a fourth of the conversations in flight, and fewer of them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from simkit.traces.run_directory import RunDirectory
from simkit.tuning.recorded import read_workload
from simkit.tuning.rehearsal import rehearse
from simkit.tuning.workload import Workload
from tests.bench.row import Row
from tests.bench.tuning_cases import CASES, PLAYED_CONVERSATIONS, Behaviour, Case, play, record


def measure() -> list[Row]:
    with TemporaryDirectory() as folder:
        workloads: dict[Behaviour, Workload] = {}
        for number, behaviour in enumerate(dict.fromkeys(case.behaviour for case in CASES)):
            directory = Path(folder, f"recorded{number}")
            record(behaviour, directory)
            workloads[behaviour] = read_workload(RunDirectory.open(directory))
        rows = [
            _row(case, workloads[case.behaviour], Path(folder, f"played{number}"))
            for number, case in enumerate(CASES)
        ]
    off = [abs(row.value / row.baseline - 1) for row in rows]
    of_all = f"of all, off by {median(off):.1%}, at worst {max(off):.1%}"
    rows[-1] = replace(rows[-1], note=f"{rows[-1].note}; {of_all}")
    return rows


def _row(case: Case, workload: Workload, directory: Path) -> Row:
    config, session = play(case, directory, conversations=PLAYED_CONVERSATIONS)
    found = rehearse(config, workload, {"default": case.terms}, conversations=PLAYED_CONVERSATIONS)
    limiting = next(iter(found.limiting), "nothing")
    really = next(iter(session.limiting), "nothing")
    return Row(
        what=f"rehearsed: {case.name}",
        value=found.seconds,
        baseline=session.seconds,
        baseline_name="real",
        unit="s",
        aim="within 0.80 to 1.20, 0.90 to 1.10 in the median",
        note=f"limited by {limiting}, really by {really}; "
        f"{found.calls:,} calls and {session.calls:,}",
    )
