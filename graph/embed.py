"""Texts to vectors: the contract of embedders, and a cache on disk in front of any of them."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import islice
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
_SELECT = "SELECT digest, vector FROM vectors WHERE embedder = ? AND digest IN ({})"
_LOOKED_UP_AT_ONCE = 500
"""SQLite takes at least 999 values in a statement."""
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
        rows = _Rows(len(distinct))
        missing = self._look_up(distinct, rows)
        for start in range(0, len(missing), self._chunk):
            chunk = missing[start : start + self._chunk]
            fresh = self._inner.embed([distinct[index] for index in chunk])
            if rows.dims not in (None, fresh.shape[1]):
                raise self._model_has_changed(fresh.shape[1], rows.dims)
            self._remember([distinct[index] for index in chunk], fresh)
            for index, row in zip(chunk, fresh, strict=True):
                rows.put(index, row)
            if self._on_progress is not None:
                done = len(distinct) - len(missing) + start + len(chunk)
                self._on_progress(done, len(distinct))
        return rows.of(texts, distinct)

    def _model_has_changed(self, now: int, before: int | None) -> EmbedderUnavailable:
        """A server may put another model behind a name; vectors of two cannot be compared."""
        return EmbedderUnavailable(
            f"{self.name} now gives vectors of {now} numbers, and earlier ones, in "
            f"{self._path}, have {before}: the model has changed. Remove that file to "
            "embed everything again."
        )

    def _look_up(self, texts: Sequence[str], rows: _Rows) -> list[int]:
        """Put what is in the cache into *rows*; the indexes of *texts* that are not."""

        def select(connection: sqlite3.Connection) -> list[int]:
            at = {_digest(text): index for index, text in enumerate(texts)}
            missing = set(at.values())
            for digests in _batched(at, _LOOKED_UP_AT_ONCE):
                for digest, content in connection.execute(
                    _SELECT.format(", ".join("?" * len(digests))), (self.name, *digests)
                ):
                    vector = np.frombuffer(content, "<f4")
                    if _is_sound(vector) and rows.fits(vector):
                        rows.put(at[digest], vector)
                        missing.discard(at[digest])
            return sorted(missing)

        return self._on_cache(select, otherwise=list(range(len(texts))))

    def _remember(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        def insert(connection: sqlite3.Connection) -> None:
            connection.executemany(
                _INSERT,
                (
                    (self.name, _digest(text), vector.astype("<f4").tobytes())
                    for text, vector in zip(texts, vectors, strict=True)
                ),
            )

        self._on_cache(insert, otherwise=None)

    def _on_cache(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """What *work* gives in one transaction, or *otherwise* when the cache is of no use."""
        for _ in range(2):
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with closing(sqlite3.connect(self._path, timeout=30)) as connection, connection:
                    # No write-ahead log: the change to it, and its removal by the last to
                    # close, meet others with "locked" at once, whatever the timeout.
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


class _Rows:
    """Vectors as they come, in an array that is made when the first tells its length."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._vectors: NDArray[np.float32] | None = None

    @property
    def dims(self) -> int | None:
        """Numbers in a vector; None before the first has come."""
        return None if self._vectors is None else self._vectors.shape[1]

    def fits(self, vector: Vector) -> bool:
        """Whether *vector* is as long as those before."""
        return self.dims in (None, vector.size)

    def put(self, index: int, vector: Vector) -> None:
        if self._vectors is None:
            self._vectors = np.zeros((self._number, vector.size), np.float32)
        self._vectors[index] = vector

    def of(self, texts: Sequence[str], distinct: Sequence[str]) -> NDArray[np.float32]:
        """A row for each of *texts*, zeros where it is not among *distinct*."""
        vectors = self._vectors
        if vectors is None:
            raise ValueError("no vector has come")
        if len(texts) == len(distinct):
            return vectors  # the same, in the same order
        at = {text: index for index, text in enumerate(distinct)}
        found = np.array([at.get(text, -1) for text in texts], np.int64)
        chosen = vectors[found]
        chosen[found < 0] = 0
        return chosen


def _batched(values: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    """*values* in lists of *size*, the last one shorter."""
    left = iter(values)
    while batch := list(islice(left, size)):
        yield batch


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _is_sound(vector: Vector) -> bool:
    length = float(np.linalg.norm(vector))
    return length == 0.0 or abs(length - 1.0) < 1e-3
