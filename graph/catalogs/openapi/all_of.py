"""Joins the parts of ``allOf`` into one schema, where one schema says the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_NOTES = ("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly")


def joined(parts: Sequence[Any]) -> dict[str, Any] | None:
    """One schema for values that fit all *parts*, or None when that takes ``allOf``.

    Of notes, e.g. descriptions, the first stays. ``additionalProperties: false`` is dropped
    where another part has properties: taken at its word, hardly a value would fit.
    """
    schemas = [part for part in parts if part is not True]
    if not all(isinstance(part, dict) and "$ref" not in part for part in schemas):
        return None
    result: dict[str, Any] = {}
    for part in schemas:
        for key, value in _opened(part, schemas).items():
            try:
                result[key] = _both(key, result[key], value) if key in result else value
            except _CannotJoin:
                return None
    return result


class _CannotJoin(Exception):
    """Two parts say something different under one keyword."""


def _opened(part: dict[str, Any], parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    others_have_properties = any("properties" in each for each in parts if each is not part)
    if part.get("additionalProperties") is False and others_have_properties:
        return {key: value for key, value in part.items() if key != "additionalProperties"}
    return part


def _both(key: str, one: Any, two: Any) -> Any:
    if key in _NOTES or one == two:
        return one
    if key == "properties":
        shared = {
            name: {"allOf": [one[name], two[name]]} for name in one if _differ(name, one, two)
        }
        return one | two | shared
    if key == "required":
        return list(dict.fromkeys([*_listed(one), *_listed(two)]))
    if key == "type":
        return _type(one, two)
    raise _CannotJoin


def _differ(name: str, one: dict[str, Any], two: dict[str, Any]) -> bool:
    return name in two and one[name] != two[name]


def _type(one: Any, two: Any) -> Any:
    allowed = two if isinstance(two, list) else [two]
    both = [name for name in (one if isinstance(one, list) else [one]) if name in allowed]
    if not both:
        raise _CannotJoin
    return both if len(both) > 1 else both[0]


def _listed(required: Any) -> list[Any]:
    return required if isinstance(required, list) else []
