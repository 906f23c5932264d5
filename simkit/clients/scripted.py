"""A model that answers from a script: for tests, dry runs and documentation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import anyio

from simkit.traces.calls import Answer, CallTimes, ChatRequest, Completion
from simkit.traces.provider_errors import ProviderError

Line = Completion | ProviderError | str
"""What a script says: a completion, the text of one, or an error to raise."""


class Scripted:
    """A model whose replies are known beforehand.

    Args:
        script: The replies in the order of the calls, or a function that finds the reply
            to a request.
        seconds: How long each call takes, or a function that finds it for a request.
    """

    def __init__(
        self,
        script: Iterable[Line] | Callable[[ChatRequest], Line],
        *,
        model: str = "scripted",
        seconds: float | Callable[[ChatRequest], float] = 0.0,
    ) -> None:
        self._reply = script if callable(script) else _in_turn(script)
        self._model = model
        self._seconds = seconds if callable(seconds) else lambda _: seconds
        self.requests: list[ChatRequest] = []
        """Every request so far, in order of arrival."""

    @property
    def model(self) -> str:
        return self._model

    async def complete(self, request: ChatRequest) -> Answer:
        """Give the next reply of the script.

        Raises:
            ProviderError: The script says so.
            LookupError: The script has no reply left.
        """
        started_at = time.time()
        self.requests.append(request)
        line = self._reply(request)
        seconds = self._seconds(request)
        await anyio.sleep(seconds)
        if isinstance(line, ProviderError):
            raise line
        completion = Completion(content=line, model=self._model) if isinstance(line, str) else line
        times = CallTimes(started_at=started_at, provider_seconds=seconds, total_seconds=seconds)
        return Answer(completion=completion, times=times)


def _in_turn(script: Iterable[Line]) -> Callable[[ChatRequest], Line]:
    lines = iter(script)

    def reply(request: ChatRequest) -> Line:
        for line in lines:
            return line
        raise LookupError(f"the script has no reply left for {request.site}")

    return reply
