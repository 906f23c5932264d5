"""Takes orders for a run that is being played, from its owner only."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path

import anyio
import structlog
from anyio.abc import SocketAttribute, SocketListener, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from simkit.bus import Bus
from simkit.control.messages import (
    END,
    MOST_REQUEST_BYTES,
    ControlError,
    Reply,
    Request,
    read_request,
)
from simkit.control.place import make_folder, socket_name

_log = structlog.get_logger()

Obey = Callable[[Request], Reply]

_PATIENCE_SECONDS = 5.0
"""Whoever connects says at once what it wants."""
_CREDENTIALS = struct.Struct("3i")
_ANOTHER_USER = "this run is played by another user; only its owner may ask about it or change it"
_CANNOT = (
    "the run cannot be changed while it is played: simkit pause, resume, set and status do not "
    "reach it"
)


@asynccontextmanager
async def listening(run: Path, obey: Obey, *, owner: int | None = None) -> AsyncIterator[None]:
    """Have *obey* answer whoever asks about the run in the folder *run*, inside the ``with``.

    To be entered only by the process that has the lock of the run: a socket that is there was
    left by one that was killed. Where no socket can be made, that is warned of once.

    Args:
        owner: Id of the user who may ask; None: that of this process.
    """
    async with AsyncExitStack() as stack:
        try:
            path = make_folder() / socket_name(run)
            listener = await anyio.create_unix_listener(path, mode=0o600)
            stack.enter_context(_removed(path, path.stat().st_ino))
            await stack.enter_async_context(listener)
        except (ControlError, OSError) as error:
            _log.warning(_CANNOT, reason=str(error))
        else:
            group = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(group.cancel_scope.cancel)
            group.start_soon(_serve, listener, obey, os.getuid() if owner is None else owner)
        yield


@asynccontextmanager
async def controllable(bus: Bus, run: Path) -> AsyncIterator[None]:
    """Let the owner ask about and change the run in the folder *run*, inside the ``async with``.

    From when it says on *bus* that it can be changed, which it does under its lock.
    """
    async with anyio.create_task_group() as group:
        group.start_soon(_listen_to, bus, run)
        yield
        group.cancel_scope.cancel()


async def _listen_to(bus: Bus, run: Path) -> None:
    await bus.controllable.wait()
    async with listening(run, partial(_obeyed, bus)):
        await anyio.sleep_forever()


def _obeyed(bus: Bus, request: Request) -> Reply:
    if bus.controls is None:
        return Reply(problems=("the run is ending",))
    if bus.takes_no_orders and request.order != "status":
        return Reply(problems=(bus.takes_no_orders,))
    return bus.controls.obey(request)


@contextmanager
def _removed(path: Path, made: int) -> Iterator[None]:
    """Remove the socket at *path* at the end, if it is still the one with the number *made*."""
    try:
        yield
    finally:
        with suppress(OSError):
            if path.stat().st_ino == made:
                path.unlink()


async def _serve(listener: SocketListener, obey: Obey, owner: int) -> None:
    try:
        await listener.serve(partial(_answer, obey, owner))
    except (OSError, anyio.BrokenResourceError) as error:  # too many open files, for one
        _log.warning(_CANNOT, reason=str(error))


async def _answer(obey: Obey, owner: int, stream: SocketStream) -> None:
    """Read one request, and send one reply; who hangs up or says nothing gets none."""
    gone = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.IncompleteRead)
    async with stream:
        with suppress(*gone), anyio.move_on_after(_PATIENCE_SECONDS):
            reply = await _reply(obey, owner, stream)
            await stream.send(reply.line())


async def _reply(obey: Obey, owner: int, stream: SocketStream) -> Reply:
    if _peer(stream) not in {None, owner}:
        return Reply(problems=(_ANOTHER_USER,))
    try:
        line = await BufferedByteReceiveStream(stream).receive_until(END, MOST_REQUEST_BYTES)
        return obey(read_request(line))
    except anyio.DelimiterNotFound:
        return Reply(problems=(f"a request may have {MOST_REQUEST_BYTES:,} bytes at most",))
    except ControlError as error:
        return Reply(problems=error.problems)


def _peer(stream: SocketStream) -> int | None:
    """The user at the other end; None where the system does not tell.

    Then the folder of the socket, which others cannot enter, keeps them out.
    """
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    raw = stream.extra_attributes[SocketAttribute.raw_socket]()
    told = raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(told)
    return int(user)
