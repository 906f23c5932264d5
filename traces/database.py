"""The SQLite file of a run: its tables, and the only two ways to open it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

SCHEMA_VERSION = 1
"""Kept in ``user_version``; raised whenever a table changes meaning."""

_APPLICATION_ID = 0x73696D6B  # "simk": tells our files from other programs' databases
_HEADER_BYTES = 72
_SQLITE = b"SQLite format 3\0"

# What SQLite calls an error (1) in statements that are ours, and so are right, is a table
# that is not as we made it.
_DAMAGE = frozenset(
    {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_NOTADB}
)
_PRIMARY_CODE = 0xFF  # of an extended one, the lowest byte

_TABLES = f"""
BEGIN;
CREATE TABLE meta (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);
CREATE TABLE calls (
    fingerprint BLOB PRIMARY KEY NOT NULL,
    scenario INTEGER NOT NULL,
    role TEXT NOT NULL,
    turn INTEGER NOT NULL,
    part INTEGER NOT NULL,
    ask INTEGER NOT NULL,
    model TEXT NOT NULL,
    reply BLOB NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    started_at REAL NOT NULL,
    queued_seconds REAL NOT NULL,
    provider_seconds REAL NOT NULL,
    total_seconds REAL NOT NULL,
    attempts INTEGER NOT NULL,
    extras BLOB NOT NULL
);
CREATE INDEX calls_by_site ON calls (scenario, role, turn, part, ask);
CREATE TABLE functions (
    key TEXT PRIMARY KEY NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE trajectories (
    scenario INTEGER PRIMARY KEY NOT NULL,
    id TEXT NOT NULL,
    ended TEXT NOT NULL,
    cause TEXT,
    error TEXT,
    seconds REAL NOT NULL,
    messages INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE verdicts (
    scenario INTEGER NOT NULL REFERENCES trajectories (scenario) ON DELETE CASCADE,
    filter_set TEXT NOT NULL DEFAULT 'run',
    outcome TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (scenario, filter_set)
);
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""


class StoreError(Exception):
    """The store of a run cannot be read or written; says which file, why and what to do."""


class DamagedStore(StoreError):
    """Part of the store of a run does not hold what it should; the others may be good."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a store something stands, for errors."""

    what: str
    path: Path

    def __str__(self) -> str:
        return f"{self.what} in {self.path}"

    def damaged(self, why: str) -> DamagedStore:
        """The error that what stands here is damaged, and how to save the rest."""
        return DamagedStore(
            f"{self} is damaged: {why}; save the others: simkit recover {self.path.parent} "
            "--out DIR"
        )


def unreadable(path: Path, error: Exception) -> StoreError:
    """*error*, met in reading the store at *path*, in our words; damage with what helps.

    Args:
        error: One of SQLite's, or a ValueError about what a row holds.
    """
    told = "a text in it is not UTF-8" if _is_no_text(error) else " ".join(str(error).split())
    why = f"cannot read {path}: {told}"
    if is_damage(error):
        return DamagedStore(f"{why}; {_save_what_is_left(path)}")
    return StoreError(why)


def is_damage(error: Exception) -> bool:
    """Whether *error* means that a store does not hold what it should.

    Others are of the machine: a disk that fails or is full, a file that may not be opened.
    """
    if not isinstance(error, sqlite3.Error) or _is_no_text(error):
        return True
    # Errors of Python's own checks have no code.
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE in _DAMAGE


def _is_no_text(error: Exception) -> bool:
    """Whether *error* is Python's about the bytes of a text; it has no other sign."""
    return isinstance(error, sqlite3.OperationalError) and "decode to UTF-8" in str(error)


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the database at *path* for writing; make it when the file is missing or empty.

    The connection may be used by one thread at a time, whichever it is.

    Raises:
        StoreError: The file is not ours, of another version, or cannot be made.
    """
    new = not path.exists() or path.stat().st_size == 0
    if not new:
        check_database(path)
    try:
        connection = sqlite3.connect(path, check_same_thread=False)
        try:
            if new:
                connection.executescript(_TABLES)
            _prepare_writer(connection)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise StoreError(f"cannot open {path} for writing: {error}") from error
    return connection


def _prepare_writer(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # In WAL mode NORMAL syncs at checkpoints only: a power cut would take back replies
    # that were paid for and acted on. FULL syncs each commit; commits are shared by all
    # who wait, so it costs one sync a group.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open the database at *path* for reading; a writer may be at work meanwhile.

    Raises:
        StoreError: The file is missing, not ours, of another version, or unreadable.
    """
    check_database(path)
    try:
        return _opened_to_read(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if path.with_name(f"{path.name}-wal").exists():
            raise unreadable(path, error) from error
    try:
        # Even readers of a database with a write-ahead log write beside it. Where they may
        # not, and there is no log, nobody else can be writing either.
        return _opened_to_read(path, "immutable=1")
    except sqlite3.Error as error:
        raise unreadable(path, error) from error


def _opened_to_read(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, isolation_level=None)
    try:
        connection.execute("PRAGMA schema_version").fetchone()  # what cannot be read shows now
    except sqlite3.OperationalError:
        connection.close()
        raise
    except sqlite3.DatabaseError:
        pass  # damage, which those who read will meet, or get around
    return connection


def is_run_database(path: Path) -> bool:
    """Whether *path* is a store of a run, of any version; reads its header, opens nothing."""
    return path.is_file() and _application_id(_header(path)) == _APPLICATION_ID


def check_database(path: Path) -> None:
    """Refuse a file that is not a store of this version; it is only looked at.

    Raises:
        StoreError: Says what the file is instead.
    """
    header = _header(path)
    if not header or (len(header) < _HEADER_BYTES and header.startswith(_SQLITE)):
        left = f"was cut after {len(header)} bytes" if header else "is empty"
        raise StoreError(
            f"{path} {left}, though every run has tables, so nothing of it is left; put back a "
            "copy of it, or start again in a new folder"
        )
    if not header.startswith(_SQLITE):
        raise StoreError(
            f"{path} is not the database of a simkit run, or its beginning is damaged; if it "
            f"was one, {_save_what_is_left(path)}"
        )
    if _application_id(header) != _APPLICATION_ID:
        raise StoreError(
            f"{path} is not the database of a simkit run; give the folder of a run instead"
        )
    version = int.from_bytes(header[60:64])
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{path} has store version {version} and this simkit works with version "
            f"{SCHEMA_VERSION}; use the simkit release that wrote it"
        )


def check_whole(path: Path) -> None:
    """Look through the whole database for damage.

    Raises:
        StoreError: There is some.
    """
    with closing(connect_reader(path)) as connection:
        try:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            found = str(error)
    if found != "ok":
        raise DamagedStore(
            f"{path} is damaged: {' '.join(found.split())}; {_save_what_is_left(path)}"
        )


def _save_what_is_left(path: Path) -> str:
    return f"save what is left: simkit recover {path.parent} --out DIR"


def _header(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEADER_BYTES)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error


def _application_id(header: bytes) -> int | None:
    """Field at offset 68 of SQLite's file header; None when the file is not SQLite's."""
    if len(header) < _HEADER_BYTES or not header.startswith(_SQLITE):
        return None
    return int.from_bytes(header[68:72])
