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
    file is removed and what was at *path* before is left as it was. What is no file but a
    stream, such as ``/dev/stdout`` or a pipe, is written to as it comes.

    Raises:
        OSError: The file cannot be written, or *path* is a folder.
    """
    if _is_stream(path):
        with full_disk_named(path), path.open("wb") as stream:
            yield stream
        return
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


def _is_stream(path: Path) -> bool:
    """Whether *path* leads to a device, a pipe or a descriptor, which a file must not replace."""
    system = path.absolute().parts[:2] in (("/", "dev"), ("/", "proc"))
    return path.exists() and not path.is_dir() and (system or not path.is_file())
