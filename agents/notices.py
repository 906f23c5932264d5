"""Warnings that a provider attaches to its replies and that must travel with the data."""

from __future__ import annotations

from simkit.traces.calls import Answer, ChatClient, ChatRequest


class NoticeTaker:
    """Any client, remembering the notices in its replies.

    A reply carries one as ``{"standin": {"notice": "..."}}`` beside its choices; the
    stand-in provider does, since nothing it writes may be trained on.
    """

    def __init__(self, inner: ChatClient, notices: set[str]) -> None:
        self._inner = inner
        self._notices = notices

    @property
    def model(self) -> str:
        return self._inner.model

    async def complete(self, request: ChatRequest) -> Answer:
        answer = await self._inner.complete(request)
        standin = answer.completion.extras.get("standin")
        if isinstance(standin, dict) and isinstance(standin.get("notice"), str):
            self._notices.add(standin["notice"])
        return answer
