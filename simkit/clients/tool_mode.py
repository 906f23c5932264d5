"""Tools for servers that have none: functions offered as a reply schema, or in words.

The wrappers look like any client, and their replies carry calls as native ones do, so
agents see no difference. Where a server has native tools, those are better: its model was
trained on their form.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Literal

from simkit.clients.tool_mode_json import CallsAsJson
from simkit.clients.tool_mode_schema import calls_schema
from simkit.clients.tool_mode_tags import CallsInTags
from simkit.clients.tool_mode_translation import Translation
from simkit.clients.tool_mode_words import SchemaInWords
from simkit.traces.calls import Answer, ChatClient, ChatRequest


def tool_mode_client(
    inner: ChatClient, mode: Literal["native", "json_schema", "prompt"]
) -> ChatClient:
    """*inner* as a client that takes tools, whatever its server can do.

    ``native`` leaves it as it is. ``json_schema`` needs a server with structured output and
    has every reply to a request with tools follow one schema; reply schemas pass unchanged.
    Servers that allow no optional members in a schema refuse it; those have native tools.
    ``prompt`` needs nothing: tools and reply schemas are explained in words.
    """
    match mode:
        case "native":
            return inner
        case "json_schema":
            return ToolsAsText(inner, _as_json())
        case "prompt":
            return ToolsAsText(SchemaInWords(inner), _in_words())


class ToolsAsText:
    """Any client, asked for calls in the content of its replies; requests without tools pass."""

    def __init__(self, inner: ChatClient, translation: Translation) -> None:
        self._inner = inner
        self._translation = translation

    @property
    def model(self) -> str:
        return self._inner.model

    async def complete(self, request: ChatRequest) -> Answer:
        """Get the reply, its calls as native ones would be; see `ChatClient`.

        Usage, times and what else the answer tells are those of *inner*. For a reply that
        does not keep to the form see `Translation.with_calls`.

        Raises:
            RequestRefused: The request cannot be translated; nothing was sent.
        """
        if not request.tools:
            return await self._inner.complete(request)
        answer = await self._inner.complete(self._translation.without_tools(request))
        completion = self._translation.with_calls(answer.completion, request.site)
        return replace(answer, completion=completion)


# One of each, shared by all accounts: what was translated for one need not be again when a
# conversation goes on at another.


@cache
def _as_json() -> Translation:
    return Translation(CallsAsJson(), calls_schema)


@cache
def _in_words() -> Translation:
    return Translation(CallsInTags())
