"""What a model fills in to call an operation: its parameters and the body of its request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from simkit.graph.catalogs.openapi.references import References, Unresolved
from simkit.graph.catalogs.openapi.schemas import standing_alone

MAX_PARAMETERS = 200
"""More than the normal form takes are refused before their schemas are looked at."""

_PLACEHOLDER = re.compile(r"\{([^{}/]{1,200})\}")
_OF_THE_TRANSPORT = {"accept", "content-type", "authorization", "cookie", "user-agent"}
_CREDENTIAL = re.compile(
    r"(x-?)?(rapid)?api-?(key|host|token|secret)|access-?(key|token)|authorization"
    r"|(x-?)?([a-z0-9]+-)?auth(-?(key|token))?|(app|subscription|secret)-?key|client-?secret"
)
_ABOUT_A_PARAMETER = {"name", "in", "required", "schema", "content", "style", "explode"}


class NotCallable(ValueError):
    """No call can be made from what is declared; the message completes "GET /path ..."."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that an operation takes outside of its body."""

    name: str
    place: str
    """``"path"``, ``"query"``, ``"header"``, ``"cookie"`` or ``"formData"``."""
    schema: Any
    """As in the document; may refer to the rest of it."""
    is_required: bool


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request."""

    schema: Any
    is_required: bool


def parameters_schema(
    path: str,
    declared: Iterable[Any],
    body: Body | None,
    references: References,
    repairs: list[str],
) -> dict[str, Any]:
    """One object schema of everything that a model fills in, standing alone.

    Args:
        path: With its placeholders, e.g. ``"/users/{id}"``.
        declared: Parameter objects of the path and then of the operation, which may
            replace those of the path.
        body: Its properties stand beside the parameters where no name clashes and the
            body is nothing but properties; else it is one parameter, ``body``.
        references: Of the document.
        repairs: What had to be repaired is appended.

    Credentials and headers that an HTTP client sets are left out.

    Raises:
        NotCallable: There are over `MAX_PARAMETERS` parameters.
    """
    named = _named(_with_placeholders(path, _filled_in(declared, references, repairs), repairs))
    properties = {name: parameter.schema for name, parameter in named.items()}
    required = [name for name, parameter in named.items() if parameter.is_required]
    body_name = "body" if "body" not in named else "request_body"
    if body is not None:
        properties[body_name] = body.schema
        required += [body_name] if body.is_required else []
    whole = {"type": "object", "properties": properties, "required": required}
    made: dict[str, Any] = standing_alone(whole, references, repairs, left_out="readOnly")
    return _flattened(made, body_name) if body is not None else made


def body_of(operation: dict[str, Any], references: References, repairs: list[str]) -> Body | None:
    """The body that *operation* declares under ``requestBody``, or None.

    Raises:
        NotCallable: It is declared elsewhere, where nothing is.
    """
    if operation.get("requestBody") is None:
        return None
    try:
        declared = references.followed(operation["requestBody"])
    except Unresolved as error:
        raise NotCallable(f"needs a body that {error}") from error
    content = declared.get("content") if isinstance(declared, dict) else None
    if not isinstance(content, dict) or not content:
        repairs.append("body without content")
        return None
    media_type = best_media_type(content)
    chosen = content[media_type]
    schema = chosen.get("schema") if isinstance(chosen, dict) else None
    if schema is None or not _is_readable(media_type):
        schema = {"type": "string", "description": f"The body, as {media_type[:80]}."}
    return Body(schema, declared.get("required") is True)


def swagger_body(declared: Iterable[Any], references: References) -> Body | None:
    """The body that Swagger 2.0 declares as a parameter, or None."""
    for parameter in _objects(declared, references, []):
        if parameter.get("in") == "body":
            return Body(parameter.get("schema", {}), parameter.get("required") is True)
    return None


def best_media_type(content: dict[str, Any]) -> str:
    """The key of *content* to read: JSON before forms, forms before the rest."""
    return min(content, key=_rank)


def is_json(media_type: str) -> bool:
    """Whether values of *media_type* are JSON, or may be."""
    essence = media_type.partition(";")[0].strip().lower()
    return essence in ("application/json", "text/json", "*/*", "application/*") or (
        essence.endswith("+json")
    )


def _rank(media_type: str) -> int:
    essence = media_type.partition(";")[0].strip().lower()
    if essence == "application/json":
        return 0
    if is_json(essence):
        return 1
    return 2 if _is_form(essence) else 3


def _is_form(essence: str) -> bool:
    return essence in ("application/x-www-form-urlencoded", "multipart/form-data")


def _is_readable(media_type: str) -> bool:
    return _rank(media_type) < 3


def _objects(
    declared: Iterable[Any], references: References, repairs: list[str]
) -> Iterator[dict[str, Any]]:
    for item in declared:
        try:
            parameter = references.followed(item)
        except Unresolved:
            repairs.append("reference to nothing")
            continue
        if isinstance(parameter, dict) and isinstance(parameter.get("name"), str):
            yield parameter
        else:
            repairs.append("unreadable parameter")


def _filled_in(
    declared: Iterable[Any], references: References, repairs: list[str]
) -> Iterator[Parameter]:
    for parameter in _objects(declared, references, repairs):
        place = str(parameter.get("in", "query"))
        name = parameter["name"]
        if place == "body" or (place == "header" and name.lower() in _OF_THE_TRANSPORT):
            continue
        if place != "path" and is_credential(name):
            repairs.append("credential left out")
            continue
        is_required = place == "path" or parameter.get("required") is True
        yield Parameter(name, place, _schema_of(parameter), is_required)


def is_credential(name: str) -> bool:
    """Whether a parameter so named holds a key or a token rather than something to ask for."""
    return _CREDENTIAL.fullmatch(name.lower().replace("_", "-")) is not None


def _schema_of(parameter: dict[str, Any]) -> Any:
    schema = parameter.get("schema")
    content = parameter.get("content")
    if schema is None and isinstance(content, dict) and content:
        chosen = content[best_media_type(content)]
        schema = chosen.get("schema") if isinstance(chosen, dict) else None
    beside = {key: part for key, part in parameter.items() if key not in _ABOUT_A_PARAMETER}
    if schema is None:  # Swagger 2.0 has type and the like beside the name
        return beside
    notes = {key: beside[key] for key in ("description", "example", "examples") if key in beside}
    return schema | notes if isinstance(schema, dict) else schema


def _with_placeholders(
    path: str, parameters: Iterable[Parameter], repairs: list[str]
) -> list[Parameter]:
    """The last declaration of each, and one for every placeholder that has none."""
    last = {(parameter.name, parameter.place): parameter for parameter in parameters}
    for name in _PLACEHOLDER.findall(path):
        if (name, "path") not in last:
            repairs.append("undeclared path parameter")
            last[name, "path"] = Parameter(name, "path", {"type": "string"}, is_required=True)
    if len(last) > MAX_PARAMETERS:
        raise NotCallable(f"declares {len(last):,} parameters, over the limit of {MAX_PARAMETERS}")
    return list(last.values())


def _named(parameters: list[Parameter]) -> dict[str, Parameter]:
    """Each by a name of its own: a header ``id`` beside a path's ``id`` is ``id_header``."""
    named: dict[str, Parameter] = {}
    for parameter in parameters:
        is_taken = parameter.name in named
        named[f"{parameter.name}_{parameter.place}" if is_taken else parameter.name] = parameter
    return named


def _flattened(schema: dict[str, Any], body_name: str) -> dict[str, Any]:
    properties = dict(schema["properties"])
    body = properties.pop(body_name, None)
    if not _is_only_properties(body) or not properties.keys().isdisjoint(body["properties"]):
        return schema
    required = [name for name in schema["required"] if name != body_name]
    if body_name in schema["required"]:
        required += body.get("required", [])
    return schema | {"properties": properties | body["properties"], "required": required}


def _is_only_properties(body: Any) -> bool:
    if not isinstance(body, dict) or not body.get("properties"):
        return False
    is_open = isinstance(body.get("additionalProperties"), dict)
    is_composed = any(key in body for key in ("anyOf", "oneOf", "allOf", "not", "if"))
    return not (is_open or is_composed or "patternProperties" in body)
