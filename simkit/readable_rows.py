"""What can still be read of one table of a damaged SQLite file.

SQLite refuses to read past a damaged page, from whichever side it comes. So a table is read
up to the damage, then from its end back to it, and what lies between is split in two and
tried again, until only rows are left that no path leads to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

_SMALLEST_ROW_BYTES = 64
"""Bounds the rowids to look for where nothing tells the last; rows of a run are longer."""


@dataclass(slots=True, kw_only=True)
class ReadableRows:
    """The rows of *table* that can be read; iterate once, then see what could not."""

    connection: sqlite3.Connection
    """Its ``row_factory`` is `sqlite3.Row`."""
    table: str
    last: int | None = None
    """Highest rowid there may be, if that is known from elsewhere."""
    gaps: list[range] = field(default_factory=list, init=False)
    """Rowids that cannot be read, ascending; some of them may never have been there."""
    known: int | None = field(default=None, init=False)
    """How many rows there were according to an index; None when no index can be read."""
    highest: int | None = field(default=None, init=False)
    """The last rowid there was; None when it cannot be read."""

    def __iter__(self) -> Iterator[sqlite3.Row]:
        """Each row once, in no order to rely on; its columns are those of the table."""
        unreadable: list[int] = []
        todo = [(0, self._find_last())]
        while todo:
            low, high = todo.pop()
            if (stop := (yield from self._up_to_damage(low, high, "ASC"))) is None:
                continue
            low = stop + 1
            if (stop := (yield from self._up_to_damage(low, high, "DESC"))) is None:
                continue
            high = stop - 1
            middle = (low + high) // 2
            if low == high:
                unreadable.append(low)
            else:
                todo += [(middle + 1, high), (low, middle)]
        self.gaps = list(_ranges(sorted(unreadable)))

    def _up_to_damage(
        self, low: int, high: int, order: str
    ) -> Generator[sqlite3.Row, None, int | None]:
        """Yield rows from one end of *low* to *high*.

        Returns:
            The last rowid that was read, or the one beside the end; None when it met no damage.
        """
        ascending = order == "ASC"
        read = low - 1 if ascending else high + 1
        select = (
            f"SELECT rowid AS rowid_, * FROM {self.table} NOT INDEXED"  # noqa: S608 - our own name
            f" WHERE rowid BETWEEN ? AND ? ORDER BY rowid {order}"
        )
        try:
            for row in self.connection.execute(select, (low, high)):
                rowid = row["rowid_"]
                # A page that is in the wrong place brings rows that are none of these.
                if not (read < rowid <= high if ascending else low <= rowid < read):
                    return read
                read = rowid
                yield row
        except sqlite3.Error:
            return read
        return None

    def _find_last(self) -> int:
        """A rowid that no row is beyond; notes by the way what tells how many rows there are."""
        for index in self._indexes():
            select = f"SELECT count(*), max(rowid) FROM {self.table} INDEXED BY {index}"  # noqa: S608 - our own names
            with suppress(sqlite3.Error):
                self.known, last = self.connection.execute(select).fetchone()
                self.highest = last or 0
                return self.highest
        if self.last is not None:
            return self.last
        with suppress(sqlite3.Error):
            select = f"SELECT max(rowid) FROM {self.table} NOT INDEXED"  # noqa: S608 - our own name
            (last,) = self.connection.execute(select).fetchone()
            self.highest = last or 0
            return self.highest
        (pages,) = self.connection.execute("PRAGMA page_count").fetchone()
        (page_bytes,) = self.connection.execute("PRAGMA page_size").fetchone()
        return int(pages * page_bytes // _SMALLEST_ROW_BYTES)

    def _indexes(self) -> list[str]:
        return [row["name"] for row in self.connection.execute(f"PRAGMA index_list({self.table})")]


def _ranges(numbers: Iterable[int]) -> Iterator[range]:
    """*numbers*, which ascend, with those in a row as one range."""
    run: range | None = None
    for number in numbers:
        if run is not None and number == run.stop:
            run = range(run.start, number + 1)
            continue
        if run is not None:
            yield run
        run = range(number, number + 1)
    if run is not None:
        yield run
