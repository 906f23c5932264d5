"""Whether the tools and the reply schema of a request are ones that hosted APIs take."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from jsonschema import Draft202012Validator

from simkit.standin.invalid_request import InvalidRequest, shown
from simkit.standin.keywords import referred
from simkit.standin.message_checks import check_name
from simkit.standin.recently_used import RecentlyUsed

MAX_TOOLS = 128
MAX_NESTING = 32
"""Levels of sub-schemas; beyond it no schema is sane, and recursion stays shallow."""

_REMEMBERED_SCHEMAS = 50_000
_METASCHEMA = Draft202012Validator(Draft202012Validator.META_SCHEMA)
_MAPS_OF_SCHEMAS = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_LISTS_OF_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMAS = ("items", "additionalProperties", "not", "if", "then", "else", "contains")


class ToolChecker:
    """Checks tools and reply schemas, each distinct one once."""

    def __init__(self) -> None:
        self._sound: RecentlyUsed[str] = RecentlyUsed(_REMEMBERED_SCHEMAS)

    def check_tools(self, tools: object) -> None:
        """Check the list of tools.

        Raises:
            InvalidRequest: The first fault, in the order of the tools.
        """
        if not isinstance(tools, list) or not 0 < len(tools) <= MAX_TOOLS:
            raise InvalidRequest("tools", f"must be a list of 1 to {MAX_TOOLS} tools")
        names: set[str] = set()
        for index, tool in enumerate(tools):
            where = f"tools[{index}]"
            name = self._checked_name(tool, where)
            if name in names:
                raise InvalidRequest(f"{where}.function.name", f"{name!r} is used twice")
            names.add(name)

    def check_response_format(self, wanted: object) -> None:
        """Check the form that the reply must have.

        Raises:
            InvalidRequest: It is of no known type, or its schema is not usable.
        """
        kind = wanted.get("type") if isinstance(wanted, dict) else None
        if not isinstance(wanted, dict) or kind not in ("text", "json_object", "json_schema"):
            raise InvalidRequest(
                "response_format", "must be an object of type text, json_object or json_schema"
            )
        if kind == "json_schema":
            self._check_reply_schema(wanted.get("json_schema"))

    def _checked_name(self, tool: object, where: str) -> str:
        digest = hashlib.blake2b(orjson.dumps(tool), digest_size=16).digest()
        name = self._sound.get(digest)
        if name is None:
            name = _check_tool(tool, where)
            self._sound.put(digest, name)
        return name

    def _check_reply_schema(self, named: object) -> None:
        where = "response_format.json_schema"
        if not isinstance(named, dict):
            raise InvalidRequest(where, "must be an object with name and schema")
        check_name(named.get("name"), f"{where}.name")
        schema = named.get("schema")
        digest = hashlib.blake2b(orjson.dumps(schema), digest_size=16, person=b"reply").digest()
        if self._sound.get(digest) is None:
            _check_schema(schema, f"{where}.schema")
            self._sound.put(digest, where)


def _check_tool(tool: object, where: str) -> str:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        raise InvalidRequest(where, 'must be an object with "type": "function"')
    function = tool.get("function")
    if not isinstance(function, dict):
        raise InvalidRequest(f"{where}.function", "must be an object")
    name = function.get("name")
    check_name(name, f"{where}.function.name")
    if not isinstance(function.get("description"), str):
        raise InvalidRequest(f"{where}.function.description", "must be a string")
    schema = function.get("parameters")
    _check_schema(schema, f"{where}.function.parameters")
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        raise InvalidRequest(f"{where}.function.parameters.properties", "must be an object")
    return str(name)


def _check_schema(schema: object, where: str) -> None:
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise InvalidRequest(where, 'must be a JSON Schema with "type": "object"')
    parts = _subschemas(schema, where, 0)
    for place, part in parts:
        _check_part(part, schema, place)
    error = next(_METASCHEMA.iter_errors(schema), None)
    if error is not None:
        place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in error.path)
        raise InvalidRequest(where + place, f"is not valid JSON Schema: {error.message[:200]}")


def _check_part(part: Mapping[str, Any], root: Mapping[str, Any], where: str) -> None:
    required, properties = part.get("required"), part.get("properties")
    if isinstance(required, list) and isinstance(properties, dict):
        absent = [name for name in required if isinstance(name, str) and name not in properties]
        if absent:
            raise InvalidRequest(f"{where}.required", f"{shown(absent[0])} is not a property")
    if part.get("type") == "array" and "items" not in part and "prefixItems" not in part:
        raise InvalidRequest(where, "array schema missing items")
    reference = part.get("$ref")
    if isinstance(reference, str) and not isinstance(referred(reference, root), dict | bool):
        raise InvalidRequest(
            f"{where}.$ref", f"{shown(reference)} does not lead to a schema in the same document"
        )


def _subschemas(
    schema: Mapping[str, Any], where: str, depth: int
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if depth > MAX_NESTING:
        raise InvalidRequest(where, f"is nested deeper than {MAX_NESTING} levels")
    yield where, schema
    for place, child in _children(schema, where):
        if isinstance(child, dict):
            yield from _subschemas(child, place, depth + 1)


def _children(schema: Mapping[str, Any], where: str) -> Iterator[tuple[str, object]]:
    for keyword in _SCHEMAS:
        if keyword in schema:
            yield f"{where}.{keyword}", schema[keyword]
    for keyword in _MAPS_OF_SCHEMAS:
        children = schema.get(keyword)
        if isinstance(children, dict):
            for name, child in children.items():
                yield f"{where}.{keyword}.{name}", child
    for keyword in _LISTS_OF_SCHEMAS:
        children = schema.get(keyword)
        if isinstance(children, list):
            for index, child in enumerate(children):
                yield f"{where}.{keyword}[{index}]", child
