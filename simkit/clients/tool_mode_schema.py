"""The JSON Schema of a reply that either answers or calls some of the given functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from simkit.graph.catalogs.keywords import LISTS, MAPS, SINGLE
from simkit.traces.calls import ReplySchema
from simkit.traces.functions import Function, Schema

REPLY_NAME = "answer_or_calls"
"""The name of the schema; nothing else that we ask for has it."""

_NOTES = frozenset(("title", "description", "examples", "default", "$comment", "deprecated"))
"""Restrict nothing; the model reads them in the system message."""
_OPEN_ENDED = frozenset(
    (
        *("additionalProperties", "unevaluatedProperties", "patternProperties", "$ref"),
        *("allOf", "anyOf", "oneOf", "if", "dependentSchemas"),
    )
)
"""With one of them at its top, a schema may take more than its own ``properties``."""


def calls_schema(tools: tuple[Function, ...]) -> ReplySchema:
    """What a reply to a request with *tools* must follow, as `CallsAsJson` reads it.

    Around the functions' own parameter schemas it uses no more than objects, arrays,
    ``anyOf`` and ``const``. A parameter that a function does not have is ruled out, as it is
    when the call is checked. Definitions that a function refers to move to the top, named
    ``function.definition``: that is where decoders look for them.
    """
    offers = [_offer(tool.tool_json) for tool in tools]
    definitions = {name: part for offer in offers for name, part in offer.definitions.items()}
    text = {"type": "string"}
    calls = {"type": "array", "items": {"anyOf": [o.call for o in offers]}, "minItems": 1}
    reply = {
        "anyOf": [
            _object({"kind": {"const": "answer"}, "text": text}, ["kind", "text"]),
            _object({"kind": {"const": "calls"}, "text": text, "calls": calls}, ["kind", "calls"]),
        ]
    }
    schema = _object({"reply": reply}, ["reply"])
    return ReplySchema(
        name=REPLY_NAME, schema=schema | {"$defs": definitions} if definitions else schema
    )


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


@dataclass(frozen=True, slots=True)
class _Offer:
    """One function as part of the schema."""

    call: dict[str, Any]
    definitions: dict[str, Any]
    """What it refers to, by the name at the top."""


# Functions come back in many conversations, whose schemas then share these parts.
@lru_cache(maxsize=8192)
def _offer(tool_json: bytes) -> _Offer:
    function = orjson.loads(tool_json)["function"]
    name = function["name"]
    arguments, definitions = _arguments(name, function["parameters"])
    call = _object({"name": {"const": name}, "arguments": arguments}, ["name", "arguments"])
    return _Offer(call, definitions)


def _arguments(name: str, parameters: Schema) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of the arguments of function *name*, and the definitions it refers to."""
    moved: list[str] = []

    def moved_to(reference: str) -> str:
        moved.append(reference)
        inner = reference.removeprefix("#/$defs/")
        separator = "" if inner == reference else "."
        return f"#/$defs/{name}{separator}{inner.removeprefix('#')}"

    whole = _rewritten(parameters, moved_to)
    if not whole.keys() & _OPEN_ENDED:
        whole["additionalProperties"] = False
    own = whole.pop("$defs", {})
    if not moved:
        return whole, {}
    definitions = {f"{name}.{own_name}": schema for own_name, schema in own.items()}
    # A reference may lead to any place in the function's schema, so all of it moves.
    return {"$ref": f"#/$defs/{name}"}, {name: whole, **definitions}


def _rewritten(schema: Schema, moved_to: Callable[[str], str]) -> dict[str, Any]:
    """*schema* without notes and with each reference led to where its target has moved."""
    kept: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword == "$ref":
            kept[keyword] = moved_to(value)
        elif keyword in SINGLE:
            kept[keyword] = _inner(value, moved_to)
        elif keyword in LISTS:
            kept[keyword] = [_inner(item, moved_to) for item in value]
        elif keyword in MAPS:
            kept[keyword] = {name: _inner(item, moved_to) for name, item in value.items()}
        elif keyword not in _NOTES:
            kept[keyword] = value
    return kept


def _inner(schema: Any, moved_to: Callable[[str], str]) -> Any:
    return _rewritten(schema, moved_to) if isinstance(schema, Mapping) else schema
