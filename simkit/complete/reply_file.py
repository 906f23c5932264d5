"""The file of replies: one line for each request, added as answers come, and resumed from.

A line is handed to the system in one piece as soon as its answer is there, so a killed
process loses none; every half second the file is forced to the disk, so a power cut loses
what came in that time. Both leave at most a torn line, which the next run cuts off.
"""

from __future__ import annotations

import fcntl
import os
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import anyio
import anyio.to_thread

from simkit.complete.reply_line import START, answer_line, error_line, read_reply_line
from simkit.complete.request_line import DamagedLine, RequestLine
from simkit.traces.provider_errors import ProviderError
from simkit.traces.whole_file import written_whole

SYNC_SECONDS = 0.5
_LONGEST_LINE = 80 * 2**20  # a reply of 32 MiB, and what may stand beside it


class ReplyFileError(Exception):
    """The file of replies cannot be used; the message says what to change."""


class ReplyFile:
    """The replies in one file; use `open_replies`.

    It knows of each answered line the digest of its request: 8 bytes a line.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._digests = array("Q")
        self._dropped = array("Q")
        """Which lines, counted from 0, are errors, torn or double."""
        self._size = 0
        self._synced_size = 0
        self.answered = 0
        """Lines that hold a reply."""

    @property
    def last_answered(self) -> int:
        """The highest line number that is answered; 0 when none is."""
        return len(self._digests)

    def is_answered(self, line: RequestLine | DamagedLine) -> bool:
        """Whether *line* needs not be asked.

        Raises:
            ReplyFileError: The line of this number that was answered is another one.
        """
        found = self._digests[line.line - 1] if line.line <= len(self._digests) else 0
        if not found:
            return False
        if isinstance(line, DamagedLine) or line.digest != found:
            raise self._mismatch(line.line)
        return True

    def check(self, lines: Iterable[RequestLine | DamagedLine]) -> None:
        """Make sure that every answer here belongs to one of *lines*.

        Raises:
            ReplyFileError: Some answer does not.
        """
        if sum(map(self.is_answered, lines)) != self.answered:
            raise self._mismatch(self.last_answered)

    def forget_failures(self) -> None:
        """Remove the lines that hold no answer, so that their requests can be tried again.

        The file is written anew and takes the place of the old one at once, or not at all.
        """
        if not self._dropped:
            return
        with written_whole(self._path.resolve()) as file:
            self._copy_answers(file)
            # Locked before anybody can find it, and by a copy of the descriptor, which
            # keeps the lock when this one is closed.
            fcntl.flock(file, fcntl.LOCK_EX)
            file.flush()
            self._size = self._synced_size = file.tell()
            descriptor = os.dup(file.fileno())
        os.close(self._descriptor)
        self._descriptor = descriptor
        self._dropped = array("Q")

    def add_answer(self, line: RequestLine, reply: bytes) -> None:
        """Add the line for *reply*, which must be JSON."""
        self._append(answer_line(line, reply))

    def add_error(
        self, line: RequestLine | DamagedLine, error: ProviderError | None = None
    ) -> None:
        """Add the line for a request that failed with *error*, or for a damaged line."""
        self._append(error_line(line, error))

    async def keep_synced(self) -> None:
        """Force what was added to the disk, every `SYNC_SECONDS`, until cancelled."""
        while True:
            await anyio.sleep(SYNC_SECONDS)
            await anyio.to_thread.run_sync(self._sync)

    def _append(self, line: bytes) -> None:
        place, left = self._size, memoryview(line)
        try:
            while left:
                written = os.pwrite(self._descriptor, left, place)
                place, left = place + written, left[written:]
        except OSError as error:
            os.ftruncate(self._descriptor, self._size)  # no torn line before the next one
            raise self._named(error) from error
        self._size = place

    def _sync(self) -> None:
        size = self._size
        if size == self._synced_size:
            return
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise self._named(error) from error
        self._synced_size = size

    def _scan(self) -> None:
        """Learn which lines are answered, and which are to be dropped."""
        with self._reading() as file:
            number = 0
            while text := file.readline(_LONGEST_LINE):
                if not self._take(text, number):
                    self._dropped.append(number)
                number += 1
            self._size = self._synced_size = file.tell()

    def _take(self, text: bytes, number: int) -> bool:
        """Whether *text*, line *number* from 0, is an answer that stays."""
        # A power cut may leave zeros where bytes had not reached the disk.
        if not text.endswith(b"\n") or b"\0" in text:
            beginning = text.strip(b"\0")[: len(START)]
            if b"\0" not in text and not START.startswith(beginning):
                raise self._foreign(number)
            return False
        try:
            reply = read_reply_line(text)
        except ValueError:
            raise self._foreign(number) from None
        if reply.digest is None:
            return False
        missing = reply.line - len(self._digests)
        if missing > 0:
            self._digests.frombytes(bytes(8 * missing))
        if self._digests[reply.line - 1]:
            return False
        self._digests[reply.line - 1] = reply.digest
        self.answered += 1
        return True

    def _copy_answers(self, file: IO[bytes]) -> None:
        dropped = iter(self._dropped)
        next_dropped = next(dropped, -1)
        with self._reading() as old:
            number = 0
            while text := old.readline(_LONGEST_LINE):
                if number == next_dropped:
                    next_dropped = next(dropped, -1)
                else:
                    file.write(text)
                number += 1

    @contextmanager
    def _reading(self) -> Iterator[IO[bytes]]:
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            yield file

    def _close(self, *, failed_before_any_reply: bool) -> None:
        try:
            self._sync()
            if failed_before_any_reply and self._size == 0:
                self._path.unlink(missing_ok=True)
        finally:
            os.close(self._descriptor)

    def _mismatch(self, line: int) -> ReplyFileError:
        return ReplyFileError(
            f"{self._path} holds the answer to another request than line {line} of the "
            "requests: they, or the model, have changed since. Choose another --out, or remove "
            "this one to begin again"
        )

    def _foreign(self, number: int) -> ReplyFileError:
        return ReplyFileError(
            f"{self._path}, line {number + 1}: not a line of `simkit complete`, so nothing is "
            "written there; choose another --out"
        )

    def _named(self, error: OSError) -> OSError:
        return OSError(error.errno, error.strerror, str(self._path))


@contextmanager
def open_replies(path: Path) -> Iterator[ReplyFile]:
    """Open, or begin, the file of replies at *path*, for this process alone.

    It is not changed before `ReplyFile.forget_failures` or the first reply. A file that was
    begun here and stays empty because of an error is removed.

    Raises:
        ReplyFileError: Another process writes it, or it is something else.
        OSError: It cannot be opened or read.
    """
    is_new = not path.exists()
    replies = ReplyFile(path, _open_locked(path))
    failed = True
    try:
        replies._scan()
        yield replies
        failed = False
    finally:
        replies._close(failed_before_any_reply=failed and is_new)


def _open_locked(path: Path) -> int:
    if path.exists() and not path.is_file():
        raise ReplyFileError(f"{path} is not a file; choose another --out")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The other process may have put another file in this place between our two steps.
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    raise ReplyFileError(f"{path} is being written by another process; wait, or choose another")
