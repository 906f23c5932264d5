"""One writer that commits what many tasks hand in, in as few transactions as it can.

While one transaction is on its way to the disk, what comes in meanwhile gathers and makes
up the next. So the groups grow with the load, and nobody waits for a timer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.to_thread

from simkit.traces.database import StoreError, is_damage

_QUEUE = 256
"""Submissions that may wait before submitters do: bounds memory, not the group's size much."""

_ROW_FAULTS = (sqlite3.IntegrityError, sqlite3.DataError, OverflowError)
"""What one unfit row raises; the database itself is well."""

_MEND_DISK = "Everything stored before is safe; make room or mend the disk, then start again"
_SAVE_WHAT_IS_LEFT = "The file is damaged; save what is left: simkit recover RUN --out DIR"


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement with its values."""

    sql: str
    values: tuple[Any, ...]


@dataclass(slots=True, eq=False)
class _Submission:
    statements: Sequence[Statement]
    settled: anyio.Event = field(default_factory=anyio.Event)
    refusal: str | None = None


class GroupCommitter:
    """The only writer of *connection*, which it uses in a worker thread.

    Whoever owns it runs `run` in a task group, and calls `close` when nothing more will be
    submitted.
    """

    def __init__(self, connection: sqlite3.Connection, *, name: str) -> None:
        self._connection = connection
        self._name = name
        self._send, self._receive = anyio.create_memory_object_stream[_Submission](_QUEUE)
        self._thread = anyio.CapacityLimiter(1)  # never waits for other users of threads
        self._refusal = f"{name} is closed; nothing more can be stored"
        self.commits = 0
        """Transactions so far."""
        self._submitting = 0
        self._submitting_since = 0.0
        self._seconds_waited = 0.0

    @property
    def seconds_waited(self) -> float:
        """How long submitters have waited until theirs was durable, all together."""
        self._count_waiting(0)
        return self._seconds_waited

    async def submit(self, *statements: Statement) -> None:
        """Run *statements* in one transaction; durable when this returns.

        They are stored also when the caller is cancelled: what it hands in has been paid
        for. Submissions are committed in the order of these calls.

        Raises:
            StoreError: They were not stored: the row is unfit, or the disk failed, after
                which nothing can be stored any more.
        """
        submission = _Submission(statements)
        self._count_waiting(1)
        try:
            await self._hand_in(submission)
            await submission.settled.wait()
        finally:
            self._count_waiting(-1)
        if submission.refusal is not None:
            raise StoreError(submission.refusal)

    async def _hand_in(self, submission: _Submission) -> None:
        # Shielded until it is in the queue, which takes one commit at most.
        with anyio.CancelScope(shield=True):
            try:
                await self._send.send(submission)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                raise StoreError(self._refusal) from None

    def _count_waiting(self, more: int) -> None:
        """So many *more* wait from now on."""
        now = anyio.current_time()
        self._seconds_waited += self._submitting * (now - self._submitting_since)
        self._submitting += more
        self._submitting_since = now

    def close(self) -> None:
        """Take no more submissions; `run` returns when those in the queue are committed."""
        self._send.close()

    async def run(self) -> None:
        """Commit submissions until `close`, or until the disk fails.

        Not cancelled from outside: the rows in the queue are committed first.
        """
        with anyio.CancelScope(shield=True), self._receive:
            async for submission in self._receive:
                group = [submission, *self._waiting()]
                try:
                    await anyio.to_thread.run_sync(self._commit, group, limiter=self._thread)
                except sqlite3.Error as error:
                    self._stop(f"cannot write {self._name}: {error}", group, _mend(error))
                    return
                except BaseException as error:
                    self._stop(f"cannot write {self._name}: {error!r}", group, _MEND_DISK)
                    raise
                _settle(group)

    def _waiting(self) -> list[_Submission]:
        waiting: list[_Submission] = []
        while len(waiting) < _QUEUE:
            try:
                waiting.append(self._receive.receive_nowait())
            except (anyio.WouldBlock, anyio.EndOfStream):
                break
        return waiting

    def _commit(self, group: Sequence[_Submission]) -> None:
        """In the worker thread: store *group*, at best in one transaction."""
        try:
            self._transaction(group)
        except _ROW_FAULTS:
            # One row does not fit. That must not cost the others theirs.
            for submission in group:
                try:
                    self._transaction([submission])
                except _ROW_FAULTS as fault:
                    submission.refusal = f"{self._name} cannot hold this row: {fault}"

    def _transaction(self, group: Sequence[_Submission]) -> None:
        with self._connection:  # commits at the end, rolls back on an error
            for submission in group:
                for statement in submission.statements:
                    self._connection.execute(statement.sql, statement.values)
        self.commits += 1

    def _stop(self, problem: str, group: Sequence[_Submission], mend: str) -> None:
        """Refuse *group*, all who wait, and all who come later."""
        self._refusal = f"{problem}. {mend}"
        while group:
            for submission in group:
                submission.refusal = self._refusal
            _settle(group)
            group = self._waiting()


def _mend(error: sqlite3.Error) -> str:
    return _SAVE_WHAT_IS_LEFT if is_damage(error) else _MEND_DISK


def _settle(group: Sequence[_Submission]) -> None:
    for submission in group:
        submission.settled.set()
