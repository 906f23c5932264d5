"""Whether a request is one that Anthropic's Messages API would take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from simkit.standin.anthropic_message_checks import check_messages, check_text
from simkit.standin.invalid_request import InvalidRequest, shown
from simkit.standin.message_checks import check_name

_Holds = Callable[[Any], bool]
_TOOL_FIELDS = {"name", "description", "input_schema", "type", "strict", "cache_control"}


def checked_messages_request(raw: bytes) -> dict[str, Any]:
    """The request in *raw*, but for what its model, tools and schemas hold.

    Raises:
        InvalidRequest: The first fault found; it names the place.
    """
    body = _parsed(raw)
    for name in body:
        if name not in _FIELDS:
            raise InvalidRequest(name, "Extra inputs are not permitted")
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise InvalidRequest(name, "Field required")
    for name, (holds, rule) in _RULES.items():
        if name in body and not holds(body[name]):
            raise InvalidRequest(name, f"must be {rule}, not {shown(body[name])}")
    _check_system(body.get("system", "none"))
    check_messages(body["messages"])
    _check_tools(body.get("tools", []))
    if "tool_choice" in body:
        _check_tool_choice(body["tool_choice"], body.get("tools", []))
    return body


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(None, f"The request body is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise InvalidRequest(None, "The request body must be a JSON object")
    return body


def _check_system(system: object) -> None:
    if isinstance(system, str):
        check_text(system, "system")
    elif isinstance(system, list):
        for index, block in enumerate(system):
            if not isinstance(block, dict) or block.get("type") != "text":
                raise InvalidRequest(f"system.{index}", "must be a text block")
            check_text(block.get("text"), f"system.{index}.text")
    else:
        raise InvalidRequest("system", f"must be text or text blocks, not {shown(system)}")


def _check_tools(tools: object) -> None:
    if not isinstance(tools, list):
        raise InvalidRequest("tools", f"must be a list, not {shown(tools)}")
    for index, tool in enumerate(tools):
        where = f"tools.{index}"
        if not isinstance(tool, dict) or tool.get("type", "custom") != "custom":
            raise InvalidRequest(where, "must be an object: a tool of the client's own")
        for name in tool:
            if name not in _TOOL_FIELDS:
                raise InvalidRequest(f"{where}.{name}", "Extra inputs are not permitted")
        check_name(tool.get("name"), f"{where}.name")
        if not isinstance(tool.get("description", ""), str):
            raise InvalidRequest(f"{where}.description", "must be a string")
        if not isinstance(tool.get("input_schema"), dict):
            raise InvalidRequest(f"{where}.input_schema", "Field required")


def _check_tool_choice(choice: object, tools: list[Mapping[str, Any]]) -> None:
    kind = choice.get("type") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or kind not in ("auto", "any", "tool", "none"):
        raise InvalidRequest("tool_choice", "must be of type auto, any, tool or none")
    if not tools:
        raise InvalidRequest("tool_choice", "may only be specified while providing tools")
    if kind == "tool" and choice.get("name") not in [tool["name"] for tool in tools]:
        raise InvalidRequest("tool_choice.name", f"no tool is named {shown(choice.get('name'))}")
    if type(choice.get("disable_parallel_tool_use", False)) is not bool:
        raise InvalidRequest("tool_choice.disable_parallel_tool_use", "must be true or false")


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


_RULES: dict[str, tuple[_Holds, str]] = {
    "max_tokens": (lambda value: type(value) is int and value >= 1, "a positive integer"),
    "temperature": (_is_share, "a number from 0 to 1"),
    "top_p": (_is_share, "a number from 0 to 1"),
    "stream": (_is_boolean, "true or false"),
}
_WITHOUT_EFFECT = {"metadata", "service_tier", "stop_sequences", "thinking", "top_k"}
_FIELDS = {"model", "messages", "system", "tools", "tool_choice", *_RULES, *_WITHOUT_EFFECT}
