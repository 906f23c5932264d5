"""Rows of a damaged run's database, moved into the database of a new one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from simkit.loose_pages import loose_rows
from simkit.one_run import id_beginning, not_of_this_run
from simkit.readable_rows import ReadableRows
from simkit.traces import rows
from simkit.traces.database import Place, StoreError
from simkit.traces.functions import Function
from simkit.traces.run_directory import RunDirectory

# A trajectory names functions, and a verdict its trajectory.
TABLES = ("meta", "functions", "calls", "trajectories", "verdicts")
"""In the order in which they are to be saved."""

_NEVER_CHANGED = frozenset({"functions", "calls"})
"""Tables whose rows stay as they are for good: an old page cannot say otherwise, and their
rowids count them from 1."""

Bound = Literal["exactly", "at most", "at least"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRecovery:
    """What became of the rows of one table."""

    saved: int
    unfit: int
    """Could be read and do not hold what they should, or belong to what is lost."""
    foreign: int
    """Could be read and are of another run, or about what is."""
    lost: int
    """Could not be read."""
    bound: Bound
    """What `lost` is of the true number; "at least" none says nothing."""

    @property
    def is_whole(self) -> bool:
        """Whether it is sure that nothing is missing."""
        return not (self.unfit or self.foreign or self.lost or self.bound == "at least")


class Salvage:
    """Moves what *old* still holds into *new*.

    Args:
        old: A copy, in autocommit mode, with `sqlite3.Row` for rows.
        path: Of that copy.
        name: Path of what it is a copy of, for errors.
        conversations: How many the run wants; bounds the numbers of what may be lost.
        seed: Of the run; tells its conversations from those of others.
    """

    def __init__(
        self,
        old: sqlite3.Connection,
        new: sqlite3.Connection,
        *,
        path: Path,
        name: Path,
        conversations: int,
        seed: int,
    ) -> None:
        self._old = old
        self._new = new
        self._path = path
        self._name = name
        self._columns = cache(self._columns_of)
        self._conversations = conversations
        self._functions: dict[str, Function] = {}
        self._played: set[int] = set()
        self._seed = seed
        self._ids_begin: str | None = None  # None: not known, so that nothing is foreign
        self._foreign: dict[int, str] = {}
        self._sets_are_known = False
        self._checks: dict[str, Callable[[Any, Place], object]] = {
            "meta": self._check_meta,
            "functions": self._check_function,
            "calls": rows.answer_of,
            "trajectories": self._check_trajectory,
            "verdicts": self._check_verdict,
        }

    def save(self, table: str) -> TableRecovery:
        """Save the rows of *table* that can be read and hold what they should.

        The tables before it in `TABLES` must have been saved.
        """
        readable = ReadableRows(connection=self._old, table=table, last=self._last(table))
        saved = unfit = foreign = highest = 0
        with self._new:
            for row in readable:
                highest = max(highest, row["rowid_"])
                if self._save(table, row):
                    saved += 1
                elif self._is_foreign(table, row):
                    foreign += 1
                else:
                    unfit += 1
            if readable.gaps and table in _NEVER_CHANGED:
                for row in self._loose_rows(table):
                    if self._save(table, row):
                        highest = max(highest, row["rowid_"])
                        saved += 1
        if table == "trajectories":
            self._played.update(number for gap in readable.gaps for number in gap)
        read = saved + unfit + foreign
        there_were, bound = self._there_were(readable, highest, read)
        recovery = TableRecovery(
            saved=saved,
            unfit=unfit,
            foreign=foreign,
            lost=max(0, there_were - read),
            bound=bound,
        )
        if table == "meta" and recovery.is_whole:
            self._sets_are_known = True
            self._ids_begin = id_beginning(self._seed, self.meta(), self._name)
        return recovery

    def meta(self) -> dict[str, str]:
        """What the run knows about itself, as far as it is saved."""
        return dict(self._new.execute("SELECT key, value FROM meta"))

    def check_is_this_run(self, directory: RunDirectory) -> None:
        """Refuse to make a run of conversations that are all of another than *directory* is of.

        Raises:
            StoreError: They are.
        """
        (ours,) = self._new.execute("SELECT count(*) FROM trajectories").fetchone()
        if self._foreign and self._ids_begin is not None and not ours:
            found = next(iter(self._foreign.values()))
            raise not_of_this_run(directory, self._ids_begin, found)

    def _there_were(self, readable: ReadableRows, highest: int, read: int) -> tuple[int, Bound]:
        """How many rows a table had, as far as anything tells.

        Args:
            highest: The last rowid of those that were read.
            read: How many that were.
        """
        if readable.known is not None:
            return readable.known, "exactly"
        if not readable.gaps:
            return read, "exactly"
        if readable.table in _NEVER_CHANGED:
            if readable.highest is not None:
                return readable.highest, "exactly"
            return highest, "at least"
        if readable.table == "trajectories":
            return len(self._played), "at most"
        if readable.table == "verdicts" and self._sets_are_known:
            return len(self._played) * self._verdict_sets(), "at most"
        return read, "at least"

    def _verdict_sets(self) -> int:
        """How many there are, the run's own included."""
        noted = "SELECT count(*) FROM meta WHERE key GLOB 'verdicts *'"
        (others,) = self._new.execute(noted).fetchone()
        return 1 + int(others)

    def lost_trajectories(self) -> tuple[int, ...]:
        """Scenarios, ascending, whose trajectory was there or may have been, and is not saved."""
        saved = {number for (number,) in self._new.execute("SELECT scenario FROM trajectories")}
        return tuple(sorted(self._played - saved))

    def _save(self, table: str, row: sqlite3.Row) -> bool:
        """Whether *row* holds what it should, and was not saved before."""
        columns = self._columns(table)
        names, places = ", ".join(columns), ", ".join("?" * len(columns))
        insert = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608 - our own names
        try:
            self._checks[table](row, Place(f"row {row['rowid_']} of {table}", self._name))
            self._new.execute(insert, [row[column] for column in columns])
        except (StoreError, sqlite3.DatabaseError):
            return False
        return True

    def _is_foreign(self, table: str, row: sqlite3.Row) -> bool:
        """Whether *row*, which was not saved, is of another run, or about what is."""
        return table in ("trajectories", "verdicts") and row["scenario"] in self._foreign

    def _last(self, table: str) -> int | None:
        """No trajectory has a higher number than this; other tables tell by themselves."""
        if table != "trajectories":
            return None
        (highest,) = self._new.execute("SELECT max(scenario) FROM calls").fetchone()
        return max(self._conversations - 1, highest or 0)

    def _loose_rows(self, table: str) -> Iterator[sqlite3.Row]:
        return loose_rows(self._old, self._path, table)

    def _columns_of(self, table: str) -> tuple[str, ...]:
        return tuple(row[1] for row in self._new.execute(f"PRAGMA table_info({table})"))

    def _check_function(self, row: sqlite3.Row, place: Place) -> None:
        function = rows.function_of(row["body"], place)
        if rows.function_row(function) != {"key": row["key"], "body": row["body"]}:
            raise StoreError(f"{place} is not the function that its key names")
        self._functions[row["key"]] = function

    def _check_trajectory(self, row: sqlite3.Row, place: Place) -> None:
        number = row["rowid_"]
        self._played.add(number)
        trajectory = rows.trajectory_of(row["body"], self._function, place)
        if trajectory.scenario.number != number or trajectory.id != row["id"]:
            raise StoreError(f"{place} holds another trajectory")
        if self._ids_begin is not None and trajectory.id != f"{self._ids_begin}{number}":
            self._foreign[number] = trajectory.id
            raise StoreError(f"{place} is of another run")

    def _check_verdict(self, row: sqlite3.Row, place: Place) -> None:
        verdict = rows.verdict_of(row["body"], place)
        if verdict.outcome != row["outcome"]:
            raise StoreError(f"{place} says two things")
        self._played.add(row["scenario"])  # the row is refused when the trajectory is lost

    def _function(self, key: str) -> Function:
        if key not in self._functions:
            raise StoreError(f"function {key} is lost")
        return self._functions[key]

    def _check_meta(self, row: sqlite3.Row, place: Place) -> None:
        if not (isinstance(row["key"], str) and isinstance(row["value"], str)):
            raise StoreError(f"{place} is not text")
        id_beginning(self._seed, {row["key"]: row["value"]}, self._name)  # of a fork: is it told?
