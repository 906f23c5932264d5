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
from simkit.traces.database import DamagedStore, Place, connect_reader, unreadable
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


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableConversation:
    """One stored conversation that is damaged."""

    number: int
    why: str
    """One line, with what to do."""


class Recording:
    """The conversations that a run holds now, with their calls; reads only.

    For use in one thread, as a context manager. Everything raises `StoreError` when the
    database cannot be read, or, where the damage is in one conversation, `DamagedStore`.
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

    def conversations(self) -> Iterator[RecordedConversation | UnreadableConversation]:
        """All, in scenario order, one in memory at a time; damage to one stops no other."""
        self._query("SELECT 1 FROM trajectories, verdicts, functions, calls LIMIT 0")  # all there?
        for number in self._reader.played():
            try:
                found = self.conversation(number)
            except DamagedStore as error:
                yield UnreadableConversation(number=number, why=str(error))
                continue
            if found is not None:
                yield found

    def conversation(self, number: int) -> RecordedConversation | None:
        """The conversation of scenario *number*, or None when it is not stored."""
        stored = self._reader.trajectory(number)
        return None if stored is None else self._with_calls(stored)

    def _with_calls(self, stored: StoredTrajectory) -> RecordedConversation:
        number = stored.trajectory.scenario.number
        (bodies,) = self._query(
            "SELECT CAST(t.body AS BLOB) AS trajectory, CAST(v.body AS BLOB) AS verdict"
            " FROM trajectories AS t"
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
        what = f"the {site.role}'s call for message {site.turn} of conversation {site.scenario}"
        return rows.answer_of(row, Place(what, self._path))

    def _query(self, select: str, *values: object) -> list[Any]:
        try:
            return self._connection.execute(select, values).fetchall()
        except sqlite3.Error as error:
            raise unreadable(self._path, error) from error


_SELECT_CALLS = "SELECT * FROM calls WHERE scenario = ? ORDER BY role, turn, part, ask"
