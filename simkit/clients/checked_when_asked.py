"""A client with a journal whose provider is checked before the first call that is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from simkit.clients.journaled import Journal
from simkit.traces.calls import Answer, ChatClient, ChatRequest


class CheckedWhenAsked:
    """A client whose provider is not spoken to while *journal* has every answer.

    Args:
        inner: Serves what *journal* holds, and asks for the rest.
        check: Raises when the provider cannot be asked.
    """

    def __init__(
        self, inner: ChatClient, journal: Journal, check: Callable[[], Awaitable[None]]
    ) -> None:
        self._inner = inner
        self._journal = journal
        self._check = check
        self._checking = anyio.Lock()
        self._checked = False

    @property
    def model(self) -> str:
        return self._inner.model

    async def complete(self, request: ChatRequest) -> Answer:
        """Serve the recorded answer, or ask; see `ChatClient`."""
        if self._journal.recorded_call(request.fingerprint(self.model)) is None:
            async with self._checking:
                if not self._checked:
                    await self._check()
                    self._checked = True
        return await self._inner.complete(request)
