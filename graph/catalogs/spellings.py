"""Ways to write down what a function takes, other than an object schema."""

from __future__ import annotations

from collections import Counter
from typing import Any


class UnusableSchema(ValueError):
    """A schema has no normal form; the message completes "declares parameters that ..."."""


def schema_of_parameters(value: Any, function_name: str, repairs: Counter[str]) -> Any:
    """*value* as a schema, when it is nothing, a list or plain properties; else as it is.

    Raises:
        UnusableSchema: It is a list of something else.
    """
    if value is None:
        repairs["missing parameters"] += 1
        return {"type": "object"}
    if isinstance(value, list):
        repairs["parameter list"] += 1
        return _from_list(value, function_name, repairs)
    if isinstance(value, dict) and _is_bare(value):
        repairs["properties without a schema"] += 1
        return {"type": "object", "properties": value}
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


def _from_list(parameters: list[Any], function_name: str, repairs: Counter[str]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required = []
    for at, parameter in enumerate(parameters):
        name = parameter.get("name") if isinstance(parameter, dict) else None
        if not isinstance(name, str):
            raise UnusableSchema(f"are a list whose item {at} has no name")
        schema = {key: part for key, part in parameter.items() if key not in ("name", "desc")}
        if "desc" in parameter:
            schema.setdefault("description", parameter["desc"])
        flags = (flag(schema.pop("required", None)), flag(schema.pop("optional", None)))
        optional = flags[0] is False or flags[1] is True
        if optional and name == function_name and "description" not in schema:
            # Lists scraped from web pages often begin with the heading above them.
            repairs["heading among the parameters"] += 1
            continue
        properties[name] = schema
        if not optional:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required}


def _is_bare(value: dict[str, Any]) -> bool:
    """Whether *value* maps names to schemas, as in ``{"city": {"type": "str"}}``."""
    return bool(value) and all(
        isinstance(part, dict) and isinstance(part.get("type"), str) for part in value.values()
    )
