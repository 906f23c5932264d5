"""Texts to vectors: the contract of embedders, and a cache on disk in front of any of them."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

T = TypeVar("T")
Vector = NDArray[np.float32]

_TABLE = """
CREATE TABLE IF NOT EXISTS vectors (
    embedder TEXT NOT NULL, digest BLOB NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (embedder, digest)
) WITHOUT ROWID
"""
_SELECT = "SELECT vector FROM vectors WHERE embedder = ? AND digest = ?"
_INSERT = "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)"


class Embedder(Protocol):
    """A model that turns texts into vectors."""

    @property
    def name(self) -> str:
        """Model and version; changes whenever some vector changes, as caches go by it."""
        ...

    @property
    def default_min_cosine(self) -> float:
        """The cosine above which two parameters are likely to be the same thing."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text, in order: shape ``(texts, dims)``.

        Rows have length 1, or are all zero for a text with nothing in it. The same text
        gives the same row, whatever else is asked for with it; hosted models keep to that
        but for the last digits.
        """
        ...


class EmbedderUnavailable(Exception):
    """An embedder cannot be used; the message says how to mend it."""


def default_cache_path() -> Path:
    """Where vectors are kept between runs: ``$XDG_CACHE_HOME/simkit/embeddings.db``."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "simkit" / "embeddings.db"


class CachedEmbedder:
    """Any embedder, asked only once for each text, and not at all for blank ones.

    Vectors are kept in the SQLite file *path*, by the embedder's name and the SHA-256 of
    the text; several processes may share the file. The cache is a convenience: a file
    that is damaged is set aside, one that cannot be used is done without, both with a
    warning in the log.

    Args:
        chunk: Texts embedded before they are written to the file: what an interruption
            loses at most.
        on_progress: Hears texts done and texts in all, after each chunk.
    """

    def __init__(
        self,
        inner: Embedder,
        path: Path,
        *,
        chunk: int = 1_000,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._inner = inner
        self._path = path
        self._chunk = chunk
        self._on_progress = on_progress
        self._log = structlog.get_logger()

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def default_min_cosine(self) -> float:
        return self._inner.default_min_cosine

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text; see `Embedder`.

        Raises:
            EmbedderUnavailable: The model behind the name is not the one that gave the
                vectors in the cache.
        """
        distinct = [text for text in dict.fromkeys(texts) if text.strip()]
        if not distinct:
            return self._inner.embed(texts)
        digests = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in distinct]
        known = self._look_up(digests)
        missing = [index for index, digest in enumerate(digests) if digest not in known]
        for start in range(0, len(missing), self._chunk):
            chunk = missing[start : start + self._chunk]
            rows = self._inner.embed([distinct[index] for index in chunk])
            fresh = {digests[index]: row for index, row in zip(chunk, rows, strict=True)}
            self._check_dims(known, fresh)
            self._remember(fresh)
            known |= fresh
            if self._on_progress is not None:
                done = len(distinct) - len(missing) + start + len(chunk)
                self._on_progress(done, len(distinct))
        row_of = {text: known[digest] for text, digest in zip(distinct, digests, strict=True)}
        blank = np.zeros_like(known[digests[0]])
        return np.stack([row_of.get(text, blank) for text in texts])

    def _check_dims(self, known: dict[bytes, Vector], fresh: dict[bytes, Vector]) -> None:
        """A server may put another model behind a name; vectors of two cannot be compared."""
        before = {vector.size for vector in known.values()}
        now = {vector.size for vector in fresh.values()}
        if before and now != before:
            raise EmbedderUnavailable(
                f"{self.name} now gives vectors of {max(now)} numbers, and earlier ones, in "
                f"{self._path}, have {max(before)}: the model has changed. Remove that file to "
                "embed everything again."
            )

    def _look_up(self, digests: Sequence[bytes]) -> dict[bytes, Vector]:
        def select(connection: sqlite3.Connection) -> dict[bytes, Vector]:
            rows = (
                (digest, connection.execute(_SELECT, (self.name, digest)).fetchone())
                for digest in digests
            )
            found = {digest: np.frombuffer(row[0], "<f4") for digest, row in rows if row}
            return {digest: vector for digest, vector in found.items() if _is_sound(vector)}

        return self._on_cache(select, otherwise={})

    def _remember(self, vectors: dict[bytes, Vector]) -> None:
        def insert(connection: sqlite3.Connection) -> None:
            connection.executemany(
                _INSERT,
                (
                    (self.name, digest, vector.astype("<f4").tobytes())
                    for digest, vector in vectors.items()
                ),
            )

        self._on_cache(insert, otherwise=None)

    def _on_cache(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """What *work* gives in one transaction, or *otherwise* when the cache is of no use."""
        for _ in range(2):
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with closing(sqlite3.connect(self._path, timeout=30)) as connection, connection:
                    connection.execute("PRAGMA journal_mode = WAL")
                    connection.execute(_TABLE)
                    return work(connection)
            except (sqlite3.OperationalError, OSError) as error:  # locked, read-only, disk full
                self._log.warning(
                    "embedding_cache_unusable", path=str(self._path), error=str(error)
                )
                return otherwise
            except (sqlite3.DatabaseError, ValueError) as error:  # not a database, torn pages
                self._set_aside(error)
        return otherwise

    def _set_aside(self, error: Exception) -> None:
        aside = self._path.with_name(self._path.name + ".damaged")
        with suppress(OSError):  # another process may have been quicker
            self._path.replace(aside)
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._log.warning(
            "embedding_cache_damaged",
            path=str(self._path),
            error=str(error),
            kept_as=str(aside),
        )


def _is_sound(vector: Vector) -> bool:
    length = float(np.linalg.norm(vector))
    return length == 0.0 or abs(length - 1.0) < 1e-3
