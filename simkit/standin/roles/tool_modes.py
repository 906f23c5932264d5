"""Requests of clients whose tool mode is not native, understood as native ones.

Their prompts carry the definitions and any reply schema between tags of the system
message. How calls are written there is the clients' to say: the same code writes and reads
them here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from simkit.clients.tool_mode_calls import Call, Form, read_results
from simkit.clients.tool_mode_json import CallsAsJson
from simkit.clients.tool_mode_schema import REPLY_NAME
from simkit.clients.tool_mode_tags import CallsInTags
from simkit.standin.brain_contract import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class InWords:
    """A request that offers functions in words."""

    form: Form
    messages: list[dict[str, Any]]
    """As they would stand in a native request."""
    tools: list[dict[str, Any]]
    """Function definitions."""

    def reply(self, native: Reply) -> Reply:
        """*native* as the request wants it."""
        content = self.form.write(native.content or "", native.tool_calls)
        return replace(native, content=content, tool_calls=())


def read_in_words(body: dict[str, Any]) -> InWords | None:
    """What *body* asks for in words; None when it offers no functions in this way."""
    offered = _inside(_system(body), "tools")
    tools = [_definition(tool) for tool in offered] if isinstance(offered, list) else []
    if not tools or not all("name" in tool for tool in tools):
        return None
    form = CallsAsJson() if _schema_name(body) == REPLY_NAME else CallsInTags()
    return InWords(
        form=form,
        messages=list(_native(body["messages"], form)),
        tools=tools,
    )


def _definition(tool: Any) -> dict[str, Any]:
    """The definition in one entry of the tools; empty for anything else."""
    definition = tool.get("function") if isinstance(tool, dict) else None
    return definition if isinstance(definition, dict) else {}


def schema_in_words(body: dict[str, Any]) -> dict[str, Any] | None:
    """The reply schema and its name, where the system message puts them in words."""
    match _inside(_system(body), "reply_schema"):
        case {"name": str(), "schema": {}} as found:
            return dict(found)
    return None


def _schema_name(body: dict[str, Any]) -> Any:
    return ((body.get("response_format") or {}).get("json_schema") or {}).get("name")


def _system(body: dict[str, Any]) -> str:
    first = body["messages"][0]
    return str(first["content"]) if first["role"] == "system" else ""


def _inside(text: str, tag: str) -> Any:
    """The JSON inside the last such tag of *text*; None when there is none."""
    _, opened, rest = text.rpartition(f"<{tag}>")
    inside, closed, _ = rest.partition(f"</{tag}>")
    if not opened or not closed:
        return None
    try:
        return orjson.loads(inside)
    except orjson.JSONDecodeError:
        return None


def _native(messages: list[dict[str, Any]], form: Form) -> Iterator[dict[str, Any]]:
    unanswered: dict[int, str] = {}
    for index, message in enumerate(messages):
        content = str(message.get("content") or "")
        if message["role"] == "assistant":
            said = form.read(content)
            text, calls = (said.text, said.calls) if said is not None else (content, ())
            ids = [f"call_{index}_{number}" for number in range(1, len(calls) + 1)]
            unanswered = dict(enumerate(ids, start=1))
            yield _assistant(text, list(zip(ids, calls, strict=True)))
        elif results := list(read_results(content)):
            for result in results:
                if (call_id := unanswered.pop(result.call, None)) is not None:
                    yield {"role": "tool", "tool_call_id": call_id, "content": result.content}
        else:
            yield message


def _assistant(text: str, calls: list[tuple[str, Call]]) -> dict[str, Any]:
    if not calls:
        return {"role": "assistant", "content": text}
    functions = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        for call_id, (name, arguments) in calls
    ]
    return {"role": "assistant", "content": text or None, "tool_calls": functions}
