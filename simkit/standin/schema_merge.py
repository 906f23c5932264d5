"""Schemas joined into one that asks for what all of them ask for, in the simple cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simkit.standin.keywords import types_of

_LARGER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_SMALLER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """A schema as strict as *first* and *second* together.

    Where a keyword of both cannot be joined (two patterns, say), the second one stays.
    """
    both = {**first, **second}
    for keyword in first.keys() & second.keys():
        both[keyword] = _joined(keyword, first[keyword], second[keyword])
    return both


def _joined(keyword: str, first: Any, second: Any) -> Any:
    if keyword in _LARGER and _numbers(first, second):
        return max(first, second)
    if keyword in _SMALLER and _numbers(first, second):
        return min(first, second)
    if keyword == "type":
        return _common_types(types_of({"type": first}), types_of({"type": second})) or second
    if keyword == "enum" and isinstance(first, list) and isinstance(second, list):
        return [value for value in second if value in first] or second
    if keyword in ("required", "allOf") and isinstance(first, list) and isinstance(second, list):
        return [*first, *(value for value in second if value not in first)]
    if keyword in ("properties", "$defs", "patternProperties") and _mappings(first, second):
        return merged_children(first, second)
    if keyword in ("items", "additionalProperties"):
        return _merged_schema(first, second)
    if keyword == "uniqueItems":
        return first or second
    return second


def merged_children(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Named schemas, those of the same name joined."""
    both = {**first, **second}
    for name in first.keys() & second.keys():
        both[name] = _merged_schema(first[name], second[name])
    return both


def _merged_schema(first: Any, second: Any) -> Any:
    if _mappings(first, second):
        return merged(first, second)
    if first is False or second is True:
        return first
    return second


def _common_types(first: list[str], second: list[str]) -> list[str]:
    common = [kind for kind in second if kind in first]
    if "integer" not in common and {"integer", "number"} <= {*first, *second}:
        common.append("integer")  # the one is part of the other
    return common


def _numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _mappings(*values: Any) -> bool:
    return all(isinstance(value, Mapping) for value in values)
