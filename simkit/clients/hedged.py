"""A client that asks a second time when the first answer takes unusually long."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic

import anyio

from simkit.traces.calls import AnswerT, Client, RequestT
from simkit.traces.provider_errors import ProviderError


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgePolicy:
    """When a call counts as unusually slow, and how many may be asked again."""

    share: float = 0.01
    """Of all calls, those that may be asked a second time; above 0."""
    burst: float = 5.0
    """Second asks that may come at once, at least 1."""
    slowdown: float = 3.0
    """A call is slow when it takes so many times the 95th percentile of its role's."""
    min_seconds: float = 1.0
    """No call is slow before this."""


class Hedged(Generic[RequestT, AnswerT]):
    """Any client, with a few of its calls saved from hanging.

    A call that takes much longer than calls of its role usually do is asked a second time,
    of *again*; the first answer counts, and the other call is cancelled. Hanging requests
    are rare but hold up whole conversations, and the end of a run (Dean and Barroso, "The
    Tail at Scale", 2013).

    Args:
        again: The same model, behind a reservation of its own, since a second ask costs the
            account as much as the first.
    """

    def __init__(
        self,
        first: Client[RequestT, AnswerT],
        again: Client[RequestT, AnswerT],
        policy: HedgePolicy,
    ) -> None:
        self._first = first
        self._again = again
        self._policy = policy
        self._latencies: dict[str, RunningPercentile] = {}
        self._allowed = policy.burst
        """Second asks that may be made now."""

    @property
    def model(self) -> str:
        return self._first.model

    async def complete(self, request: RequestT) -> AnswerT:
        """Get the reply, from whichever ask is answered first; see `Client`.

        Raises:
            ProviderError: The first ask's error, when the second has failed too, or was not
                made, or was not answered soon.
        """
        self._allowed = min(self._allowed + self._policy.share, self._policy.burst)
        latency = self._latencies.get(request.role)
        if latency is None:
            latency = self._latencies[request.role] = RunningPercentile()
        return await self._race(request, latency)

    async def _race(self, request: RequestT, latency: RunningPercentile) -> AnswerT:
        first, again = _Ask(self._first), _Ask(self._again)
        async with anyio.create_task_group() as group:
            group.start_soon(self._ask_first, request, first, again, latency)
            if await self._is_slow(first, latency):
                self._allowed -= 1
                await again.run(request)
                if again.answer is not None:
                    first.scope.cancel()
        if first.answer is not None:
            latency.learn(first.answer.times.provider_seconds)
            return first.answer
        if again.answer is not None:
            # How long the first would have taken is not known, but it is above the
            # percentile, and that is all that the percentile takes in.
            latency.learn(math.inf)
            return again.answer
        raise first.take_error()

    async def _ask_first(
        self,
        request: RequestT,
        first: _Ask[RequestT, AnswerT],
        again: _Ask[RequestT, AnswerT],
        latency: RunningPercentile,
    ) -> None:
        await first.run(request)
        if first.answer is not None:
            again.scope.cancel()
        else:
            # The second ask may be queued behind the very share of the limits that this
            # call holds, so it is not waited for without an end.
            again.scope.deadline = anyio.current_time() + self._patience(latency)

    async def _is_slow(self, first: _Ask[RequestT, AnswerT], latency: RunningPercentile) -> bool:
        """Wait until the ask has ended, or is slow and a second one may be made."""
        began = anyio.current_time()
        while not first.ended.is_set():
            patience = self._patience(latency)
            left = patience - (anyio.current_time() - began)
            if left <= 0 and latency.value is not None and self._allowed >= 1:
                return True
            # While little is known of the role, or no second ask is left, look again later.
            with anyio.move_on_after(left if left > 0 else patience):
                await first.ended.wait()
        return False

    def _patience(self, latency: RunningPercentile) -> float:
        """How long a call may take before it is slow; a guess while little is known."""
        return max(self._policy.min_seconds, self._policy.slowdown * (latency.value or 0.0))


class _Ask(Generic[RequestT, AnswerT]):
    """One of the asks of a race."""

    def __init__(self, client: Client[RequestT, AnswerT]) -> None:
        self._client = client
        self._error: ProviderError | None = None
        self.scope = anyio.CancelScope()
        self.ended = anyio.Event()
        self.answer: AnswerT | None = None

    async def run(self, request: RequestT) -> None:
        with self.scope:
            try:
                self.answer = await self._client.complete(request)
            except ProviderError as error:
                self._error = error
        self.ended.set()

    def take_error(self) -> ProviderError:
        """The error that the ask ended with, kept no longer: it refers to this object."""
        error, self._error = self._error, None
        assert error is not None  # noqa: S101 - an ask without an answer has failed
        return error


class RunningPercentile:
    """The 95th percentile of recent latencies, in constant time and memory.

    It rises by a tenth with each latency above it and falls so much less with each below
    that it rests where one in twenty is above; how far above does not matter.
    """

    FIRST = 20
    """Latencies that are needed before there is an estimate: the largest of them."""
    RISE = 1.1**0.95
    FALL = 1.1**-0.05
    SHORTEST_SECONDS = 0.001
    """Factors would never leave 0."""

    def __init__(self) -> None:
        self._count = 0
        self._seconds = self.SHORTEST_SECONDS

    @property
    def value(self) -> float | None:
        """In seconds; None while too little is known."""
        return None if self._count < self.FIRST else self._seconds

    def learn(self, seconds: float) -> None:
        if self._count < self.FIRST:
            self._count += 1
            self._seconds = max(self._seconds, seconds)
        elif seconds > self._seconds:
            self._seconds *= self.RISE
        else:
            self._seconds = max(self._seconds * self.FALL, self.SHORTEST_SECONDS)
