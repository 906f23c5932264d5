"""Brings the many spellings of a parameter schema into one: JSON Schema, draft 2020-12.

Catalogs use Python, Java and JavaScript types, older drafts, flags on properties and plain
lists. Each repair is counted under a short name; what cannot be repaired is refused.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson

from simkit.graph.catalogs.entry import kind
from simkit.graph.catalogs.keywords import FOREIGN, LISTS, MAPS, SINGLE, is_keyword, unreadable
from simkit.graph.catalogs.references import complaint, pointer_part
from simkit.graph.catalogs.spellings import (
    UnusableSchema,
    from_text,
    is_flagged,
    object_schema,
    without_outer_reference,
)
from simkit.graph.catalogs.type_keyword import name_type
from simkit.graph.catalogs.type_words import json_type, type_word
from simkit.graph.catalogs.values import settle_values

__all__ = ["UnusableSchema", "cut_description", "normal_outputs", "normal_parameters"]

MAX_DESCRIPTION = 4_000
"""Characters; longer descriptions are cut."""
MAX_PARAMETERS = 200
MAX_DEPTH = 20
"""Schemas inside schemas."""
MAX_SCHEMA_BYTES = 200_000

_LEVELS_AROUND = 50
"""Levels of JSON that requests and records may put around a schema."""


def normal_parameters(
    value: Any, repairs: Counter[str], *, function_name: str = ""
) -> dict[str, Any]:
    """The normal form of what a catalog says a function takes.

    Args:
        value: Any JSON value: a schema, properties without one, a list of parameters with
            ``name`` and ``type``, a JSON text of one of them, or None.
        repairs: What was repaired is counted here, also when the schema is refused.
        function_name: Tells a scraped heading in a list of parameters from a parameter.

    Returns:
        A new schema of type ``object`` with ``properties`` and ``required``, valid under
        draft 2020-12; references are local, lead somewhere and end. Its normal form is
        itself. Property keys are as they were.

    Raises:
        UnusableSchema: *value* is nothing of the kind, or too large.
    """
    if value is None or value == "":
        repairs["missing parameters"] += 1
        value = {"type": "object"}
    return _normal_object(object_schema(value, function_name, repairs), repairs)


def normal_outputs(value: Any, repairs: Counter[str]) -> dict[str, Any]:
    """The normal form of a declared result; one that is no object becomes its ``result``.

    Raises:
        UnusableSchema: As for `normal_parameters`.
    """
    if isinstance(value, str) and type_word(value):
        value = {"type": value}
    value = object_schema(value, "", repairs)
    if isinstance(value, dict) and not _may_be_object(value):
        repairs["result wrapped in an object"] += 1
        value = {"type": "object", "properties": {"result": value}, "required": ["result"]}
    return _normal_object(value, repairs)


def cut_description(text: str, repairs: Counter[str]) -> str:
    """*text*, or its first `MAX_DESCRIPTION` characters."""
    if len(text) > MAX_DESCRIPTION:
        repairs["description cut"] += 1
    return text[:MAX_DESCRIPTION]


def _may_be_object(schema: dict[str, Any]) -> bool:
    given = schema.get("type")
    if given is None:
        return not any(key in schema for key in ("items", "prefixItems", "enum", "const"))
    return any(json_type(name) == "object" or _means_object(name) for name in _as_list(given))


def _means_object(name: Any) -> bool:
    word = type_word(name) if isinstance(name, str) else None
    return word is not None and word.schema.get("type") == "object"


def _normal_object(value: Any, repairs: Counter[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnusableSchema(f"are {kind(value)}, not a JSON Schema")
    _json_size(value)  # deep values must not reach what follows
    value = {key: part for key, part in without_outer_reference(value).items() if part is not None}
    _refuse_other_shapes(value)
    if "type" not in value:
        repairs["missing type"] += 1
    if not isinstance(value.get("type"), str):
        value = value | {"type": "object"}
    if not all(isinstance(one, dict) for one in _as_list(value.get("enum", {}))):
        repairs["enum of the whole dropped"] += 1  # it would leave nothing, or no object
        value = {key: part for key, part in value.items() if key != "enum"}
    walk = _Walk(repairs)
    schema = walk.node({"properties": {}} | value, "", 0)
    if problem := complaint(walk.nodes):
        raise UnusableSchema(problem)
    if (size := _json_size(schema)) > MAX_SCHEMA_BYTES:
        raise UnusableSchema(f"take {size:,} bytes, over the limit of {MAX_SCHEMA_BYTES:,}")
    first = {key: schema.pop(key, []) for key in ("type", "properties", "required")}
    return first | schema


def _refuse_other_shapes(value: dict[str, Any]) -> None:
    if not _may_be_object(value):
        raise UnusableSchema(f"are of type {str(value.get('type'))[:80]!r}, not an object")
    if "type" not in value and "properties" not in value and not all(map(is_keyword, value)):
        raise UnusableSchema("are no JSON Schema: they have neither type nor properties")
    if "$ref" in value:
        raise UnusableSchema(f"are only a reference, to {str(value['$ref'])[:80]!r}")
    properties = value.get("properties", {})
    if not isinstance(properties, dict):
        raise UnusableSchema(f"have {kind(properties)} for properties")
    if len(properties) > MAX_PARAMETERS:
        raise UnusableSchema(f"number {len(properties):,}, over the limit of {MAX_PARAMETERS}")


def _json_size(value: dict[str, Any]) -> int:
    """Bytes of *value* as JSON; refused when it could not be part of a request or record.

    JSON can be written 254 levels deep, and what stands in a default may be deeper.
    """
    wrapped: Any = value
    for _ in range(_LEVELS_AROUND):
        wrapped = [wrapped]
    try:
        return len(orjson.dumps(wrapped)) - 2 * _LEVELS_AROUND
    except TypeError as error:
        raise UnusableSchema("are nested too deeply to be written as JSON") from error


class _Walk:
    """Brings a schema and those inside it into normal form, and keeps where each stands."""

    def __init__(self, repairs: Counter[str]) -> None:
        self._repairs = repairs
        self.nodes: dict[str, Any] = {}
        """Each schema by its JSON pointer."""

    def node(self, value: dict[str, Any], at: str, depth: int) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise UnusableSchema(f"are nested deeper than {MAX_DEPTH} levels")
        if "$dynamicRef" in value:
            raise UnusableSchema("use $dynamicRef")
        node = dict(value)
        self._modernise(node)
        name_type(node, self._repairs)
        for key in unreadable(node):
            self._repairs["unreadable keyword"] += 1
            del node[key]
        settle_values(node, self._repairs)
        self._settle_required(node)
        self._normalise_inner(node, at, depth + 1)
        if "array" in _as_list(node.get("type")) and "items" not in node:
            self._repairs["array without items"] += 1
            node["items"] = {}
        self.nodes[at] = node
        return node

    def _modernise(self, node: dict[str, Any]) -> None:
        for key in FOREIGN:
            if key in node:
                self._repairs[f"{key} dropped"] += 1
                del node[key]
        if isinstance(node.get("items"), list):
            self._repairs["items as a list"] += 1
            node["prefixItems"] = node["items"]
            node["items"] = node.pop("additionalItems", {})
        if node.get("enum") == []:
            self._repairs["empty enum"] += 1
            del node["enum"]
        if isinstance(description := node.get("description"), str):
            node["description"] = cut_description(description, self._repairs)

    def _settle_required(self, node: dict[str, Any]) -> None:
        """Make ``required`` the names of properties that are listed or flagged so."""
        given, optional = node.pop("required", None), node.pop("optional", None)
        if isinstance(given, str) and (names := _names_in(given, node.get("properties"))):
            self._repairs["required as a text"] += 1
            given = names
        listed = isinstance(given, list)
        if optional is not None or (given is not None and not listed):
            self._repairs["required flag"] += 1  # its effect is on the schema around this one
        names = [name for name in given if isinstance(name, str)] if listed else []
        if "properties" in node:
            names = self._of_properties(names, node["properties"])
        if names or listed:
            node["required"] = list(dict.fromkeys(names))

    def _of_properties(self, names: list[str], properties: dict[str, Any]) -> list[str]:
        known = [name for name in names if name in properties]
        if absent := len(names) - len(known):
            self._repairs["required but not a property"] += absent
        return known + [name for name, schema in properties.items() if is_flagged(schema)]

    def _normalise_inner(self, node: dict[str, Any], at: str, depth: int) -> None:
        for key, part in node.items():
            where = f"{at}/{key}"
            if key in SINGLE:
                node[key] = self._inner(part, where, depth)
            elif key in LISTS:
                node[key] = [
                    self._inner(item, f"{where}/{index}", depth) for index, item in enumerate(part)
                ]
            elif key in MAPS:
                node[key] = {
                    name: self._inner(item, f"{where}/{pointer_part(name)}", depth)
                    for name, item in part.items()
                }

    def _inner(self, value: Any, at: str, depth: int) -> Any:
        value = self._unspelled(value)
        if isinstance(value, dict):
            return self.node(value, at, depth)
        if not isinstance(value, bool):
            self._repairs["unreadable schema"] += 1
            value = {}
        self.nodes[at] = value
        return value

    def _unspelled(self, value: Any) -> Any:
        """*value* as a schema when it is a text that is one, names a type or describes."""
        value = from_text(value, self._repairs)
        if not isinstance(value, str):
            return value
        is_type = type_word(value) is not None
        self._repairs["type name as a schema" if is_type else "description as a schema"] += 1
        return {"type" if is_type else "description": value}


def _names_in(text: str, properties: Any) -> list[str]:
    """The names in a text like ``"city, date"``; none unless all are properties."""
    names = [name.strip() for name in text.split(",")]
    known = isinstance(properties, dict) and all(name in properties for name in names)
    return names if known else []


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
