"""``simkit recover``: what can be saved of a damaged run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simkit.spans import spans

if TYPE_CHECKING:
    from simkit.recover import Recovery
    from simkit.salvage import TableRecovery


def recover(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the damaged run.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder of the run to save it in.")
    ],
) -> None:
    """Save what can be read of a damaged run into a new one.

    Says what is missing, and how the new run goes on: replies that are saved are not asked
    for again, so only those that are lost cost anything. Conversations of another run that
    somebody put in are left out. The damaged run is left as it is.
    """
    from simkit.recover import recover as save

    for line in _lines(save(run, out)):
        print(line)


def _lines(recovery: Recovery) -> Iterator[str]:
    for name, table in recovery.tables.items():
        yield f"{name}: {_row_counts(table)}"
    if recovery.lost_trajectories:
        yield (
            f"no trajectory of scenarios {spans(recovery.lost_trajectories)}, as far as they "
            "were played; they are played again from the saved calls"
        )
    if recovery.tables["trajectories"].foreign:
        yield (
            "calls of the other run cannot be told from this run's, so all are saved: `simkit "
            "report` counts them, and they answer nothing else than they did"
        )
    if not recovery.tables["calls"].is_whole:
        yield "calls that are missing are asked for again when a conversation needs them"
    if recovery.is_whole:
        yield "nothing is missing"
    if recovery.graph_problem is None:
        yield f"next: {recovery.go_on}"
    else:
        yield f"no graph: {recovery.graph_problem}"
        yield (
            f"once {recovery.directory / 'run.graph'} is there again: {recovery.go_on}; "
            "`simkit report` and `simkit export` work without"
        )


def _row_counts(table: TableRecovery) -> str:
    counts = [f"{table.saved:,} rows saved"]
    if table.lost:
        bound = "" if table.bound == "exactly" else f"{table.bound} "
        counts.append(f"{bound}{table.lost:,} not readable")
    elif table.bound == "at least":
        counts.append("an unknown number not readable")
    if table.foreign:
        counts.append(f"{table.foreign:,} of another run left out")
    if table.unfit:
        counts.append(f"{table.unfit:,} left out, as they do not hold what they should")
    return ", ".join(counts)
