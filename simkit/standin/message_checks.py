"""Whether the messages of a request form a conversation that a model can answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simkit.standin.invalid_request import InvalidRequest, shown
from simkit.traces.functions import LEGAL_NAME

_FIELDS = {
    "system": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "tool_calls"},
    "tool": {"role", "content", "tool_call_id"},
}


def check_messages(messages: object) -> None:
    """Check roles, contents, and that each tool call is answered once, where it must be.

    Raises:
        InvalidRequest: The first fault, in the order of the messages.
    """
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest("messages", "must be a list of at least one message")
    unanswered: list[str] = []
    used_ids: set[str] = set()
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        role = _checked_role(message, index, where)
        if role == "tool":
            _check_content(message, where)
            _settle(message, unanswered, where)
            continue
        _require_all_answered(unanswered, where)
        if role == "assistant" and "tool_calls" in message:
            unanswered = _checked_calls(message["tool_calls"], used_ids, f"{where}.tool_calls")
        _check_content(message, where)
    _require_all_answered(unanswered, "messages")
    if role == "assistant":
        raise InvalidRequest(where, "the last message is the assistant's: nothing to answer")


def _checked_role(message: object, index: int, where: str) -> str:
    if not isinstance(message, dict):
        raise InvalidRequest(where, f"must be an object, not {shown(message)}")
    role = message.get("role")
    fields = _FIELDS.get(role) if isinstance(role, str) else None
    if fields is None or not isinstance(role, str):
        known = ", ".join(_FIELDS)
        raise InvalidRequest(f"{where}.role", f"must be one of {known}, not {shown(role)}")
    if role == "system" and index > 0:
        raise InvalidRequest(f"{where}.role", "a system message may only come first")
    if not message.keys() <= fields:
        extra = next(key for key in message if key not in fields)
        raise InvalidRequest(f"{where}.{extra}", f"unknown field of a message with role {role!r}")
    return role


def _check_content(message: Mapping[str, Any], where: str) -> None:
    content = message.get("content")
    if isinstance(content, str) and content:
        return
    if content is None and message.get("tool_calls"):
        return
    raise InvalidRequest(
        f"{where}.content",
        f"must be a non-empty string, not {shown(content)}; "
        "only an assistant message with tool calls may have null or no content",
    )


def _checked_calls(calls: object, used_ids: set[str], where: str) -> list[str]:
    if not isinstance(calls, list) or not calls:
        raise InvalidRequest(where, "must be a list of at least one call, or be left out")
    ids = []
    for position, call in enumerate(calls):
        call_id = _checked_call(call, f"{where}[{position}]")
        if call_id in used_ids:
            raise InvalidRequest(f"{where}[{position}].id", f"{shown(call_id)} is used twice")
        used_ids.add(call_id)
        ids.append(call_id)
    return ids


def _checked_call(call: object, where: str) -> str:
    if not isinstance(call, dict) or call.get("type") != "function":
        raise InvalidRequest(where, 'must be an object with "type": "function"')
    call_id = call.get("id")
    if not isinstance(call_id, str) or not call_id:
        raise InvalidRequest(f"{where}.id", f"must be a non-empty string, not {shown(call_id)}")
    function = call.get("function")
    if not isinstance(function, dict):
        raise InvalidRequest(f"{where}.function", "must be an object with name and arguments")
    check_name(function.get("name"), f"{where}.function.name")
    if not isinstance(function.get("arguments"), str):
        raise InvalidRequest(f"{where}.function.arguments", "must be a string of JSON text")
    return call_id


def check_name(name: object, where: str) -> None:
    """Check the name of a function or a reply schema.

    Raises:
        InvalidRequest: It is no string, or has characters or a length that are not allowed.
    """
    if not isinstance(name, str) or not LEGAL_NAME.fullmatch(name):
        raise InvalidRequest(where, f"must match ^[a-zA-Z0-9_-]{{1,64}}$, not {shown(name)}")


def _settle(message: Mapping[str, Any], unanswered: list[str], where: str) -> None:
    call_id = message.get("tool_call_id")
    if call_id not in unanswered:
        raise InvalidRequest(
            f"{where}.tool_call_id",
            f"{shown(call_id)} answers no open call; a tool message must answer a call of the "
            "assistant message directly before it, once",
        )
    unanswered.remove(call_id)


def _require_all_answered(unanswered: list[str], where: str) -> None:
    if unanswered:
        raise InvalidRequest(
            where,
            f"the tool calls {', '.join(map(shown, unanswered))} have no answer yet; each needs "
            "one tool message before any other message",
        )
