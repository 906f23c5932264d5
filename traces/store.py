"""What is kept of a run: every model call, trajectory and verdict, in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Self

import anyio
import anyio.to_thread
import orjson

from simkit.traces import rows
from simkit.traces.calls import Answer, ChatRequest, Usage
from simkit.traces.counts import RunCounts, count_run
from simkit.traces.database import StoreError, connect_reader, connect_writer
from simkit.traces.functions import Function
from simkit.traces.group_commit import GroupCommitter, Statement
from simkit.traces.records import Outcome, Trajectory, Verdict
from simkit.traces.verdict_sets import (
    RUN_VERDICTS,
    is_set_name,
    publishing,
    removing,
    unfinished,
)

__all__ = ["RunReader", "Store", "StoreError", "StoredTrajectory"]

_FUNCTIONS_IN_MEMORY = 4096
_TOKENS = tuple(field.name for field in fields(Usage))

# A scenario's verdicts go with the trajectory that they are about: they cascade.
_REPLACE_TRAJECTORY = "INSERT OR REPLACE INTO trajectories"
_SELECT_TRAJECTORIES = """
SELECT t.scenario, t.body, v.body, t.seconds FROM trajectories AS t
LEFT JOIN verdicts AS v ON v.scenario = t.scenario AND v.filter_set = ?
"""


class Store:
    """The writing side of a run's database: one for a run, shared by all its tasks.

    Each async method returns when what it was given is on the disk, and stores it also
    when its caller is cancelled. Each raises `StoreError` when that failed; after a
    failure of the disk every later call raises.
    """

    def __init__(self, path: Path, committer: GroupCommitter, reader: sqlite3.Connection) -> None:
        self._path = path
        self._committer = committer
        self._reader = reader

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator[Store]:
        """Open the database at *path*, with its tables when it is new.

        Leaving, also by cancellation, commits what was handed in, folds the write-ahead log
        into the file and closes it.

        Raises:
            StoreError: The file is not ours, of another version, or cannot be opened.
        """
        writer = connect_writer(path)
        try:
            with closing(connect_reader(path)) as reader:
                reader.row_factory = sqlite3.Row
                async with _committing(GroupCommitter(writer, name=str(path))) as committer:
                    yield cls(path, committer, reader)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_fold_and_close, writer)

    @property
    def commits(self) -> int:
        """Transactions so far; far fewer than rows when many tasks store at once."""
        return self._committer.commits

    def recorded_call(self, fingerprint: bytes) -> Answer | None:
        """The answer recorded for *fingerprint*, or None.

        Raises:
            StoreError: It cannot be read.
        """
        select = "SELECT * FROM calls WHERE fingerprint = ?"
        try:
            row = self._reader.execute(select, (fingerprint,)).fetchone()
        except sqlite3.Error as error:
            raise StoreError(f"cannot read {self._path}: {error}") from error
        if row is None:
            return None
        return rows.answer_of(row, f"a call of scenario {row['scenario']} in {self._path}")

    async def record_call(
        self, fingerprint: bytes, request: ChatRequest, model: str, answer: Answer
    ) -> None:
        """Keep *answer*; if *fingerprint* is there already, the first answer stays."""
        row = rows.call_row(fingerprint, request, model, answer)
        await self._committer.submit(_insert("INSERT OR IGNORE INTO calls", row))

    async def save_trajectory(self, trajectory: Trajectory, *, seconds: float) -> None:
        """Keep *trajectory*, which took *seconds*, in the place of an earlier one.

        Verdicts on an earlier trajectory of the same scenario go with it.
        """
        functions = [rows.function_row(function) for function in trajectory.scenario.tools]
        keys = [function["key"] for function in functions]
        await self._committer.submit(
            *(_insert("INSERT OR IGNORE INTO functions", function) for function in functions),
            _insert(_REPLACE_TRAJECTORY, rows.trajectory_row(trajectory, keys, seconds)),
        )

    async def save_verdict(self, scenario: int, verdict: Verdict) -> None:
        """Keep the run's *verdict* on the trajectory of *scenario*, which must be stored."""
        await self._save_verdict(scenario, verdict, RUN_VERDICTS)

    async def begin_verdicts(self, name: str) -> None:
        """Begin the set of verdicts *name* anew; one that is there stays until `publish_verdicts`.

        What `add_verdict` has kept of an unfinished set of this name is removed.
        """
        await self._committer.submit(removing(unfinished(name)))

    async def add_verdict(self, scenario: int, verdict: Verdict, name: str) -> None:
        """Keep *verdict* for the set *name*, which readers see once it is published."""
        await self._save_verdict(scenario, verdict, unfinished(name))

    async def publish_verdicts(self, name: str, made_by: str) -> None:
        """Put the verdicts that were added in the place of the set *name*, all at once.

        Args:
            made_by: One line for people about the filters; kept as a fact about the run.
        """
        fact = {"key": f"verdicts {name}", "value": made_by}
        insert = _insert("INSERT OR REPLACE INTO meta", fact)
        await self._committer.submit(*publishing(name), insert)

    async def _save_verdict(self, scenario: int, verdict: Verdict, filter_set: str) -> None:
        row = {
            "scenario": scenario,
            "filter_set": filter_set,
            "outcome": verdict.outcome,
            "body": orjson.dumps(verdict),
        }
        await self._committer.submit(_insert("INSERT OR REPLACE INTO verdicts", row))

    async def save_meta(self, key: str, value: str) -> None:
        """Keep a fact about the run as a whole, in the place of an earlier value."""
        row = {"key": key, "value": value}
        await self._committer.submit(_insert("INSERT OR REPLACE INTO meta", row))


