"""Asks the process that plays a run."""

from __future__ import annotations

import socket
from pathlib import Path

from simkit.control.messages import (
    END,
    MOST_REPLY_BYTES,
    ControlError,
    Reply,
    Request,
    read_reply,
)
from simkit.control.place import check_folder, folders, socket_name
from simkit.traces.run_directory import RunDirectory, RunDirectoryError

_PATIENCE_SECONDS = 30.0
"""With thousands of conversations in flight, a turn of the process's loop takes long."""


def ask(run: Path, request: Request) -> Reply:
    """Have the process that plays the run in the folder *run* do *request*.

    Raises:
        RunDirectoryError: There is no run at *run*.
        ControlError: No process plays it, or this one did not do what it was asked.
    """
    RunDirectory(run).check_files()
    connection = _connected(run)
    if connection is None:
        raise ControlError(_nobody(run))
    with connection:
        try:
            connection.sendall(request.line())
            line = _line(connection)
        except TimeoutError:
            raise ControlError(
                f"the process that plays {run} has not answered for {_PATIENCE_SECONDS:.0f} s; "
                "whether it has done this, `simkit status` tells once it answers again"
            ) from None
        except OSError as error:
            raise ControlError(_cut_off(run)) from error
    if not line.endswith(END):
        raise ControlError(_cut_off(run))
    return read_reply(line)


def _connected(run: Path) -> socket.socket | None:
    """A connection to the run's socket, wherever it is; None when there is none."""
    for folder in folders():
        try:
            check_folder(folder)
        except (ControlError, OSError):
            continue  # no run of this user makes its socket there
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_PATIENCE_SECONDS)
        try:
            connection.connect(str(folder / socket_name(run)))
        except OSError:  # none there, or that of a process that was killed
            connection.close()
        else:
            return connection
    return None


def _line(connection: socket.socket) -> bytes:
    received = bytearray()
    while not received.endswith(END) and len(received) <= MOST_REPLY_BYTES:
        part = connection.recv(65_536)
        if not part:
            break
        received += part
    return bytes(received)


def _nobody(run: Path) -> str:
    """Why there is nobody to ask."""
    try:
        with RunDirectory(run).locked(to_read=True):
            pass
    except RunDirectoryError:
        return (
            f"a process is at {run}, but takes no orders from here: it is getting ready, or "
            "putting away; or it could not make its socket, and has said so; or it was started "
            "by another user, or with another XDG_RUNTIME_DIR or TMPDIR"
        )
    return f"no process is playing {run}; `simkit generate {run}` goes on with it"


def _cut_off(run: Path) -> str:
    return f"the process that plays {run} has ended, or is just ending"
