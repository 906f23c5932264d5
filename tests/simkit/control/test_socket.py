"""The socket of a run: where it is, whom it answers, and what becomes of it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import anyio.to_thread
import pytest

from simkit.control.client import ask
from simkit.control.messages import (
    MOST_REQUEST_BYTES,
    ControlError,
    Reply,
    Request,
    RunState,
    read_reply,
)
from simkit.control.place import check_folder, folders, make_folder, socket_name
from simkit.control.server import listening
from simkit.traces.run_directory import RunDirectory, RunDirectoryError

STATE = RunState(
    conversations=10,
    done=3,
    in_flight=2,
    concurrency=2,
    filter_workers=4,
    paused_seconds=None,
    limiting="nothing",
    accounts=(),
)
STATUS = Request(order="status")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the sockets of a test are; a path that is short enough for one.

    After that of the test, which is made where temporary files usually are.
    """
    with TemporaryDirectory(prefix="simkit-test-") as path:
        monkeypatch.setenv("XDG_RUNTIME_DIR", path)
        monkeypatch.setattr("tempfile.tempdir", path)
        yield Path(path) / "simkit"


@pytest.fixture
def a_run(tmp_path: Path) -> Path:
    return RunDirectory.create(tmp_path / "run", "").path


def obey(request: Request) -> Reply:
    return Reply(state=STATE)


def modes(folder: Path) -> list[int]:
    """Permissions of *folder* and of what is in it."""
    return [path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())]


async def answer(run: Path, request: Request = STATUS) -> Reply:
    return await anyio.to_thread.run_sync(ask, run, request)


async def sent(run: Path, line: bytes) -> Reply:
    """What comes back for *line*."""
    async with await anyio.connect_unix(make_folder() / socket_name(run)) as stream:
        await stream.send(line)
        return read_reply(await stream.receive())


async def test_the_owner_is_answered_whatever_way_the_folder_is_written(
    a_run: Path, folder: Path
) -> None:
    link = a_run.with_name("link")
    link.symlink_to(a_run)
    async with listening(a_run, obey):
        assert (await answer(link)).state == STATE
        assert modes(folder) == [0o700, 0o600]
    assert modes(folder) == [0o700]


async def test_another_user_is_refused(a_run: Path) -> None:
    asked: list[Request] = []

    def note(request: Request) -> Reply:
        asked.append(request)
        return Reply()

    async with listening(a_run, note, owner=os.getuid() + 1):
        with pytest.raises(ControlError, match="only its owner may"):
            await answer(a_run, Request(order="pause"))
    assert not asked


async def test_a_socket_that_a_killed_process_left_is_replaced(a_run: Path, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(make_folder() / socket_name(a_run)))
    with pytest.raises(ControlError, match="no process is playing"):
        await answer(a_run)
    async with listening(a_run, obey):
        assert (await answer(a_run)).state == STATE


async def test_a_process_that_ends_late_leaves_the_socket_of_the_next_one(a_run: Path) -> None:
    async with listening(a_run, obey):
        path = make_folder() / socket_name(a_run)
        path.rename(path.with_suffix(".of-the-first"))
        with socket.socket(socket.AF_UNIX) as of_the_next:
            of_the_next.bind(str(path))
    assert path.exists()


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"pause\n",
        b'{"version":1,"order":"stop"}\n',
        b'{"version":2,"order":"pause"}\n',
        b'{"version":1,"order":"set","changes":{"concurrency":[1]}}\n',
    ],
)
async def test_what_is_no_request_is_refused_and_the_next_one_is_answered(
    a_run: Path, line: bytes
) -> None:
    async with listening(a_run, obey):
        with pytest.raises(ControlError, match="another version"):
            await sent(a_run, line)
        assert (await answer(a_run)).state == STATE


async def test_a_request_without_end_is_refused_and_who_hangs_up_harms_nobody(
    a_run: Path,
) -> None:
    async with listening(a_run, obey):
        with pytest.raises(ControlError, match="65,536 bytes at most"):
            await sent(a_run, b"x" * (MOST_REQUEST_BYTES + 1))
        async with await anyio.connect_unix(make_folder() / socket_name(a_run)) as stream:
            await stream.send(b'{"version"')
        assert (await answer(a_run)).state == STATE


def test_a_folder_that_others_may_enter_is_not_used(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    with pytest.raises(ControlError, match="chmod 700"):
        check_folder(folder)
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(ControlError, match="not a folder"):
        check_folder(folder)
    assert make_folder() == list(folders())[1]


def test_a_folder_whose_name_leaves_no_room_for_a_socket_is_passed_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = folder.parent / ("d" * 90)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    assert make_folder() == next(folders())
    assert deep not in next(folders()).parents


async def test_a_run_for_which_no_socket_can_be_made_goes_on(
    a_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "missing"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(ControlError, match="cannot make"):
        make_folder()
    async with listening(a_run, obey):
        with pytest.raises(ControlError, match="no process is playing"):
            await answer(a_run)


async def test_who_is_busy_with_the_run_and_cannot_be_asked_is_told_of(
    a_run: Path, tmp_path: Path
) -> None:
    with RunDirectory(a_run).locked(), pytest.raises(ControlError, match="takes no orders"):
        await answer(a_run)
    with pytest.raises(RunDirectoryError, match="there is no folder"):
        await answer(tmp_path / "nothing")
