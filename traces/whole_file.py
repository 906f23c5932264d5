"""Files that other programs read: there whole or not there at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from simkit.traces.full_disk import full_disk_named


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file that becomes *path* when the block ends well.

    It lies in the same folder, which must exist. When the block raises, the temporary
    file is removed and what was at *path* before is left as it was.

    Raises:
        OSError: The file cannot be written, or *path* is a folder.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with full_disk_named(path), temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # a rename may reach the disk before the bytes do
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
