"""A client that remembers: no paid reply is bought twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import anyio

from simkit.traces.calls import Answer, ChatClient, ChatRequest
from simkit.traces.events import CallAnswered


class Journal(Protocol):
    """What was asked and answered, by fingerprint of the request."""

    def recorded_call(self, fingerprint: bytes) -> Answer | None:
        """The answer that was recorded for a request, if any."""
        ...

    async def record_call(
        self, fingerprint: bytes, request: ChatRequest, model: str, answer: Answer
    ) -> None:
        """Record *answer*; it is durable when this returns."""
        ...


class Journaled:
    """Any client, with every answer recorded before it is used.

    A recorded answer is served without asking *inner*, so a conversation that is played
    again after a crash gets what it got before, for free. *on_answer* is told of new
    answers only.
    """

    def __init__(
        self,
        inner: ChatClient,
        journal: Journal,
        on_answer: Callable[[CallAnswered], None] | None = None,
    ) -> None:
        self._inner = inner
        self._journal = journal
        self._on_answer = on_answer

    @property
    def model(self) -> str:
        return self._inner.model

    async def complete(self, request: ChatRequest) -> Answer:
        """Serve the recorded answer, or get one and record it; see `ChatClient`.

        What the journal raises passes through: an answer that is not durable is not used.
        """
        fingerprint = request.fingerprint(self.model)
        recorded = self._journal.recorded_call(fingerprint)
        if recorded is not None:
            return recorded
        answer = await self._inner.complete(request)
        # The reply is here and paid for. A cancellation that comes now must not throw it
        # away: the next run would buy it again, and might be told something else.
        with anyio.CancelScope(shield=True):
            await self._journal.record_call(fingerprint, request, self.model, answer)
        if self._on_answer is not None:
            self._on_answer(_event(request, self.model, answer))
        return answer


def _event(request: ChatRequest, model: str, answer: Answer) -> CallAnswered:
    return CallAnswered(
        scenario=request.site.scenario,
        role=request.site.role,
        model=model,
        usage=answer.completion.usage,
        times=answer.times,
    )
