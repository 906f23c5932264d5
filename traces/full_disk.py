"""Full disks, told with the place: the system's own error often names none."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says when something does not fit: on the disk, in a quota, in one file."""


@contextmanager
def full_disk_named(path: Path) -> Iterator[None]:
    """In the block, an error about a full disk that names no file gets *path* as its name."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL and error.filename is None:
            error.filename = str(path)
        raise
