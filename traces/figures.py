"""The figures of a run, all read at one moment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from simkit.traces.books import Books, close_books
from simkit.traces.counts import RunCounts, count_run
from simkit.traces.database import connect_reader, unreadable
from simkit.traces.dialogue_counts import DialogueCounts, count_dialogues
from simkit.traces.turn_kinds import TurnKindCounts, count_turn_kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a run's database tells in numbers."""

    counts: RunCounts
    books: Books
    turn_kinds: TurnKindCounts
    dialogues: DialogueCounts


def read_figures(path: Path, *, wanted: int, verdicts: str, compared: bool = False) -> Figures:
    """The figures of the database at *path*; a writer may be at work meanwhile.

    Args:
        wanted: How many conversations the run is to have.
        verdicts: The set that decides what was kept.
        compared: Whether that is known to have compared trajectories; see `count_run`.

    Raises:
        StoreError: It cannot be read.
    """
    with closing(connect_reader(path)) as connection:

        def query(select: str, *values: object) -> sqlite3.Cursor:
            return connection.execute(select, values)

        try:
            query("BEGIN")  # one snapshot for all the queries
            return Figures(
                counts=count_run(query, verdicts, compared=compared),
                books=close_books(connection, wanted=wanted, verdicts=verdicts),
                turn_kinds=count_turn_kinds(query, verdicts),
                dialogues=count_dialogues(query, verdicts),
            )
        except (sqlite3.Error, ValueError) as error:  # ValueError: of a row
            raise unreadable(path, error) from error
