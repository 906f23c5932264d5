"""Where the control socket of a run is: in a folder of its owner, not in that of the run.

The path of a socket is short by law (107 bytes on Linux, 103 on macOS), and some file systems
hold none.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from simkit.control.messages import ControlError

_HASH_DIGITS = 24
_LONGEST_FOLDER = 103 - len("/.sock") - _HASH_DIGITS
"""Bytes."""


def folders() -> Iterator[Path]:
    """Where sockets of this user may be, the best place first."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""), "simkit")
    if runtime.is_absolute() and len(os.fsencode(runtime)) <= _LONGEST_FOLDER:
        yield runtime
    yield Path(tempfile.gettempdir()) / f"simkit-{os.getuid()}"


def socket_name(run: Path) -> str:
    """Name of the socket of the run in the folder *run*, whatever way that is written."""
    digest = hashlib.sha256(os.fsencode(os.path.realpath(run))).hexdigest()
    return f"{digest[:_HASH_DIGITS]}.sock"


def check_folder(folder: Path) -> None:
    """Refuse a *folder* in which somebody else could put a socket, or reach one.

    Raises:
        ControlError: It is a link, of another user, or open to others.
        OSError: It is not there.
    """
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise ControlError(f"{folder} is in the way: it is not a folder; remove it")
    if found.st_uid != os.getuid():
        raise ControlError(
            f"{folder} belongs to somebody else; set XDG_RUNTIME_DIR to a folder of yours"
        )
    if found.st_mode & 0o077:
        raise ControlError(f"{folder} is open to others; mend it with: chmod 700 {folder}")


def make_folder() -> Path:
    """The first of `folders` that can be used; made where it is missing.

    Raises:
        ControlError: None can; says what is wrong with the last.
    """
    problem = ControlError("there is no place for a socket")
    for folder in folders():
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            check_folder(folder)
        except OSError as error:
            problem = ControlError(f"cannot make {folder}: {error.strerror}")
        except ControlError as error:
            problem = error
        else:
            return folder
    raise problem
