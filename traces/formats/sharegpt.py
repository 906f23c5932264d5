"""ShareGPT with tools: ``conversations`` of ``from`` and ``value``, tools as JSON text.

A ``function_call`` holds a call, or a list of them, as JSON text. There are no ids: results
answer the calls before them in order. Reasoning stands between ``<think>`` tags in front of the
value.

Rows are written for LLaMA-Factory, which skips a row unless questions (``human``,
``observation``) and answers (``gpt``, ``function_call``) take turns, and which trains on every
answer in a row or, with ``mask_history``, on the last one alone. So results of calls made at
once are one ``observation``, a JSON list in the order of the calls; text beside calls stands in
front of them, which then are between ``<tool_call>`` tags; and a row ends before the first
masked turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import orjson

from simkit.traces.formats.call_arguments import arguments_of
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
from simkit.traces.records import Message, MessageRole, Trajectory, Verdict
from simkit.traces.shallow_json import parse_json

_CALLS = "function_call"
_ASKING = ("human", "observation")
_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_ESCAPED = r"<\/tool_call>"
"""The same for JSON, which it can only stand in as part of a string."""
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
        content, listed = _beside_calls(content)
        calls = tuple(read_call(call, place) for call in _calls(listed, place))
    return ForeignMessage(
        role=role,
        content=content,
        reasoning=reasoning,
        calls=calls,
        weight=weight_of(entry, place),
    )


def _beside_calls(value: str) -> tuple[str, str]:
    """What is said beside the calls in a `function_call`, and the JSON text of the calls."""
    text, opened, rest = value.partition(_OPEN)
    if not opened or not rest.rstrip().endswith(_CLOSE):
        return "", value
    return text.rstrip(), rest.rstrip().removesuffix(_CLOSE)


def _calls(text: str, place: str) -> list[Any]:
    value = json_at(text, place)
    if value == []:
        raise UnreadableRow(f"has an empty list of calls in {place}")
    return value if isinstance(value, list) else [value]


def rows(trajectory: Trajectory, verdict: Verdict) -> Iterator[bytes]:
    """One JSON object, ``id``, ``conversations``, ``system`` and ``tools``, or none.

    The conversation ends before its first masked turn, as every answer in a row is trained
    on; where nothing is left there is no row.
    """
    turns = _trainable(trajectory, verdict)
    if not turns:
        return
    tools = [orjson.Fragment(function.tool_json) for function in trajectory.scenario.tools]
    yield orjson.dumps(
        {
            "id": trajectory.id,
            "conversations": turns,
            "system": _system(trajectory.messages),
            "tools": orjson.dumps(tools).decode(),
        }
    )


def left_out(trajectory: Trajectory, verdict: Verdict) -> int:
    """How many turns that passed are in no row, since they come after a masked one."""
    passed = sum(turn.ok for turn in verdict.turns)
    return passed - len(_trainable(trajectory, verdict)) // 2


def _trainable(trajectory: Trajectory, verdict: Verdict) -> list[dict[str, str]]:
    """The longest beginning in which questions and answers alternate and all answers passed."""
    trained = {turn.index for turn in verdict.turns if turn.ok}
    found: list[dict[str, str]] = []
    for turn in _turns(trajectory.messages, trained):
        asks = turn is not None and turn["from"] in _ASKING
        if turn is None or asks == bool(len(found) % 2):
            break
        found.append(turn)
    return found[: len(found) // 2 * 2]


def _turns(messages: Sequence[Message], trained: set[int]) -> Iterator[dict[str, str] | None]:
    """The turns after a leading system message; None for what no row can hold."""
    numbered = [
        (at, message) for at, message in enumerate(messages) if at or not _is_system(message)
    ]
    for is_result, group in groupby(numbered, key=lambda item: item[1].role == "tool"):
        if is_result:
            yield _observation([message.content for _, message in group])
            continue
        for index, message in group:
            is_taken = message.role == "user" or index in trained
            yield _turn(message) if is_taken else None


def _system(messages: Sequence[Message]) -> str:
    return messages[0].content if messages and _is_system(messages[0]) else ""


def _is_system(message: Message) -> bool:
    return message.role == "system"


def _turn(message: Message) -> dict[str, str]:
    if message.role == "user":
        return {"from": "human", "value": message.content}
    value = _call_text(message) if message.tool_calls else message.content
    if message.reasoning is not None:
        value = with_thought(message.reasoning, value)
    return {"from": _CALLS if message.tool_calls else "gpt", "value": value}


def _observation(results: list[str]) -> dict[str, str]:
    """One turn, as LLaMA-Factory takes no two observations in a row; several become a list."""
    value = results[0] if len(results) == 1 else orjson.dumps(_values(results)).decode()
    return {"from": "observation", "value": value}


def _values(results: list[str]) -> list[orjson.Fragment | str]:
    """Results as JSON, in their own words; those that are no JSON as text."""
    values: list[orjson.Fragment | str] = []
    for result in results:
        try:
            parse_json(result)
        except ValueError:
            values.append(result)
        else:
            values.append(orjson.Fragment(result))
    return values


def _call_text(message: Message) -> str:
    forms = [{"name": c.name, "arguments": arguments_of(c)} for c in message.tool_calls]
    calls = orjson.dumps(forms[0] if len(forms) == 1 else forms).decode()
    if not message.content:
        return calls
    return f"{message.content}\n{_OPEN}{calls.replace(_CLOSE, _ESCAPED)}{_CLOSE}"
