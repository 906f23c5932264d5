"""ShareGPT with tools: ``conversations`` of ``from`` and ``value``, tools as JSON text.

A ``function_call`` holds a call, or a list of them, as JSON text; each ``observation``
answers one. There are no ids: results answer the calls before them in order. Reasoning
stands between ``<think>`` tags in front of the value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from simkit.traces.formats.chat_messages import read_call
from simkit.traces.formats.foreign_row import (
    ForeignCall,
    ForeignMessage,
    ForeignRow,
    UnreadableRow,
    entries,
    id_of,
    json_at,
    text_at,
    unknown_role,
    weight_of,
)
from simkit.traces.formats.thinking import split_thought, with_thought
from simkit.traces.records import Message, MessageRole, ToolCall, Trajectory, Verdict

_CALLS = "function_call"
_ROLES: Mapping[str, MessageRole] = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    _CALLS: "assistant",
    "observation": "tool",
    "tool": "tool",
}


def read(row: dict[str, Any]) -> ForeignRow:
    """The conversation in *row*; a system prompt beside the list is no message of it.

    Raises:
        UnreadableRow: It is not in this format.
    """
    return ForeignRow(
        messages=[_message(entry, place) for place, entry in entries(row, "conversations")],
        tools=row.get("tools"),
        id=id_of(row),
        system=text_at(row, "system", "the row") or None,
    )


def _message(entry: dict[str, Any], place: str) -> ForeignMessage:
    speaker = entry.get("from")
    role = _ROLES.get(speaker) if isinstance(speaker, str) else None
    if role is None:
        raise unknown_role(speaker, place, tuple(_ROLES))
    value = text_at(entry, "value", place)
    if value is None:
        raise UnreadableRow(f'has no "value" in {place}')
    if role != "assistant":
        return ForeignMessage(role=role, content=value)
    reasoning, content = split_thought(value)
    calls: tuple[ForeignCall, ...] = ()
    if speaker == _CALLS:
        calls = tuple(read_call(call, place) for call in _calls(content, place))
        content = ""
    return ForeignMessage(
        role=role,
        content=content,
        reasoning=reasoning,
        calls=calls,
        weight=weight_of(entry, place),
    )


def _calls(text: str, place: str) -> list[Any]:
    value = json_at(text, place)
    if value == []:
        raise UnreadableRow(f"has an empty list of calls in {place}")
    return value if isinstance(value, list) else [value]


def rows(trajectory: Trajectory, verdict: Verdict) -> Iterator[bytes]:
    """One JSON object: ``id``, ``conversations``, ``tools``.

    Turns of the assistant carry a ``weight``: 1 for those to train on, 0 for context. Text
    beside calls becomes a ``gpt`` turn of its own before them.
    """
    trained = {turn.index for turn in verdict.turns if turn.ok}
    tools = [orjson.Fragment(function.tool_json) for function in trajectory.scenario.tools]
    yield orjson.dumps(
        {
            "id": trajectory.id,
            "conversations": [
                turn
                for index, message in enumerate(trajectory.messages)
                for turn in _turns(message, weight=int(index in trained))
            ],
            "tools": orjson.dumps(tools).decode(),
        }
    )


def _turns(message: Message, *, weight: int) -> Iterator[dict[str, Any]]:
    if message.role != "assistant":
        speaker = {"user": "human", "tool": "observation"}.get(message.role, message.role)
        yield {"from": speaker, "value": message.content}
        return
    values = [("gpt", message.content)] if message.content or not message.tool_calls else []
    if message.tool_calls:
        values.append((_CALLS, _call_text(message.tool_calls)))
    for number, (speaker, value) in enumerate(values):
        thinks = number == 0 and message.reasoning is not None
        shown = with_thought(message.reasoning, value) if thinks else value
        yield {"from": speaker, "value": shown, "weight": weight}


def _call_text(calls: tuple[ToolCall, ...]) -> str:
    forms = [{"name": call.name, "arguments": _arguments(call)} for call in calls]
    return orjson.dumps(forms[0] if len(forms) == 1 else forms).decode()


def _arguments(call: ToolCall) -> orjson.Fragment | str:
    """The object that the model wrote, in its own words; text where that is no object."""
    try:
        call.parsed_arguments()
    except ValueError:
        return call.arguments
    return orjson.Fragment(call.arguments or "{}")
