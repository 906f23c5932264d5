"""What is kept of a run, as those who read it ask for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from simkit.traces import rows
from simkit.traces.calls import Usage
from simkit.traces.counts import RunCounts, count_run
from simkit.traces.database import Place, StoreError, connect_reader, unreadable
from simkit.traces.functions import Function
from simkit.traces.records import Outcome, Trajectory, Verdict
from simkit.traces.verdict_sets import RUN_VERDICTS, is_set_name

_FUNCTIONS_IN_MEMORY = 4096
_TOKENS = tuple(field.name for field in fields(Usage))

# The casts cost nothing for what is whole; of damage, which may look like text, they make bytes,
# so that it is met where one conversation is looked at.
_SELECT_TRAJECTORIES = """
SELECT t.scenario, CAST(t.body AS BLOB), CAST(v.body AS BLOB), t.seconds FROM trajectories AS t
LEFT JOIN verdicts AS v ON v.scenario = t.scenario AND v.filter_set = ?
"""


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
        except ValueError as error:  # a row does not hold what it should
            raise unreadable(self._path, error) from error
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

    def played(self) -> list[int]:
        """Scenarios that have a trajectory, ascending."""
        return [number for (number,) in self._query("SELECT scenario FROM trajectories ORDER BY 1")]

    def ids_unlike(self, beginning: str) -> dict[int, str]:
        """Scenario to the id of every trajectory whose id is not *beginning* and the scenario.

        Reads no conversation; in scenario order.
        """
        select = (
            "SELECT scenario, CAST(id AS BLOB) FROM trajectories WHERE id <> ? || scenario"
            " ORDER BY scenario"
        )
        return {
            scenario: bytes(found).decode(errors="replace")
            for scenario, found in self._query(select, beginning)
        }

    def outcomes(self) -> Iterator[tuple[int, Outcome | None, str | None]]:
        """Scenario, outcome and cause of every trajectory; no outcome until it is judged."""
        yield from self._query(
            "SELECT t.scenario, v.outcome, t.cause FROM trajectories AS t"
            " LEFT JOIN verdicts AS v ON v.scenario = t.scenario AND v.filter_set = 'run'"
        )

    def paid(self) -> dict[tuple[str, str], tuple[int, Usage]]:
        """Model and role to the number of calls, and the tokens of all of them."""
        place = Place("a call", self._path)
        sums = ", ".join(f"sum({name})" for name in _TOKENS)
        select = f"SELECT model, role, count(*), {sums} FROM calls GROUP BY model, role"  # noqa: S608 - our own columns
        return {
            (model, role): (calls, _usage(tokens, place))
            for model, role, calls, *tokens in list(self._query(select))
        }

    def meta(self) -> dict[str, str]:
        """What `Store.save_meta` kept."""
        return dict(self._query("SELECT key, value FROM meta ORDER BY key"))

    def _query(self, select: str, *values: object) -> Iterator[Any]:
        try:
            yield from self._connection.execute(select, values)
        except sqlite3.DatabaseError as error:
            raise unreadable(self._path, error) from error

    def _stored(
        self, scenario: int, body: bytes, verdict: bytes | None, seconds: float
    ) -> StoredTrajectory:
        played = Place(f"conversation {scenario}", self._path)
        judged = Place(f"verdict of conversation {scenario}", self._path)
        return StoredTrajectory(
            trajectory=rows.trajectory_of(body, self._function, played),
            verdict=None if verdict is None else rows.verdict_of(verdict, judged),
            seconds=seconds,
        )

    def _load_function(self, key: str) -> Function:
        place = Place(f"function {key}", self._path)
        for (body,) in self._query("SELECT CAST(body AS BLOB) FROM functions WHERE key = ?", key):
            return rows.function_of(body, place)
        raise place.damaged("it is not there, and a trajectory names it")


def _usage(tokens: list[object], place: Place) -> Usage:
    """Of sums of columns, which damage may have made anything of."""
    numbers = [number for number in tokens if isinstance(number, int)]
    if len(numbers) < len(tokens):
        raise place.damaged("its numbers of tokens are not all whole")
    return Usage(**dict(zip(_TOKENS, numbers, strict=True)))
