"""A model as one role speaks through it: the client, its sampling, and asking again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from simkit.traces.calls import (
    AgentRole,
    CallSite,
    ChatClient,
    ChatRequest,
    Completion,
    ReplySchema,
)
from simkit.traces.functions import Function
from simkit.traces.records import Message, Scenario
from simkit.traces.seeds import derive_seed

T = TypeVar("T")

ASKS = 3
"""How often a model is asked in all before its replies count as unusable."""

QUOTED = 4_000
"""How much of a rejected reply the model is shown again; a flood must not come back."""


class ReplyRejected(Exception):
    """A reply that cannot be used; the message tells the model what to mend."""


class ModelFailed(Exception):
    """A model gave no usable reply in `ASKS` asks."""

    def __init__(self, role: AgentRole, turn: int, complaint: str) -> None:
        place = f" for message {turn}" if turn >= 0 else ""
        super().__init__(
            f"the {role} model gave no usable reply{place} in {ASKS} asks: {complaint}"
        )
        self.cause = f"{role}_unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One role's model."""

    role: AgentRole
    client: ChatClient
    temperature: float | None = None
    max_output_tokens: int | None = None

    async def ask(
        self,
        scenario: Scenario,
        messages: tuple[Message, ...],
        parse: Callable[[Completion], T],
        *,
        turn: int,
        part: int = 0,
        tools: tuple[Function, ...] = (),
        reply_schema: ReplySchema | None = None,
        explain: bool = False,
    ) -> T:
        """Ask until *parse* accepts the reply.

        *parse* raises `ReplyRejected` to have the model asked again, with another seed
        and, when *explain* is set, with its reply and the complaint shown to it. What is
        shown to the model in this way never becomes part of the conversation.

        Raises:
            ModelFailed: No reply out of `ASKS` was accepted.
            ProviderError: The provider gave no reply.
        """
        complaint = ""
        shown = messages
        for ask in range(ASKS):
            site = CallSite(scenario=scenario.number, role=self.role, turn=turn, part=part, ask=ask)
            request = ChatRequest(
                site=site,
                messages=shown,
                tools=tools,
                reply_schema=reply_schema,
                temperature=self.temperature,
                max_output_tokens=self.max_output_tokens,
                seed=derive_seed(scenario.seed, self.role, turn, part, ask) % 2**31,
            )
            completion = (await self.client.complete(request)).completion
            try:
                return parse(completion)
            except ReplyRejected as rejected:
                complaint = str(rejected)
                if explain:
                    shown = (*messages, *_correction(completion.content, complaint))
        raise ModelFailed(self.role, turn, complaint)


def _correction(reply: str, complaint: str) -> tuple[Message, Message]:
    return (
        Message(role="assistant", content=reply.strip()[:QUOTED] or "(empty)"),
        Message(
            role="user", content=f"That reply cannot be used: {complaint}. Reply again, mended."
        ),
    )


def complete_text(completion: Completion) -> str:
    """The text of a finished reply, without surrounding white space.

    Raises:
        ReplyRejected: It is empty, or was cut at the output limit.
    """
    if completion.finish_reason == "length":
        raise ReplyRejected("it was cut off at the output limit")
    text = completion.content.strip()
    if not text:
        raise ReplyRejected("it is empty")
    return text
