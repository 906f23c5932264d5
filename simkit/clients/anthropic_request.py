"""A chat request as Anthropic's Messages API wants it.

That API is stricter about the shape of a conversation than chat completions: it begins with
the user, blank text is refused, and the arguments of a call must be an object. What has to
be changed for that is as little as possible, and the same each time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from simkit.traces.calls import ChatRequest, ReplySchema
from simkit.traces.records import Message, ToolCall

DEFAULT_MAX_TOKENS = 8192
"""Longest reply when the request sets none: the API demands a number, and no current model
refuses this one."""

OPENING = "(The conversation begins.)"
"""What the user says where a conversation would begin with the assistant."""

BLANK = "(empty)"
"""Stands for a message without any text."""

INVALID_JSON = "INVALID_JSON"
"""The one argument of a call whose arguments are no JSON object: their text, as it was. Anthropic's
documentation of fine-grained tool streaming shows models their mistakes in this way."""

_REMEMBERED_TOOLS = 8192


def encode_messages_request(request: ChatRequest, model: str, *, stream: bool = False) -> bytes:
    """The body of the call.

    Neighbours of one role become one message, so the results of an assistant's calls stand
    together at the beginning of the user's. A temperature above 1, the highest here, is sent
    as 1; a seed and the reasoning of earlier turns are not sent.

    A reply schema becomes a tool of its name that the model must use; next to functions, which
    must have other names, it must use either the one or the others.
    """
    system, dialogue = _split_system(request.messages)
    form: dict[str, Any] = {
        "model": model,
        "max_tokens": request.max_output_tokens or DEFAULT_MAX_TOKENS,
        "messages": _turns(dialogue),
    }
    if system.strip():
        form["system"] = system
    tools = [_tool(tool.tool_json) for tool in request.tools]
    if request.reply_schema is not None:
        form["tool_choice"] = _must_reply(request.reply_schema, free=bool(tools))
        tools.append(_reply_tool(request.reply_schema.wire))
    if tools:
        form["tools"] = tools
    if request.temperature is not None:
        form["temperature"] = min(request.temperature, 1.0)
    if stream:
        form["stream"] = True
    return orjson.dumps(form)


def _split_system(messages: tuple[Message, ...]) -> tuple[str, tuple[Message, ...]]:
    if messages[0].role == "system":
        return messages[0].content, messages[1:]
    return "", messages


def _turns(dialogue: tuple[Message, ...]) -> list[Any]:
    """The messages, each of another role than the one before, the first the user's."""
    turns: list[Any] = []
    before: Message | None = None
    for message in dialogue:
        if before is not None and _role(before) == _role(message):
            turns[-1] = _joined(turns[-1], before, message)
        elif _is_plain(message):
            turns.append(orjson.Fragment(message.wire))  # it has the same form in both APIs
        else:
            turns.append({"role": _role(message), "content": _blocks(message)})
        before = message
    if not turns or _role(dialogue[0]) == "assistant":
        turns.insert(0, {"role": "user", "content": OPENING})
    return turns


def _role(message: Message) -> str:
    return "assistant" if message.role == "assistant" else "user"


def _joined(turn: Any, before: Message, message: Message) -> dict[str, Any]:
    """*turn*, which ends with the message *before*, with another *message*."""
    blocks = turn["content"] if isinstance(turn, dict) else _blocks(before)
    return {"role": _role(message), "content": [*blocks, *_blocks(message)]}


def _is_plain(message: Message) -> bool:
    return message.role != "tool" and not message.tool_calls and _says_something(message.content)


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [_result(message)]
    blocks = [_text(message.content)] if _says_something(message.content) else []
    blocks += [_use(call) for call in message.tool_calls]
    return blocks or [_text(BLANK)]


def _says_something(text: str) -> bool:
    return bool(text) and not text.isspace()


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _result(message: Message) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": message.tool_call_id}
    # A result may be missing, and then counts as empty, but it may not be blank.
    return {**result, "content": message.content} if _says_something(message.content) else result


def _use(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": _input(call)}


def _input(call: ToolCall) -> Any:
    try:
        return call.parsed_arguments()
    except ValueError:
        return {INVALID_JSON: call.arguments}


@lru_cache(maxsize=_REMEMBERED_TOOLS)
def _tool(tool_json: bytes) -> orjson.Fragment:
    """A tool of chat completions as a tool here; the same few are sent again and again."""
    function = orjson.loads(tool_json)["function"]
    return _encoded_tool(function["name"], function["description"], function["parameters"])


@lru_cache(maxsize=_REMEMBERED_TOOLS)
def _reply_tool(reply_schema_json: bytes) -> orjson.Fragment:
    wanted = orjson.loads(reply_schema_json)["json_schema"]
    return _encoded_tool(wanted["name"], "Gives the reply.", wanted["schema"])


def _encoded_tool(name: str, description: str, schema: Any) -> orjson.Fragment:
    tool = {"name": name, "description": description, "input_schema": schema}
    return orjson.Fragment(orjson.dumps(tool))


def _must_reply(wanted: ReplySchema, *, free: bool) -> dict[str, Any]:
    if free:
        return {"type": "any"}
    return {"type": "tool", "name": wanted.name, "disable_parallel_tool_use": True}