def _insert(into: str, row: rows.Row) -> Statement:
    return Statement(_insert_sql(into, tuple(row)), tuple(row.values()))


@cache
def _insert_sql(into: str, columns: tuple[str, ...]) -> str:
    """The column names are those of our records; values travel apart from the SQL."""
    return f"{into} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


@asynccontextmanager
async def _committing(committer: GroupCommitter) -> AsyncIterator[GroupCommitter]:
    """Run *committer* for as long as the block, and until all is committed."""
    raised: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(committer.run)
        try:
            yield committer
        except Exception as error:
            raised = error  # held back: the group would wrap the caller's own error
        finally:
            committer.close()
    if raised is not None:
        raise raised


def _fold_and_close(connection: sqlite3.Connection) -> None:
    # What is committed is safe in the log, too; a disk that is full now changes nothing.
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrajectory:
    """A trajectory with what is known about it."""

    trajectory: Trajectory
    verdict: Verdict | None
    """None until the filters are through with it."""
    seconds: float
    """From the first request to the last reply, waiting included."""


class RunReader:
    """The reading side of a run's database; works also while the run goes on.

    For use in one thread, as a context manager. Everything raises `StoreError` when the
    database cannot be read or holds what this version cannot understand.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = connect_reader(path)
        self._function = lru_cache(_FUNCTIONS_IN_MEMORY)(self._load_function)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; iterators that are not through become unusable."""
        self._connection.close()

    def trajectories(
        self, outcome: Outcome | None = None, *, verdicts: str = RUN_VERDICTS
    ) -> Iterator[StoredTrajectory]:
        """Trajectories in scenario order, one in memory at a time.

        With *outcome*, only those with that verdict. What is stored after the first one
        was taken does not appear.

        Args:
            verdicts: The set that verdicts are of.
        """
        where = "" if outcome is None else "WHERE v.outcome = ?"
        select = f"{_SELECT_TRAJECTORIES} {where} ORDER BY t.scenario"
        for row in self._query(select, verdicts, *([] if outcome is None else [outcome])):
            yield self._stored(*row)

    def trajectory(self, scenario: int, *, verdicts: str = RUN_VERDICTS) -> StoredTrajectory | None:
        """The trajectory of *scenario*, or None when it is not stored."""
        select = f"{_SELECT_TRAJECTORIES} WHERE t.scenario = ?"
        for row in self._query(select, verdicts, scenario):
            return self._stored(*row)
        return None

    def counts(self, *, verdicts: str = RUN_VERDICTS) -> RunCounts:
        """Totals of the run at one moment; time grows with the number of verdicts."""
        self._connection.execute("BEGIN")  # one snapshot for all the queries
        try:
            return count_run(self._query, verdicts)
        finally:
            self._connection.rollback()

    def verdict_sets(self) -> tuple[str, ...]:
        """Names of the sets of verdicts, in order; the run's own too, once it has any."""
        names = self._query("SELECT DISTINCT filter_set FROM verdicts ORDER BY 1")
        return tuple(name for (name,) in names if is_set_name(name))

    def check_verdicts(self, name: str) -> None:
        """Refuse a set of verdicts that is not there; the run's own always is.

        Raises:
            StoreError: Says which sets there are.
        """
        if name == RUN_VERDICTS:
            return
        known = dict.fromkeys((RUN_VERDICTS, *self.verdict_sets()))
        if name not in known:
            raise StoreError(
                f"{self._path} holds no set of verdicts {name!r}; there is {', '.join(known)}"
            )

    def outcomes(self) -> Iterator[tuple[int, Outcome | None, str | None]]:
        """Scenario, outcome and cause of every trajectory; no outcome until it is judged."""
        yield from self._query(
            "SELECT t.scenario, v.outcome, t.cause FROM trajectories AS t"
            " LEFT JOIN verdicts AS v ON v.scenario = t.scenario AND v.filter_set = 'run'"
        )

    def paid(self) -> dict[tuple[str, str], tuple[int, Usage]]:
        """Model and role to the number of calls, and the tokens of all of them."""
        return {
            (model, role): (calls, Usage(**dict(zip(_TOKENS, tokens, strict=True))))
            for model, role, calls, *tokens in self._query(
                f"SELECT model, role, count(*), {', '.join(f'sum({name})' for name in _TOKENS)}"  # noqa: S608 - our own columns
                " FROM calls GROUP BY model, role"
            )
        }

    def meta(self) -> dict[str, str]:
        """What `Store.save_meta` kept."""
        return dict(self._query("SELECT key, value FROM meta ORDER BY key"))

    def _query(self, select: str, *values: object) -> Iterator[Any]:
        try:
            yield from self._connection.execute(select, values)
        except sqlite3.DatabaseError as error:
            mend = ""
            if "malformed" in str(error):
                mend = f"; save what is left: simkit recover {self._path.parent} --out DIR"
            raise StoreError(f"cannot read {self._path}: {error}{mend}") from error

    def _stored(
        self, scenario: int, body: bytes, verdict: bytes | None, seconds: float
    ) -> StoredTrajectory:
        place = f"scenario {scenario} in {self._path}"
        return StoredTrajectory(
            trajectory=rows.trajectory_of(body, self._function, place),
            verdict=None if verdict is None else rows.verdict_of(verdict, f"verdict of {place}"),
            seconds=seconds,
        )

    def _load_function(self, key: str) -> Function:
        for (body,) in self._query("SELECT body FROM functions WHERE key = ?", key):
            return rows.function_of(body, f"function {key} in {self._path}")
        raise StoreError(f"{self._path} lacks function {key} that a trajectory names")
