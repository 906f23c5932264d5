"""What is kept of a run: every model call, trajectory and verdict, in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from functools import cache
from pathlib import Path

import anyio
import anyio.to_thread

from simkit.traces import rows
from simkit.traces.calls import Answer, ChatRequest
from simkit.traces.database import Place, StoreError, connect_reader, connect_writer, unreadable
from simkit.traces.group_commit import GroupCommitter, Statement
from simkit.traces.records import Trajectory, Verdict
from simkit.traces.verdict_sets import RUN_VERDICTS, publishing, removing, unfinished

__all__ = ["Store", "StoreError"]

# A scenario's verdicts go with the trajectory that they are about: they cascade.
_REPLACE_TRAJECTORY = "INSERT OR REPLACE INTO trajectories"


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

    @property
    def seconds_waited(self) -> float:
        """How long its tasks have waited for the disk, all together."""
        return self._committer.seconds_waited

    def size_bytes(self) -> int:
        """How large the database is, with what its write-ahead log holds.

        Raises:
            StoreError: It cannot be read.
        """
        select = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        try:
            size: int = self._reader.execute(select).fetchone()[0]
        except sqlite3.Error as error:
            raise unreadable(self._path, error) from error
        return size

    def recorded_call(self, fingerprint: bytes) -> Answer | None:
        """The answer recorded for *fingerprint*, or None.

        Raises:
            StoreError: It cannot be read.
        """
        select = "SELECT * FROM calls WHERE fingerprint = ?"
        try:
            row = self._reader.execute(select, (fingerprint,)).fetchone()
        except sqlite3.Error as error:
            raise unreadable(self._path, error) from error
        if row is None:
            return None
        return rows.answer_of(row, Place(f"a call of scenario {row['scenario']}", self._path))

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
        functions = [rows.function_row(function) for function in trajectory.scenario.functions]
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
            "body": rows.verdict_body(verdict),
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
