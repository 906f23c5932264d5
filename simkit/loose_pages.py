"""Rows on pages of a damaged SQLite file that no path leads to any more.

One damaged inner page cuts off all that is below it. The pages down there are whole, and say
of themselves what they are; each is read by telling SQLite that the table begins with it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_TABLE_LEAF = 13
"""First byte of a page that holds rows."""


def loose_rows(connection: sqlite3.Connection, path: Path, table: str) -> Iterator[sqlite3.Row]:
    """Rows on any page of *path*, as if they were of *table*; most are not, or are known.

    The caller must tell them apart, and use this only for tables whose rows never change:
    pages that are free again hold rows of old.

    Args:
        connection: To the file at *path*, in autocommit mode. The file should be a copy: what
            it says of its tables is changed, and put back when all is read.
    """
    set_root = f"UPDATE sqlite_master SET rootpage = ? WHERE name = '{table}'"  # noqa: S608 - our own name
    select = f"SELECT rowid AS rowid_, * FROM {table} NOT INDEXED"  # noqa: S608 - our own name
    try:
        connection.execute("PRAGMA writable_schema = ON")
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
        for page in list(_leaves(connection, path)):
            connection.execute(set_root, (page,))
            connection.execute("PRAGMA writable_schema = RESET")  # reads it anew
            connection.execute("PRAGMA writable_schema = ON")
            with suppress(sqlite3.Error):
                yield from connection.execute(select)
        connection.execute(set_root, (root,))
        connection.execute("PRAGMA writable_schema = RESET")
    except sqlite3.Error:
        return  # an SQLite that was built to refuse this


def _leaves(connection: sqlite3.Connection, path: Path) -> Iterator[int]:
    """Numbers, from 1, of the pages that look like holding rows."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("rb") as file:
        file.seek(page_bytes)  # the first page is that of the schema
        number = 2
        while page := file.read(page_bytes):
            if page[0] == _TABLE_LEAF:
                yield number
            number += 1
