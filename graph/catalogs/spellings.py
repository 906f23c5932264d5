"""Ways to write down what a function takes, other than an object schema."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from simkit.graph.catalogs.keywords import is_keyword
from simkit.graph.catalogs.type_words import json_type, type_word

MAX_WRAPPINGS = 3
"""JSON texts inside JSON texts."""

_AROUND = ("type", "required", "description", "title", "$schema")
"""Keywords that may stand among properties that have no ``properties`` around them."""
_OPTIONAL = re.compile(r"\W*optional\b|.*\(optional\)", re.IGNORECASE)


class UnusableSchema(ValueError):
    """A schema has no normal form; the message completes "declares parameters that ..."."""


def object_schema(value: Any, function_name: str, repairs: Counter[str]) -> Any:
    """*value* as a schema, when it is a JSON text, a list or plain properties; else as it is.

    In a list and in plain properties, what is not said to be optional is required: by a flag,
    a type such as ``str, optional``, a default, or a description that begins so. Where some
    are flagged as required, only those are.

    Raises:
        UnusableSchema: It is a list of something else.
    """
    value = from_text(value, repairs)
    if isinstance(value, list):
        repairs["parameter list"] += 1
        return _from_list(value, function_name, repairs)
    if not isinstance(value, dict):
        return value
    if isinstance(listed := value.get("properties"), list) and all(map(_has_name, listed)):
        repairs["parameter list"] += 1
        return value | _from_list(listed, function_name, repairs) | _own_required(value)
    bare = _bare_properties(value)
    if bare is None:
        return value
    repairs["properties without a schema"] += 1
    if "description" in value and "description" not in bare:
        return _of(bare) | {"description": value["description"]} | _own_required(value)
    return _of(bare) | _own_required(value)


def from_text(value: Any, repairs: Counter[str]) -> Any:
    """The JSON value in a text of JSON, where *value* is one; else as it is."""
    for _ in range(MAX_WRAPPINGS):
        if not isinstance(value, str) or not value.lstrip().startswith(("{", "[", '"')):
            return value
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
        repairs["JSON in a text"] += 1
    return value


def without_outer_reference(value: dict[str, Any]) -> dict[str, Any]:
    """Schema generators often write ``{"$ref": "#/$defs/Args", "$defs": {...}}``."""
    match str(value.get("$ref", "")).split("/"):
        case ["#", "$defs" | "definitions" as key, name] if isinstance(value.get(key), dict):
            target = value[key].get(name)
            if isinstance(target, dict):
                return target | {part: value[part] for part in value if part != "$ref"}
    return value


def flag(value: Any) -> bool | None:
    """The meaning of a yes-or-no flag, also one written in words; None when it has none."""
    if isinstance(value, str):
        return {"true": True, "yes": True, "false": False, "no": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def is_flagged(schema: Any) -> bool:
    """Whether a property says of itself that it is required."""
    if not isinstance(schema, dict):
        return False
    return flag(schema.get("required")) is True or flag(schema.get("optional")) is False


def _from_list(parameters: list[Any], function_name: str, repairs: Counter[str]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for at, parameter in enumerate(parameters):
        if not _has_name(parameter):
            raise UnusableSchema(f"are a list whose item {at} has no name")
        name = parameter["name"]
        schema = {key: part for key, part in parameter.items() if key not in ("name", "desc")}
        if "desc" in parameter:
            schema.setdefault("description", parameter["desc"])
        if name == function_name and "description" not in schema and _may_be_left_out(schema):
            # Lists scraped from web pages often begin with the heading above them.
            repairs["heading among the parameters"] += 1
            continue
        properties[name] = schema
    return _of(properties)


def _has_name(parameter: Any) -> bool:
    return isinstance(parameter, dict) and isinstance(parameter.get("name"), str)


def _of(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of properties, which say themselves whether they are required."""
    plain = {name: _unflagged(schema) for name, schema in properties.items()}
    required = list(_required_of(properties))
    return {"type": "object", "properties": plain, "required": required}


def _required_of(properties: Mapping[str, Any]) -> Iterable[str]:
    flagged = [name for name, schema in properties.items() if is_flagged(schema)]
    if any(flag(properties[name].get("required")) for name in flagged):
        return flagged
    return (name for name, schema in properties.items() if not _may_be_left_out(schema))


def _unflagged(schema: Any) -> Any:
    """*schema* without what says whether it is required; a list there is its own keyword."""
    if not isinstance(schema, dict):
        return schema
    return {
        key: part
        for key, part in schema.items()
        if key != "optional" and (key != "required" or isinstance(part, list))
    }


def _may_be_left_out(schema: Any) -> bool:
    if isinstance(schema, str):
        return _is_optional_type(schema)
    if is_flagged(schema):
        return False
    said = schema.get("description")
    return (
        flag(schema.get("required")) is False
        or flag(schema.get("optional")) is True
        or "default" in schema
        or _is_optional_type(schema.get("type"))
        or (isinstance(said, str) and _OPTIONAL.match(said[:200]) is not None)
    )


def _is_optional_type(given: Any) -> bool:
    word = type_word(given) if isinstance(given, str) else None
    return word is not None and word.optional


def _own_required(value: Mapping[str, Any]) -> dict[str, Any]:
    required = value.get("required")
    return {"required": required} if isinstance(required, list) else {}


def _bare_properties(value: dict[str, Any]) -> dict[str, Any] | None:
    """The properties in *value* when it maps names to schemas, as ``{"city": {"type": "str"}}``.

    Also when ``"type": "object"`` and a list of required names stand among them.
    """
    around = {key for key in _AROUND if key in value and not isinstance(value[key], dict)}
    around.add("additionalProperties")
    if "type" in around and json_type(value["type"]) != "object":
        return None
    inner = {key: part for key, part in value.items() if key not in around}
    if not inner or _holds_schemas(inner.get("properties")):
        return None
    if not any(map(is_keyword, inner)):
        return inner if all(map(_is_property, inner.values())) else None
    if all(map(is_keyword, inner)) and ("type" in around or not _are_objects(inner)):
        return None
    return inner if all(map(_is_typed, inner.values())) else None


def _is_property(part: Any) -> bool:
    return isinstance(part, dict) or _is_typed(part)


def _are_objects(parts: Mapping[str, Any]) -> bool:
    return all(isinstance(part, dict) for part in parts.values())


def _is_typed(schema: Any) -> bool:
    """Whether *schema* can be nothing but a property: it has a type, or is one."""
    if isinstance(schema, str):
        return type_word(schema) is not None
    return isinstance(schema, dict) and isinstance(schema.get("type"), str)


def _holds_schemas(properties: Any) -> bool:
    """Whether what stands under ``properties`` is properties, not one property of that name."""
    return isinstance(properties, dict) and all(
        isinstance(part, dict | bool) for part in properties.values()
    )
