"""OpenAPI's own way with single keywords of a schema, and how much of one is kept."""

from __future__ import annotations

from typing import Any

import orjson

MAX_VALUE_BYTES = 2_000
"""Of one example, default, constant, pattern, or list of allowed values."""
MAX_EXAMPLE_BYTES = 200
MAX_EXAMPLES = 3
MAX_LISTED = 500
"""Allowed values; more are as good as free text."""

_LEVELS_AROUND = 100
"""Levels of JSON around a value in a schema in a request; it can be written 254 levels deep."""
_TEXTS = ("title", "description", "$comment")


def bounded(key: str, value: Any, max_text: int, repairs: list[str]) -> Any:
    """The value of a keyword that holds no schema, or None when it is left out."""
    if key in _TEXTS:
        return value[:max_text] if isinstance(value, str) and value else None
    if key == "examples":
        return _examples(value)
    if isinstance(value, str | list | dict) and not _is_small(value, MAX_VALUE_BYTES):
        repairs.append(f"long {key} left out")
        return None
    return value


def modern(node: dict[str, Any], original: dict[str, Any]) -> dict[str, Any]:
    """*node* with what *original* says in keywords of OpenAPI 3.0 and Swagger 2.0."""
    node = _with_exclusive_limits(node)
    examples = _examples([original.get("example")])
    if examples and "examples" not in node:
        node["examples"] = examples
    if original.get("nullable") is True or original.get("x-nullable") is True:
        return _nullable(node)
    return node


def _examples(value: Any) -> list[Any] | None:
    if isinstance(value, dict):  # of a parameter: each with a name, and its value inside
        value = [each.get("value") for each in value.values() if isinstance(each, dict)]
    if not isinstance(value, list):
        return None
    few = value[:MAX_EXAMPLES]
    return [each for each in few if each is not None and _is_small(each, MAX_EXAMPLE_BYTES)] or None


def _is_small(value: Any, max_bytes: int) -> bool:
    if isinstance(value, list | dict | str) and len(value) > max(max_bytes, MAX_LISTED):
        return False
    if isinstance(value, list) and len(value) > MAX_LISTED:
        return False
    for _ in range(_LEVELS_AROUND if isinstance(value, list | dict) else 0):
        value = [value]
    try:
        return len(orjson.dumps(value)) <= max_bytes + 2 * _LEVELS_AROUND
    except TypeError:  # nested too deeply
        return False


def _with_exclusive_limits(node: dict[str, Any]) -> dict[str, Any]:
    """In OpenAPI 3.0, ``exclusiveMinimum: true`` is said about ``minimum``."""
    for exclusive, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(node.get(exclusive), bool):
            is_exclusive = node.pop(exclusive)
            if is_exclusive and limit in node:
                node[exclusive] = node.pop(limit)
    return node


def _nullable(node: dict[str, Any]) -> dict[str, Any]:
    kind = node.get("type")
    if isinstance(kind, str) and "const" not in node:
        node = node | {"type": [kind, "null"]}
        if isinstance(node.get("enum"), list) and None not in node["enum"]:
            node["enum"] = [*node["enum"], None]
        return node
    if kind is None and any(key in node for key in ("$ref", "anyOf", "oneOf", "allOf")):
        notes = {key: node[key] for key in ("title", "description") if key in node}
        inner = {key: part for key, part in node.items() if key not in notes}
        return {"anyOf": [inner, {"type": "null"}]} | notes
    return node
