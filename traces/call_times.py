"""When the calls of a run were made, and how large they were; no reply is parsed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simkit.traces.database import connect_reader, unreadable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_ROWS_AT_ONCE = 50_000
_NUMBERS = (
    "scenario",
    "turn",
    "input_tokens",
    "output_tokens",
    "started_at",
    "provider_seconds",
    "total_seconds",
    "attempts",
)
# What is no number, by damage, is read as none; and a text as bytes, which may be any.
_NUMBER = "iif(typeof({0}) IN ('integer', 'real'), {0}, NULL)"
_SELECT_CALLS = f"""
SELECT CAST(role AS BLOB), CAST(model AS BLOB), {", ".join(map(_NUMBER.format, _NUMBERS))}
FROM calls
"""  # noqa: S608 - our own columns
_SELECT_OUTCOMES = """
SELECT t.scenario, v.outcome FROM trajectories AS t
LEFT JOIN verdicts AS v ON v.scenario = t.scenario AND v.filter_set = 'run'
"""
_SELECT_BYTES = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"

_MOST = 2**53
"""What is larger cannot be counted exactly in floating point, and is no number of anything."""
_CLOCK_SECONDS = 0.01
"""By which the last attempt may seem longer than all of them together: clocks are not exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTable:
    """Calls by column, ordered by conversation, and there by when they were asked.

    Times are seconds since the epoch.
    """

    scenario: Integers
    kind: Integers
    """Index into `kinds`."""
    input_tokens: Integers
    output_tokens: Integers
    asked_at: Floats
    sent_at: Floats
    """When the attempt began that was answered."""
    ended_at: Floats
    attempts: Integers
    kinds: tuple[tuple[str, str], ...]
    """Role and model of calls, each pair once."""

    def __len__(self) -> int:
        return len(self.scenario)

    def where(self, chosen: NDArray[np.bool_]) -> CallTable:
        """Only the calls that are *chosen*, which holds a truth for each."""
        columns = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "kinds"}
        return replace(self, **{name: column[chosen] for name, column in columns.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTimesOfRun:
    """What the database of a run tells about its calls and conversations."""

    calls: CallTable
    damaged: int
    """Calls that were left out, because a number of theirs cannot be."""
    outcomes: dict[int, str | None]
    """Scenario to the outcome of each trajectory, ascending; None: not judged."""
    meta: dict[str, str]
    database_bytes: int


def read_call_times(path: Path) -> CallTimesOfRun:
    """Read the database at *path*; a writer may be at work meanwhile.

    Takes some hundred bytes of memory and some microseconds a call.

    Raises:
        StoreError: It cannot be read.
    """
    with closing(connect_reader(path)) as connection:
        connection.text_factory = lambda text: text.decode(errors="replace")
        try:
            connection.execute("BEGIN")  # one snapshot for all the queries
            calls, damaged = _calls(connection)
            outcomes = connection.execute(f"{_SELECT_OUTCOMES} ORDER BY t.scenario").fetchall()
            (size,) = connection.execute(_SELECT_BYTES).fetchone()
            meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        except sqlite3.Error as error:
            raise unreadable(path, error) from error
    return CallTimesOfRun(
        calls=calls, damaged=damaged, outcomes=dict(outcomes), meta=meta, database_bytes=size
    )


def _calls(connection: sqlite3.Connection) -> tuple[CallTable, int]:
    kinds: dict[tuple[bytes, bytes], int] = {}
    parts = [*_parts(connection.execute(_SELECT_CALLS), kinds)]
    rows = np.concatenate(parts) if parts else np.empty((0, len(_NUMBERS) + 1))
    del parts  # of millions of calls, this is half of the memory
    column = dict(zip(("kind", *_NUMBERS), rows.T, strict=True))
    good = np.flatnonzero(_possible(column))
    keys = [column[name][good] for name in ("turn", "started_at", "scenario")]
    order = good[np.lexsort(keys)]
    ordered = {name: values[order] for name, values in column.items()}
    return _table(ordered, kinds), len(rows) - len(good)


def _parts(rows: sqlite3.Cursor, kinds: dict[tuple[bytes, bytes], int]) -> Iterator[Floats]:
    """Rows as numbers, the kind of each first; what is none becomes NaN."""
    while part := rows.fetchmany(_ROWS_AT_ONCE):
        numbers = [
            (kinds.setdefault((role, model), len(kinds)), *others) for role, model, *others in part
        ]
        yield np.array(numbers, dtype=np.float64)


def _possible(column: dict[str, Floats]) -> NDArray[np.bool_]:
    """Which rows can be calls; comparisons with NaN are false."""
    good = np.ones(len(column["kind"]), dtype=np.bool_)
    for name in _NUMBERS:
        least = {"turn": -1, "attempts": 1}.get(name, 0)  # turn -1 is the whole conversation
        good &= (column[name] >= least) & (column[name] < _MOST)
    return good & (column["provider_seconds"] <= column["total_seconds"] + _CLOCK_SECONDS)


def _table(column: dict[str, Floats], kinds: dict[tuple[bytes, bytes], int]) -> CallTable:
    ended_at = column["started_at"] + column["total_seconds"]
    return CallTable(
        scenario=column["scenario"].astype(np.int64),
        kind=column["kind"].astype(np.int64),
        input_tokens=column["input_tokens"].astype(np.int64),
        output_tokens=column["output_tokens"].astype(np.int64),
        asked_at=column["started_at"],
        sent_at=ended_at - column["provider_seconds"],
        ended_at=ended_at,
        attempts=column["attempts"].astype(np.int64),
        kinds=tuple((_text(role), _text(model)) for role, model in kinds),
    )


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode(errors="replace")
