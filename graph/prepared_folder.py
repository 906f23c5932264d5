"""What is known of the functions of earlier graphs, in files beside the cache of vectors.

A graph of 20,000 functions has some 110,000 parameters and 80,000 texts; to add a hundred
functions, all that is asked of the old ones is in one file that is read in a fraction of a
second. A convenience, like the cache of vectors: what is missing, damaged or of another
version is worked out again.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson
import structlog

from simkit.graph import fact_finding, facts, known, known_file, naming, parameters
from simkit.graph.embed import Embedder
from simkit.graph.known import Known
from simkit.graph.known_file import read_known, write_known
from simkit.traces.functions import Function
from simkit.traces.whole_file import written_whole

_MADE_BY = (fact_finding, facts, known, known_file, naming, parameters)
"""What is known depends on how these modules find it: a change in one is another file."""


class PreparedFolder:
    """A folder with a file for each of the last catalogs; processes may share it.

    Args:
        worth_keeping: Functions of a catalog from which on it gets a file: half a
            second's work.
        most_files: More are removed, those used the longest ago first.
        most_bytes: Likewise, of all files together.
    """

    def __init__(
        self,
        path: Path,
        *,
        worth_keeping: int = 1_000,
        most_files: int = 6,
        most_bytes: int = 1 << 30,
    ) -> None:
        self._path = path
        self._worth_keeping = worth_keeping
        self._most_files = most_files
        self._most_bytes = most_bytes
        self._log = structlog.get_logger()

    def read(self, functions: Sequence[Function], embedder: Embedder) -> Known | None:
        """What was kept of exactly these *functions*, in this order, by *embedder*."""
        if len(functions) < self._worth_keeping:
            return None
        try:
            path = self._file_of(functions, embedder)
            with path.open("rb") as file:
                found = read_known(file)
            path.touch()
        except FileNotFoundError:
            return None
        except (OSError, TypeError, ValueError) as error:
            self._warn("prepared_functions_unusable", error)
            return None
        return found

    def keep(self, functions: Sequence[Function], embedder: Embedder, known: Known) -> None:
        """Leave for later what is *known* of *functions*, by *embedder*."""
        if len(functions) < self._worth_keeping:
            return
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            with written_whole(self._file_of(functions, embedder)) as file:
                write_known(known, file)
            self._make_room()
        except (OSError, TypeError) as error:  # a text that JSON does not know is a TypeError
            self._warn("prepared_functions_not_kept", error)

    def _warn(self, event: str, error: Exception) -> None:
        self._log.warning(event, folder=str(self._path), error=str(error))

    def _make_room(self) -> None:
        """Remove what is too much, but for the file that was used last."""
        found = []
        for path in self._path.glob("*.known"):
            with suppress(FileNotFoundError):  # another process may have been quicker
                state = path.stat()
                found.append((state.st_mtime_ns, state.st_size, path))
        found.sort(reverse=True)
        size = 0
        for nth, (_, bytes_, path) in enumerate(found):
            size += bytes_
            if nth and (nth >= self._most_files or size > self._most_bytes):
                path.unlink(missing_ok=True)

    def _file_of(self, functions: Sequence[Function], embedder: Embedder) -> Path:
        digest = hashlib.blake2b(digest_size=16)
        for module in _MADE_BY:
            digest.update(Path(str(module.__file__)).read_bytes())
        digest.update(orjson.dumps([embedder.name, sys.byteorder]))
        digest.update(orjson.dumps(list(functions)))
        return self._path / f"{digest.hexdigest()}.known"
