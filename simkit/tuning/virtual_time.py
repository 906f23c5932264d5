"""An asyncio event loop whose clock jumps to the next timer when nothing is ready.

What runs on it waits for nothing: hours of limits, retries and latencies pass in the time that
the work between them takes. All of asyncio, and so of anyio, runs unchanged on it, but for what
has a time of its own: the network. Threads may be used; while one works, the clock stands still,
so none may wait for time to pass on the loop. The same program passes the same moments in the same
order every time, as long as its threads do not race each other.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import selectors
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextvars import Context
from typing import Any, NoReturn, TypeVar, TypeVarTuple

import anyio
from anyio._backends._asyncio import WorkerThread

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_LOOK_SECONDS = 0.05
"""How long, in real time, a signal may wait to be seen."""


class VirtualTimeError(RuntimeError):
    """Something was asked of virtual time that it cannot give; says what, and what to do."""


class _Timer(asyncio.TimerHandle):
    """A timer that goes off after those of its moment that were set before; asyncio's do not."""

    __slots__ = ("order",)

    order: tuple[float, int]
    """Its moment, and how many timers were set before it."""

    def __lt__(self, other: _Timer) -> bool:  # type: ignore[override]  # a loop has no others
        return self.order < other.order


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for nothing but threads: where a selector would sleep, the clock moves on."""

    loop: VirtualTimeLoop

    def __init__(self) -> None:
        super().__init__()
        self._looked_at = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout == 0 and time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return []  # there is nothing to find but a signal
        found = super().select(0)
        self._looked_at = time.monotonic()
        if found or timeout == 0:
            return found
        if self.loop.threads_at_work():
            return super().select(_LOOK_SECONDS)
        if timeout is None or self.loop.next_timer() == math.inf:  # some sleep for ever
            raise VirtualTimeError(
                "everything waits, and nothing will ever happen: no timer is set, nothing is "
                "ready and no thread is at work"
            )
        self.loop.jump()
        return found


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop; its time is in seconds and begins at 0.

    For `asyncio.Runner` and `anyio.run` as a ``loop_factory``; see also `run_virtually`.

    Raises:
        VirtualTimeError: Whoever opens a socket or starts a process gets it. The loop itself
            raises it when all tasks wait and nothing can ever wake one of them.
    """

    def __init__(self) -> None:
        self._executing = 0
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)
        self._timers_set = itertools.count()
        self._go_to(0.0)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    def next_timer(self) -> float:
        """When the next timer is due; infinite when none ever is."""
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        return scheduled[0].when() if scheduled else math.inf

    def jump(self) -> None:
        """Let the time until the next timer pass at once."""
        self._go_to(self.next_timer())

    def let_pass(self, seconds: float) -> None:
        """Go *seconds* ahead while nobody else runs, as the clock does during a computation."""
        self._go_to(self._now + seconds)

    def _go_to(self, now: float) -> None:
        self._now = now
        # What is due less than this later goes off as well, and asyncio's own is a nanosecond. So
        # each timer goes off at its exact moment; and it does go off after half a year, when the
        # next number of seconds is more than a nanosecond away.
        self._clock_resolution = math.ulp(now)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """As asyncio has it, but that timers of one moment go off in the order of setting."""
        self._check_closed()  # type: ignore[attr-defined]
        timer = _Timer(when, callback, args, self, context)
        timer.order = (when, next(self._timers_set))
        heapq.heappush(self._scheduled, timer)  # type: ignore[attr-defined]
        timer._scheduled = True  # type: ignore[attr-defined]  # so cancelling it is counted
        return timer

    def threads_at_work(self) -> bool:
        """Whether a thread may still wake a task."""
        return self._executing > 0 or self._in_anyio_threads()

    def _in_anyio_threads(self) -> bool:
        # anyio tells nobody, so its own books are read: a worker that is not idle has a task.
        return threading.active_count() > 1 and any(
            isinstance(thread, WorkerThread)
            and thread.loop is self
            and thread not in thread.idle_workers
            and not thread.stopping
            for thread in threading.enumerate()
        )

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """As asyncio has it; the clock stands still until *func* returns."""
        future = super().run_in_executor(executor, func, *args)
        self._executing += 1
        future.add_done_callback(self._executed)
        return future

    def _executed(self, _: asyncio.Future[Any]) -> None:
        self._executing -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """As asyncio has it, which waits in a thread."""
        self._executing += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._executing -= 1

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise VirtualTimeError(
            "there is no network and there are no processes in virtual time, whose clock does not "
            "wait for them; give it a client that answers in memory, or run in real time"
        )

    create_connection = _refuse
    create_server = _refuse
    create_unix_connection = _refuse
    create_unix_server = _refuse
    create_datagram_endpoint = _refuse
    connect_accepted_socket = _refuse
    sock_connect = _refuse
    sock_accept = _refuse
    sock_recv = _refuse
    sock_recv_into = _refuse
    sock_recvfrom = _refuse
    sock_recvfrom_into = _refuse
    sock_sendall = _refuse
    sock_sendto = _refuse
    sock_sendfile = _refuse
    getaddrinfo = _refuse
    getnameinfo = _refuse
    connect_read_pipe = _refuse
    connect_write_pipe = _refuse
    subprocess_exec = _refuse
    subprocess_shell = _refuse
    add_reader = _refuse  # type: ignore[assignment]
    add_writer = _refuse  # type: ignore[assignment]


def run_virtually(work: Callable[..., Awaitable[T]], *args: Any) -> T:
    """Run the coroutine function *work* in virtual time, and give what it returns.

    Raises:
        VirtualTimeError: See `VirtualTimeLoop`. Whatever *work* raises comes out as it is.
    """
    return anyio.run(work, *args, backend_options={"loop_factory": VirtualTimeLoop})
