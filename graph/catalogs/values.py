"""Defaults and enumerated values that fit the type they stand beside."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import orjson

MAX_TEXT = 10_000
"""Characters of a text that is read as another type; a longer one is of its own type."""


def settle_values(node: dict[str, Any], repairs: Counter[str]) -> None:
    """Make ``default`` and ``enum`` of a schema fit its type, in place.

    Values written as text (``"5"`` for an integer) are read; a default that fits in no way is
    dropped; a type that excludes some values of its enum is widened, as the values are what
    a caller must choose from.
    """
    if isinstance(node.get("enum"), list):
        _settle_enum(node, repairs)
    if "default" in node and "type" in node:
        _settle_default(node, repairs)


def _settle_enum(node: dict[str, Any], repairs: Counter[str]) -> None:
    if node.get("type") == "array" and _belongs_to_items(node):
        repairs["enum moved to the items"] += 1
        node["items"] = node.get("items", {}) | {"enum": node.pop("enum")}
        return
    if "type" in node:
        _fit_enum(node, repairs)
    distinct = {orjson.dumps(value, option=orjson.OPT_SORT_KEYS): value for value in node["enum"]}
    if len(distinct) < len(node["enum"]):
        repairs["repeated enum value"] += 1
        node["enum"] = list(distinct.values())


def _belongs_to_items(node: dict[str, Any]) -> bool:
    items = node.get("items", {})
    is_free = isinstance(items, dict) and not {"enum", "$ref"} & items.keys()
    return is_free and not any(isinstance(value, list) for value in node["enum"])


def _fit_enum(node: dict[str, Any], repairs: Counter[str]) -> None:
    kinds = _kinds(node["type"])
    if all(_fits(value, kinds) for value in node["enum"]):
        return
    fitted = [_cast(value, kinds) for value in node["enum"]]
    if all(_fits(value, kinds) for value in fitted):
        repairs["enum cast to its type"] += 1
        node["enum"] = fitted
        return
    repairs["type widened to its enum"] += 1
    others = [_kind(value) for value in node["enum"] if not _fits(value, kinds)]
    node["type"] = list(dict.fromkeys([*kinds, *others]))


def _settle_default(node: dict[str, Any], repairs: Counter[str]) -> None:
    kinds = _kinds(node["type"])
    if _fits(node["default"], kinds):
        return
    fitted = _cast(node["default"], kinds)
    if _fits(fitted, kinds):
        repairs["default cast to its type"] += 1
        node["default"] = fitted
    else:
        repairs["default of another type dropped"] += 1
        del node["default"]


def _kinds(given: Any) -> list[str]:
    return given if isinstance(given, list) else [given]


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")


def _fits(value: Any, kinds: list[str]) -> bool:
    kind = _kind(value)
    if kind == "integer":
        return "integer" in kinds or "number" in kinds
    if kind == "number":
        return "number" in kinds or ("integer" in kinds and value.is_integer())
    return kind in kinds


def _cast(value: Any, kinds: list[str]) -> Any:
    """*value* as one of *kinds* where that is what it says; else as it is."""
    if isinstance(value, str):
        return _read(value)
    if isinstance(value, int | float) and "string" in kinds:
        return orjson.dumps(value).decode()
    return value


def _read(text: str) -> Any:
    if text in ("True", "False"):
        return text == "True"
    if len(text) > MAX_TEXT:
        return text
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return text if isinstance(value, float) and not math.isfinite(value) else value
