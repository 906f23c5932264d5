"""Whether messages form a conversation as Anthropic's Messages API wants it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simkit.standin.invalid_request import InvalidRequest, shown
from simkit.standin.message_checks import check_name

_ID = re.compile(r"[a-zA-Z0-9_-]+")
_FIELDS = {
    "text": {"type", "text", "cache_control"},
    "tool_use": {"type", "id", "name", "input", "cache_control"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control"},
    "thinking": {"type", "thinking", "signature"},
}
_MAY_SAY = {"user": ("text", "tool_result"), "assistant": ("text", "tool_use", "thinking")}


def check_messages(messages: object) -> None:
    """Check roles and blocks, and that each tool use has its result at once.

    Raises:
        InvalidRequest: The first fault, in the order of the messages.
    """
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest("messages", "at least one message is required")
    uses: list[str] = []
    used_ids: set[str] = set()
    for index, message in enumerate(messages):
        where = f"messages.{index}"
        role = _checked_role(message, where)
        if index == 0 and role != "user":
            raise InvalidRequest(f"{where}.role", 'first message must use the "user" role')
        blocks = _checked_blocks(message["content"], role, f"{where}.content")
        _settle(uses, blocks, where)
        uses = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if used_ids.intersection(uses) or len(set(uses)) < len(uses):
            raise InvalidRequest(f"{where}.content", "`tool_use` ids must be unique")
        used_ids.update(uses)
    if role == "assistant":
        raise InvalidRequest(where, "the conversation must end with a user message")


def check_text(text: object, where: str) -> None:
    """Check that *text* says something.

    Raises:
        InvalidRequest: It is no string, empty, or blank.
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidRequest(where, "text content blocks must contain non-whitespace text")


def _checked_role(message: object, where: str) -> str:
    if not isinstance(message, dict):
        raise InvalidRequest(where, f"must be an object, not {shown(message)}")
    role = message.get("role")
    if role not in ("user", "assistant"):
        raise InvalidRequest(f"{where}.role", f"must be user or assistant, not {shown(role)}")
    if message.keys() != {"role", "content"}:
        raise InvalidRequest(where, "a message has a role and content, and nothing else")
    return str(role)


def _checked_blocks(content: object, role: str, where: str) -> list[dict[str, Any]]:
    """The blocks of *content*, which may be plain text."""
    if isinstance(content, str):
        check_text(content, where)
        return [{"type": "text", "text": content}]
    if not isinstance(content, list) or not content:
        raise InvalidRequest(where, "must be text or a list of at least one block")
    for index, block in enumerate(content):
        _check_block(block, role, f"{where}.{index}")
    return content


def _check_block(block: object, role: str, where: str) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(block, dict) or kind not in _MAY_SAY[role]:
        raise InvalidRequest(where, f"{shown(kind)} is no block that the {role} may send")
    if not block.keys() <= _FIELDS[kind]:
        raise InvalidRequest(where, f"a block of type {kind} has a field too many")
    match kind:
        case "text":
            check_text(block.get("text"), f"{where}.text")
        case "tool_use":
            _check_use(block, where)
        case "tool_result":
            _check_result(block, where)


def _check_use(block: Mapping[str, Any], where: str) -> None:
    use_id = block.get("id")
    if not isinstance(use_id, str) or not _ID.fullmatch(use_id):
        raise InvalidRequest(f"{where}.id", f"must match ^[a-zA-Z0-9_-]+$, not {shown(use_id)}")
    check_name(block.get("name"), f"{where}.name")
    if not isinstance(block.get("input"), dict):
        raise InvalidRequest(f"{where}.input", "must be an object")


def _check_result(block: Mapping[str, Any], where: str) -> None:
    if not isinstance(block.get("tool_use_id"), str):
        raise InvalidRequest(f"{where}.tool_use_id", "Field required")
    content = block.get("content", "none")
    if isinstance(content, list):
        for index, part in enumerate(content):
            _check_block(part, "user", f"{where}.content.{index}")
    else:
        check_text(content, f"{where}.content")


def _settle(uses: list[str], blocks: list[dict[str, Any]], where: str) -> None:
    """Check that *blocks* begin with one result for each of *uses*, and hold no other result."""
    results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    first = [block["type"] for block in blocks[: len(results)]]
    for result in results:
        if result not in uses or results.count(result) > 1:
            raise InvalidRequest(
                where,
                f"unexpected `tool_use_id` {shown(result)}: each `tool_result` must answer a "
                "`tool_use` of the message before, once",
            )
    if len(results) < len(uses) or any(kind != "tool_result" for kind in first):
        raise InvalidRequest(
            where,
            "each `tool_use` must have its `tool_result` at the beginning of the next message",
        )
