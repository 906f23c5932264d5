"""Requests of Anthropic's Messages API in the form of chat completions, which brains know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

SILENT_RESULT = "(no output)"
"""Stands for a tool result without content."""

_SAME = ("model", "max_tokens", "temperature", "top_p")


def chat_form(body: Mapping[str, Any]) -> dict[str, Any]:
    """The chat request that says what the checked request *body* says.

    A tool that the model is made to use becomes the schema of its reply; see `forced_tool`.
    Thinking of earlier turns is left out.
    """
    form = {name: body[name] for name in _SAME if name in body}
    form["messages"] = _messages(body)
    forced = forced_tool(body)
    if forced is not None:
        schema = {"name": forced["name"], "schema": forced["input_schema"]}
        form["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif body.get("tools"):
        form["tools"] = [_tool(tool) for tool in body["tools"]]
        form["tool_choice"] = _choice(body)
    return form


def forced_tool(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The one tool that the model must use, if any."""
    choice = body.get("tool_choice", {})
    if choice.get("type") != "tool":
        return None
    tools: list[dict[str, Any]] = body["tools"]
    return next(tool for tool in tools if tool["name"] == choice["name"])


def _choice(body: Mapping[str, Any]) -> str:
    choice = body.get("tool_choice", {}).get("type", "auto")
    return "required" if choice == "any" else str(choice)


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = {
        "name": tool["name"],
        "description": tool.get("description", ""),
        "parameters": tool["input_schema"],
    }
    return {"type": "function", "function": function}


def _messages(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages = []
    if "system" in body:
        messages.append({"role": "system", "content": _text(body["system"])})
    for message in body["messages"]:
        if message["role"] == "assistant":
            messages.append(_assistant(message["content"]))
        else:
            messages += _user(message["content"])
    return messages


def _assistant(content: str | list[dict[str, Any]]) -> dict[str, Any]:
    form: dict[str, Any] = {"role": "assistant", "content": _text(content) or None}
    uses = [block for block in _blocks(content) if block["type"] == "tool_use"]
    if uses:
        form["tool_calls"] = [_call(use) for use in uses]
    return form


def _call(use: Mapping[str, Any]) -> dict[str, Any]:
    arguments = orjson.dumps(use["input"]).decode()
    function = {"name": use["name"], "arguments": arguments}
    return {"id": use["id"], "type": "function", "function": function}


def _user(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One message for each result, then one for what is said besides."""
    messages = [
        {
            "role": "tool",
            "tool_call_id": block["tool_use_id"],
            "content": _text(block.get("content", SILENT_RESULT)),
        }
        for block in _blocks(content)
        if block["type"] == "tool_result"
    ]
    text = _text(content)
    return [*messages, {"role": "user", "content": text}] if text else messages


def _blocks(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [] if isinstance(content, str) else content


def _text(content: str | list[dict[str, Any]]) -> str:
    """The text of *content*, its blocks as paragraphs."""
    if isinstance(content, str):
        return content
    return "\n\n".join(block["text"] for block in content if block["type"] == "text")
