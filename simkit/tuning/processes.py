"""Calls a function for several items at a time, each in a process of its own.

For work that takes seconds and has nothing to write: rehearsals.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_FEWEST_PROCESSES = 2
"""So that what is tried at once, and so what a search finds, is alike on one core and on two."""
_MOST_PROCESSES = 16
"""A search doubles concurrency twelve times at most, so more would idle."""


class ProcessDied(Exception):
    """A process has ended before its work; says how, and what to do."""


def processes_here() -> int:
    """As many as there are cores, but from 2 to 16."""
    return min(max(_FEWEST_PROCESSES, os.cpu_count() or 0), _MOST_PROCESSES)


@contextmanager
def open_processes(size: int | None = None) -> Iterator[Processes]:
    """Processes that start when there is work, and end, at once, with the block.

    Args:
        size: How many at most; None: see `processes_here`.

    Only the main thread may use them.
    """
    processes = Processes(size or processes_here())
    try:
        yield processes
    finally:
        processes.end()


class Processes:
    """Made by `open_processes`."""

    def __init__(self, size: int) -> None:
        self.size = size
        """How many items are worked on at once."""
        self._processes: dict[Connection, SpawnProcess] = {}
        self._functions: dict[Connection, bytes] = {}

    def each(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """As `map`; see `results`."""
        found = dict(self.results(function, items))
        return [found[position] for position in range(len(items))]

    def results(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Each result as soon as it is there, with the position of its item.

        *function* must be picklable, as a function of a module is and a partial of one; it is
        sent to each process once, so what is large and stays the same belongs there.

        Raises:
            ProcessDied: A process is gone. Whatever *function* raises comes out as it is; after
                any error the others work no more.
        """
        while len(self._processes) < min(self.size, len(items)):
            self._start()
        pickled = pickle.dumps(function)
        waiting = list(enumerate(items))[::-1]
        idle = list(self._processes)[: len(items)]
        busy: dict[Connection, int] = {}
        while waiting or busy:
            while waiting and idle:
                connection = idle.pop()
                busy[connection], item = waiting.pop()
                self._send(connection, pickled, item)
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)  # noqa: S101 - only these are waited for
                yield busy.pop(ready), self._received(ready)
                idle.append(ready)

    def end(self) -> None:
        """End all of them, whatever they are at."""
        for connection, process in self._processes.items():
            connection.close()
            process.kill()  # it holds nothing that would have to be put in order
        for process in self._processes.values():
            process.join()
        self._processes.clear()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,), daemon=True)
        # What is ignored here stays so in the new process: Ctrl+C is for us alone to act on.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            process.start()
        finally:
            signal.signal(signal.SIGINT, before)
        theirs.close()
        self._processes[ours] = process

    def _send(self, connection: Connection, function: bytes, item: object) -> None:
        try:
            if self._functions.get(connection) != function:
                connection.send(True)
                connection.send_bytes(function)
                self._functions[connection] = function
            else:
                connection.send(False)
            connection.send(item)
        except OSError:
            raise self._died(connection) from None

    def _received(self, connection: Connection) -> Any:
        try:
            succeeded, result = connection.recv()
        except (EOFError, OSError):
            raise self._died(connection) from None
        if not succeeded:
            raise result
        return result

    def _died(self, connection: Connection) -> ProcessDied:
        process = self._processes[connection]
        process.join(1.0)
        killed = process.exitcode == -signal.SIGKILL
        cause = (
            "it was killed, as systems do that run out of memory; make some free"
            if killed
            else f"exit code {process.exitcode}"
        )
        return ProcessDied(
            f"a process that rehearsed has ended too early: {cause}, and start again"
        )


def _work(connection: Connection) -> None:
    """What each process does: call the latest function for what comes, until nobody is there."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    function: Callable[[Any], Any] = print
    while True:
        try:
            if connection.recv():  # another function comes first
                function = connection.recv()
            item = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer = pickle.dumps((True, function(item)))
        except Exception as error:  # whatever it is, it is for who asked
            answer = _told(error)
        connection.send_bytes(answer)


def _end_with_parent() -> None:
    """End this process, whatever it is at, when the one that started it is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)  # nobody is there for whom anything would have to be put in order


def _told(error: Exception) -> bytes:
    place = "".join(traceback.format_exception(error))
    error.__cause__ = error.__context__ = None  # these do not travel
    try:
        answer = pickle.dumps((False, error))
        pickle.loads(answer)  # noqa: S301 - ours; some errors break only when they arrive
    except Exception:
        answer = pickle.dumps((False, RuntimeError(f"it failed in another process:\n{place}")))
    return answer
