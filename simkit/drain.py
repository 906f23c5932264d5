"""Ending a run without losing what is being paid for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import anyio
import anyio.lowlevel

from simkit.traces.calls import Answered, Client, Request
from simkit.traces.provider_errors import AccountProblem

RequestT = TypeVar("RequestT", bound=Request)
AnswerT = TypeVar("AnswerT", bound=Answered)

DRAIN_SECONDS = 60.0
"""How long work that was told to stop waits for the calls that are being made."""

_SETTLING_STEPS = 20
"""Turns of the event loop that an answer takes, at most, from the wire to the journal."""


class Drain:
    """Lets the calls that are being made end, and no other begin.

    For one event loop.
    """

    def __init__(self) -> None:
        self.calls = 0
        """Calls that are being made."""
        self.is_requested = False
        """Whether calls are held back."""
        self._idle = anyio.Event()

    def request(self) -> None:
        """Hold back every call that has not begun."""
        self.is_requested = True
        if not self.calls:
            self._idle.set()

    async def idle(self) -> None:
        """Wait until no call is being made and every answer has reached the journal."""
        await self._idle.wait()
        for _ in range(_SETTLING_STEPS):
            await anyio.lowlevel.checkpoint()

    @contextmanager
    def call(self) -> Iterator[None]:
        """A call is being made."""
        self.calls += 1
        try:
            yield
        finally:
            self.calls -= 1
            if self.is_requested and not self.calls:
                self._idle.set()


class Drainable(Generic[RequestT, AnswerT]):
    """A transport whose calls a drain waits for, or holds back for good."""

    def __init__(self, inner: Client[RequestT, AnswerT], drain: Drain) -> None:
        self._inner = inner
        self._drain = drain

    @property
    def model(self) -> str:
        return self._inner.model

    async def complete(self, request: RequestT) -> AnswerT:
        """Ask, unless the run is ending; then wait to be cancelled. See `Client`."""
        if self._drain.is_requested:
            await anyio.sleep_forever()
        with self._drain.call():
            return await self._inner.complete(request)


class DrainsWhenStopped(Generic[RequestT, AnswerT]):
    """Any client; when it can never answer again, other calls may end before that is told.

    An `AccountProblem` stops the run, which would cut off every call that is being made.
    """

    def __init__(self, inner: Client[RequestT, AnswerT], drain: Drain) -> None:
        self._inner = inner
        self._drain = drain

    @property
    def model(self) -> str:
        return self._inner.model

    async def complete(self, request: RequestT) -> AnswerT:
        """Ask; see `Client`."""
        try:
            return await self._inner.complete(request)
        except AccountProblem:
            self._drain.request()
            await self._drain.idle()
            raise
