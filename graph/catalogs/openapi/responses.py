"""What an operation gives when it succeeds: the schema of its first 2xx JSON response."""

from __future__ import annotations

from typing import Any

from simkit.graph.catalogs.openapi.references import References, Unresolved
from simkit.graph.catalogs.openapi.requests import best_media_type, is_json
from simkit.graph.catalogs.openapi.schemas import standing_alone

_NOTES = {"title", "description", "examples", "default", "$comment"}


def outputs_schema(
    operation: dict[str, Any], references: References, repairs: list[str]
) -> dict[str, Any] | None:
    """The schema of what comes back, standing alone; None when nothing is said about it."""
    declared = _declared(operation, references, repairs)
    if declared is None:
        return None
    schema = standing_alone(declared, references, repairs, left_out="writeOnly")
    if not isinstance(schema, dict) or schema.keys() <= _NOTES:
        return None
    return _as_object(schema, repairs)


def _declared(operation: dict[str, Any], references: References, repairs: list[str]) -> Any:
    responses = operation.get("responses")
    if not isinstance(responses, dict):
        return None
    for code in sorted(str(code) for code in responses if str(code).startswith("2")):
        try:
            response = references.followed(responses[code])
        except Unresolved:
            repairs.append("reference to nothing")
            continue
        schema = _schema_of(response)
        if schema is not None:
            return schema
    return None


def _schema_of(response: Any) -> Any:
    if not isinstance(response, dict):
        return None
    content = response.get("content")
    if isinstance(content, dict) and content:
        media_type = best_media_type(content)
        chosen = content[media_type]
        return chosen.get("schema") if is_json(media_type) and isinstance(chosen, dict) else None
    return response.get("schema")  # Swagger 2.0, and 3.0 by mistake


def _as_object(schema: dict[str, Any], repairs: list[str]) -> dict[str, Any]:
    """*schema*, or an object with it as ``result`` where a later wrapping would break it.

    Definitions stay at the root, where references look for them, and choices that are
    no objects may not get the type of one.
    """
    if _is_object(schema) or ("$defs" not in schema and "type" in schema):
        return schema
    repairs.append("result wrapped in an object")
    result = {key: part for key, part in schema.items() if key != "$defs"}
    whole = {"type": "object", "properties": {"result": result}, "required": ["result"]}
    return whole | {"$defs": schema["$defs"]} if "$defs" in schema else whole


def _is_object(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return False
    kind = schema.get("type")
    if kind is not None:
        return kind == "object" or (isinstance(kind, list) and "object" in kind)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(choices, list):
        return all(_is_object(choice) for choice in choices)
    return "properties" in schema or "additionalProperties" in schema or "allOf" in schema
