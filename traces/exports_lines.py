"""Exports in JSON Lines: which formats there are, and the file that rows are written to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from simkit.traces.formats import hermes, openai_messages, preference, sharegpt, toolmind
from simkit.traces.records import Trajectory, Verdict
from simkit.traces.whole_file import written_whole

LineFormat = Literal["toolmind", "openai", "sharegpt", "hermes", "preference"]

_ROWS: Mapping[LineFormat, Callable[[Trajectory, Verdict], Iterator[bytes]]] = {
    "toolmind": toolmind.rows,
    "openai": openai_messages.rows,
    "sharegpt": sharegpt.rows,
    "hermes": hermes.rows,
    "preference": preference.rows,
}


class HashedFile:
    """An open file, and the SHA-256 of what was written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._is_given_up = False
        self.closed = False

    def write(self, data: Any) -> int:
        """Write *data*, bytes or a buffer of them; gives their number."""
        if self._is_given_up:
            return len(data)
        self._digest.update(data)
        return self._file.write(data)

    def give_up(self) -> None:
        """Write nothing more: some libraries would still end their file when they are deleted."""
        self._is_given_up = True

    def flush(self) -> None:
        """For libraries that write to files; what is written goes on at once as it is."""

    def close(self) -> None:
        """End writing; whoever opened the file closes it."""
        self.closed = True

    def hexdigest(self) -> str:
        """Of all that was written so far."""
        return self._digest.hexdigest()


class RowLines:
    """Rows of one format, each a line of *file*."""

    def __init__(self, format: LineFormat, file: HashedFile) -> None:  # noqa: A002 - the usual word
        self.file = file
        self._rows = _ROWS[format]

    def write(self, trajectory: Trajectory, verdict: Verdict) -> int:
        """Write the rows of a kept trajectory; gives their number."""
        number = 0
        for row in self._rows(trajectory, verdict):
            self.file.write(row + b"\n")
            number += 1
        return number


@contextmanager
def row_lines(format: LineFormat, path: Path) -> Iterator[RowLines]:  # noqa: A002 - see above
    """Rows that become the file *path* when the block ends well; see `written_whole`."""
    with written_whole(path) as file:
        yield RowLines(format, HashedFile(file))
