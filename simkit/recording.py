"""A stored run as a replay needs it: conversations with the calls that they were made of."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from simkit.clients.recorded import RecordedCall
from simkit.traces import rows
from simkit.traces.calls import Answer, CallSite
from simkit.traces.database import StoreError, connect_reader, unreadable
from simkit.traces.run_reader import RunReader, StoredTrajectory

_SITE = tuple(field.name for field in fields(CallSite))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedConversation:
    """One stored conversation."""

    stored: StoredTrajectory
    body: bytes
    """The trajectory in its stored form."""
    verdict_body: bytes | None
    """The verdict in its stored form."""
    calls: tuple[RecordedCall, ...]

    @property
    def number(self) -> int:
        return self.stored.trajectory.scenario.number


class Recording:
    """The conversations of a run with their calls; reads only.

    For use in one thread, as a context manager. Everything raises `StoreError` when the
    database cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = RunReader(path)
        self._connection = connect_reader(path)
        self._connection.row_factory = sqlite3.Row
        # A damaged text is met where it is read, not by every query that passes it.
        self._connection.text_factory = lambda text: text.decode(errors="surrogateescape")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._connection.close()
        self._reader.close()

    def __len__(self) -> int:
        (row,) = self._query("SELECT count(*) AS number FROM trajectories")
        number: int = row["number"]
        return number

    def conversations(self) -> Iterator[RecordedConversation]:
        """All, in scenario order, one in memory at a time."""
        for stored in self._reader.trajectories():
            yield self._with_calls(stored)

    def conversation(self, number: int) -> RecordedConversation | None:
        """The conversation of scenario *number*, or None when it is not stored."""
        stored = self._reader.trajectory(number)
        return None if stored is None else self._with_calls(stored)

    def _with_calls(self, stored: StoredTrajectory) -> RecordedConversation:
        number = stored.trajectory.scenario.number
        (bodies,) = self._query(
            "SELECT t.body AS trajectory, v.body AS verdict FROM trajectories AS t"
            " LEFT JOIN verdicts AS v ON v.scenario = t.scenario AND v.filter_set = 'run'"
            " WHERE t.scenario = ?",
            number,
        )
        return RecordedConversation(
            stored=stored,
            body=bodies["trajectory"],
            verdict_body=None if stored.verdict is None else bodies["verdict"],
            calls=tuple(map(self._call, self._query(_SELECT_CALLS, number))),
        )

    def _call(self, row: Any) -> RecordedCall:
        site = CallSite(**{name: row[name] for name in _SITE})
        return RecordedCall(
            fingerprint=row["fingerprint"],
            site=site,
            model=row["model"],
            answer=lambda: self._answer(row, site),
        )

    def _answer(self, row: Any, site: CallSite) -> Answer:
        place = f"the {site.role}'s call for message {site.turn} of conversation {site.scenario}"
        try:
            return rows.answer_of(row, f"{place} in {self._path}")
        except ValueError as error:
            raise StoreError(
                f"{place} in {self._path} is not JSON: {error}; {rows.SAVE_THE_OTHERS}"
            ) from error

    def _query(self, select: str, *values: object) -> list[Any]:
        try:
            return self._connection.execute(select, values).fetchall()
        except sqlite3.Error as error:
            raise unreadable(self._path, error) from error


_SELECT_CALLS = "SELECT * FROM calls WHERE scenario = ? ORDER BY role, turn, part, ask"
