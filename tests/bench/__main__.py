"""``python -m tests.bench [NAME ...]``: measure, and print a table of ratios.

Each row compares a figure with a named baseline measured in the same run: machines differ,
ratios less so. Nothing here passes or fails; the aim stands beside the ratio.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from simkit.log import configure_log
from tests.bench import (
    changes,
    cost,
    faults,
    graph_scale,
    journal,
    memory,
    probe,
    quota,
    rehearsal,
    replay,
    settings,
    truth,
    walks,
)
from tests.bench.edges import table as edges
from tests.bench.row import Row

BENCHES: dict[str, Callable[[], list[Row]]] = {
    "cost": cost.measure,
    "quota": quota.measure,
    "changes": changes.measure,
    "faults": faults.measure,
    "memory": memory.measure,
    "journal": journal.measure,
    "replay": replay.measure,
    "edges": edges.measure,
    "walks": walks.measure,
    "graph": graph_scale.measure,
    "rehearsal": rehearsal.measure,
    "truth": truth.measure,
    "probe": probe.measure,
    "settings": settings.measure,
}


def main(names: list[str]) -> None:
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.exit(f"no bench called {unknown[0]}; there is {', '.join(BENCHES)}")
    configure_log(secrets=frozenset(), warnings=None)  # the table is what is read
    table = Table(
        "what", "measured", "baseline", "ratio", "aim", "besides", title="simkit benchmarks"
    )
    for name in names or BENCHES:
        for row in BENCHES[name]():
            ratio = f"{row.value / row.baseline:.2f}"
            measured = f"{row.value:,.1f} {row.unit}"
            baseline = f"{row.baseline:,.1f} {row.unit} ({row.baseline_name})"
            table.add_row(row.what, measured, baseline, ratio, row.aim, row.note)
    Console().print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
