"""Reads messages in the form of chat completions, as several formats have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from simkit.traces.exact_json import check_numbers
from simkit.traces.formats.foreign_row import (
    ForeignCall,
    ForeignMessage,
    UnreadableRow,
    entries,
    json_at,
    text_at,
    unknown_role,
    weight_of,
)
from simkit.traces.one_line import one_line
from simkit.traces.records import MessageRole

_ROLES: Mapping[str, MessageRole] = {
    "system": "system",
    "developer": "system",  # its later name; both are instructions of whoever runs the model
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


def read_messages(row: dict[str, Any], key: str) -> list[ForeignMessage]:
    """The messages in the list at *key*, one for each entry.

    Content is text, null, or a list of parts: ``text`` (joined without anything between),
    ``reasoning`` and ``tool_call``, each with its text under ``text`` or ``value``. Arguments
    are text or any JSON value.

    Raises:
        UnreadableRow: Something is of a kind that a `Message` cannot hold.
    """
    return [_message(entry, place) for place, entry in entries(row, key)]


def read_call(value: Any, place: str, *, call_id: str | None = None) -> ForeignCall:
    """The call in an object with ``name`` and ``arguments``.

    Raises:
        UnreadableRow: It has no name, or is no object.
    """
    if not isinstance(value, dict):
        raise UnreadableRow(f"has a call in {place} that is no object")
    name = value.get("name")
    if not isinstance(name, str) or not name:
        raise UnreadableRow(f"has a call in {place} that names no function")
    return ForeignCall(id=call_id, name=name, arguments=_arguments(value.get("arguments"), place))


def _arguments(value: Any, place: str) -> str:
    """As the model wrote them, as far as the row still knows."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return orjson.dumps(value).decode()
    _refuse_long_numbers(value, place)
    return value


def _refuse_long_numbers(arguments: str, place: str) -> None:
    """Refuse text of JSON with numbers that whoever decodes it would round.

    Text that is no JSON is the model's own mistake, which the rules judge.
    """
    try:
        check_numbers(arguments.encode())
    except ValueError as error:
        raise UnreadableRow(f"has a call in {place} whose text of arguments {error}") from None


def _message(entry: dict[str, Any], place: str) -> ForeignMessage:
    given = entry.get("role")
    role = _ROLES.get(given) if isinstance(given, str) else None
    if role is None:
        raise unknown_role(given, place, tuple(_ROLES))
    _refuse_what_would_be_lost(entry, place, role)
    content, reasoning, calls = _content(entry, place)
    stated = text_at(entry, "reasoning_content", place)
    calls = [*calls, *_calls(entry, place)]
    if calls and role != "assistant":
        raise UnreadableRow(f"has calls in {place}, which is from {role!r}")
    return ForeignMessage(
        role=role,
        content=content,
        reasoning=reasoning if stated is None else stated,
        calls=tuple(calls),
        answers=text_at(entry, "tool_call_id", place) or None if role == "tool" else None,
        function=text_at(entry, "name", place) or None if role == "tool" else None,
        weight=weight_of(entry, place) if role == "assistant" else None,
    )


def _refuse_what_would_be_lost(entry: dict[str, Any], place: str, role: MessageRole) -> None:
    if entry.get("function_call") is not None:
        raise UnreadableRow(f'has the older "function_call" in {place}; expected "tool_calls"')
    if role == "assistant" and entry.get("content") is None and entry.get("refusal"):
        raise UnreadableRow(f"has a refusal in {place} in the place of content")


def _content(entry: dict[str, Any], place: str) -> tuple[str, str | None, list[ForeignCall]]:
    """Content, reasoning and calls of an entry whose content may be a list of parts."""
    parts = entry.get("content")
    if not isinstance(parts, list):
        return text_at(entry, "content", place) or "", None, []
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[ForeignCall] = []
    for at, part in enumerate(parts):
        where = f"{place}, part {at}"
        kind, text = _part(part, where)
        if kind == "tool_call":
            calls.append(read_call(json_at(text, where), where))
        else:
            (thoughts if kind == "reasoning" else texts).append(text)
    return "".join(texts), "\n\n".join(thoughts) or None, calls


def _part(part: Any, place: str) -> tuple[str, str]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in ("text", "reasoning", "tool_call"):
        shown = repr(one_line(kind, limit=40)) if isinstance(kind, str) else "no type"
        raise UnreadableRow(f"has content of {shown} in {place}; only text can be read")
    text = text_at(part, "value" if "value" in part else "text", place)
    if text is None:
        raise UnreadableRow(f"has no text in {place}")
    return kind, text


def _calls(entry: dict[str, Any], place: str) -> list[ForeignCall]:
    value = entry.get("tool_calls")
    if value is None:
        return []
    if not isinstance(value, list):
        raise UnreadableRow(f'has "tool_calls" in {place} that are no list')
    return [_call(call, f"{place}, tool_calls[{at}]") for at, call in enumerate(value)]


def _call(value: Any, place: str) -> ForeignCall:
    if not isinstance(value, dict):
        raise UnreadableRow(f"has a call in {place} that is no object")
    if value.get("type", "function") not in ("function", None):
        raise UnreadableRow(f'has a call in {place} whose type is not "function"')
    if not isinstance(value.get("function"), dict):
        raise UnreadableRow(
            f'has a call in {place} without the object "function", which holds name and arguments'
        )
    call_id = text_at(value, "id", place) or None
    return read_call(value["function"], place, call_id=call_id)
