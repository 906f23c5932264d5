"""One worker process as simkit sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import anyio
import orjson
from anyio.abc import ByteSendStream, Process
from anyio.streams.buffered import BufferedByteReceiveStream

_PASSED_ON = ("HOME", "LANG", "PATH", "PYTHONPATH")
"""All that functions see of the environment: keys of providers stand there, too."""
_GREETING_BYTES = 20_000_000
_ERROR_BYTES = 2_100
"""More than the JSON of any error takes; see `simkit.python_tools.worker`."""

_GONE = (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, ConnectionError)


class CannotStart(Exception):
    """A file cannot be used; the message says why, without its name."""


class CallFailed(Exception):
    """A call that gave no result; its worker is to be stopped."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one worker may use."""

    seconds: float
    """For a call."""
    memory_mb: int
    max_output_bytes: int
    import_seconds: float = 30.0
    """For the import of the file."""


class Worker:
    """A process that runs the functions of one file, one call at a time.

    Whoever starts it stops it: `stop` leaves nothing of it behind.
    """

    def __init__(
        self, process: Process, folder: tempfile.TemporaryDirectory[str], limits: Limits
    ) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("a worker needs a process with pipes for input and output")
        self._process = process
        self._folder = folder
        self._limits = limits
        self._calls: ByteSendStream = process.stdin
        self._results = BufferedByteReceiveStream(process.stdout)
        self._number = 0
        """Of the latest call; its answer carries it, so that none is taken for another's."""
        self.digest = ""
        """Of the file's content: sha256 in hex."""
        self.definitions: list[dict[str, Any]] = []
        """What the file offers; see `simkit.python_tools.definitions.Tool`."""

    @classmethod
    async def start(cls, path: Path, limits: Limits) -> Self:
        """A worker that has imported the file *path*.

        Raises:
            CannotStart: It could not; nothing of it is left.
        """
        folder = tempfile.TemporaryDirectory(prefix="simkit-tools-", ignore_cleanup_errors=True)
        command = [sys.executable, "-P", "-m", "simkit.python_tools.worker", str(path)]
        try:
            process = await anyio.open_process(
                [*command, str(limits.memory_mb), str(limits.max_output_bytes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=folder.name,
                env=_environment(),
                start_new_session=True,  # a group of its own, to be ended as one
            )
        except BaseException:
            folder.cleanup()
            raise
        worker = cls(process, folder, limits)
        try:
            await worker._greet()
        except BaseException:
            await worker.stop()
            raise
        return worker

    @property
    def has_ended(self) -> bool:
        """Whether the process is known to be over."""
        return self._process.returncode is not None

    async def call(self, name: str, arguments: Any) -> bytes:
        """The JSON of what the function *name* gives; cancelling leaves it at work.

        Raises:
            CallFailed: It took too long, gave too much, or ended the process.
        """
        self._number += 1
        call = {"number": self._number, "name": name, "arguments": arguments}
        seconds, most = self._limits.seconds, self._limits.max_output_bytes
        try:
            with anyio.fail_after(seconds):
                await self._calls.send(orjson.dumps(call, option=orjson.OPT_APPEND_NEWLINE))
                line = await self._results.receive_until(b"\n", most + _ERROR_BYTES)
        except TimeoutError:
            message = f"the function did not return within {seconds:g} s"
            raise CallFailed("timeout", message) from None
        except anyio.DelimiterNotFound:
            message = f"the result takes over {most:,} bytes"
            raise CallFailed("output_too_large", message) from None
        except _GONE:
            message = f"the function ended its process ({await self._ending()})"
            raise CallFailed("crashed", message) from None
        number, _, result = line.partition(b" ")
        if number != b"%d" % self._number:  # something else has written into the pipe
            raise CallFailed("crashed", "the function has broken into the results of the worker")
        return result

    async def stop(self) -> None:
        """End it, and all that it has started, at once; cannot be cancelled."""
        with anyio.CancelScope(shield=True):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.aclose()
            self._folder.cleanup()

    async def _greet(self) -> None:
        seconds = self._limits.import_seconds
        try:
            with anyio.fail_after(seconds):
                line = await self._results.receive_until(b"\n", _GREETING_BYTES)
        except TimeoutError:
            raise CannotStart(f"importing it takes over {seconds:g} s") from None
        except anyio.DelimiterNotFound:
            most = f"{_GREETING_BYTES:,} bytes"
            raise CannotStart(f"its definitions take over {most}; offer less") from None
        except _GONE:
            raise CannotStart(f"importing it ended its process ({await self._ending()})") from None
        told = orjson.loads(line)
        if "problem" in told:
            raise CannotStart(told["problem"])
        self.digest, self.definitions = told["digest"], told["definitions"]

    async def _ending(self) -> str:
        """How the process, which has closed its output, came to its end."""
        with anyio.move_on_after(1):
            await self._process.wait()
        code = self._process.returncode
        if code is None:
            return "it closed its output"
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def _environment() -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed_on, "PYTHONHASHSEED": "0"}  # sets come in the same order each time
