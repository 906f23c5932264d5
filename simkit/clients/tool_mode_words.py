"""What a request asks for beside its messages, put in words into the system message."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import orjson

from simkit.clients.tool_mode_calls import without_fence
from simkit.traces.calls import Answer, ChatClient, ChatRequest, ReplySchema
from simkit.traces.prompts import PromptSet, quoted_json
from simkit.traces.records import Message

PROMPTS = Path(__file__).parent / "prompts"
"""The folder of the prompts that explain a tool mode to a model."""


def split_system(messages: tuple[Message, ...]) -> tuple[Message | None, tuple[Message, ...]]:
    """The system message, if there is one, and the others."""
    if messages[0].role == "system":
        return messages[0], messages[1:]
    return None, messages


def with_words(system: Message | None, prompt: str, **values: str) -> Message:
    """*system*, or a new system message, with the words of *prompt* at its end."""
    before = system.content if system is not None else ""
    return Message(role="system", content=_prompts().render(prompt, system=before, **values))


class SchemaInWords:
    """Any client, for a server without structured output: reply schemas are put in words.

    A code fence around the whole reply is taken off; whether it follows the schema is for
    the caller to find out, as ever. Other requests pass unchanged.
    """

    def __init__(self, inner: ChatClient) -> None:
        self._inner = inner

    @property
    def model(self) -> str:
        return self._inner.model

    async def complete(self, request: ChatRequest) -> Answer:
        """Ask in words for a reply that follows the schema; see `ChatClient`."""
        if request.reply_schema is None:
            return await self._inner.complete(request)
        system, others = split_system(request.messages)
        words = with_words(system, "reply_schema", reply_schema=_schema_text(request.reply_schema))
        asked = replace(request, messages=(words, *others), reply_schema=None)
        answer = await self._inner.complete(asked)
        said = replace(answer.completion, content=without_fence(answer.completion.content))
        return replace(answer, completion=said)


def _schema_text(reply_schema: ReplySchema) -> str:
    return quoted_json(orjson.dumps({"name": reply_schema.name, "schema": reply_schema.schema}))


@cache
def _prompts() -> PromptSet:
    return PromptSet(PROMPTS)
