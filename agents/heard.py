"""What replies say about themselves that must travel with the data."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from simkit.traces.calls import Answer, ChatClient, ChatRequest


@dataclass(slots=True)
class Heard:
    """What the replies of one conversation have said about themselves."""

    notices: set[str] = field(default_factory=set)
    """Warnings, such as the stand-in's that nothing it writes may be trained on."""
    models: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Role to the models that have answered, as the provider names them."""


class Listening:
    """Any client, noting what its replies say about themselves.

    A reply carries a notice as ``{"standin": {"notice": "..."}}`` beside its choices.
    """

    def __init__(self, inner: ChatClient, heard: Heard) -> None:
        self._inner = inner
        self._heard = heard

    @property
    def model(self) -> str:
        return self._inner.model

    async def complete(self, request: ChatRequest) -> Answer:
        """Ask *inner*, and listen."""
        answer = await self._inner.complete(request)
        completion = answer.completion
        if completion.model:
            self._heard.models[request.role].add(completion.model)
        standin = completion.extras.get("standin")
        if isinstance(standin, dict) and isinstance(standin.get("notice"), str):
            self._heard.notices.add(standin["notice"])
        return answer
