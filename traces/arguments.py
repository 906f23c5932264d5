"""Whether the arguments of a call fit the function's schema, and if not, why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry

from simkit.traces.functions import Function, Schema
from simkit.traces.one_line import one_line
from simkit.traces.string_formats import FORMATS


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaProblem:
    """The first thing about a value that its schema does not allow."""

    path: str
    """Where, e.g. ``passengers[0].age``; empty for the value as a whole."""
    message: str
    """One line that names place, value and rule."""


def argument_problem(function: Function, arguments: Mapping[str, Any]) -> SchemaProblem | None:
    """What is wrong with *arguments* for *function*, or None.

    A parameter that the schema does not know is a problem even where the schema is
    silent about further ones: a model that invents parameters must not be taught to.
    It is allowed only where ``additionalProperties`` says so.
    """
    schema = function.parameters
    if not schema.keys() & {"additionalProperties", "unevaluatedProperties"}:
        schema = {**schema, "unevaluatedProperties": False}  # looks into allOf and $ref, too
    return schema_problem(schema, arguments)


def schema_problem(schema: Schema, value: object) -> SchemaProblem | None:
    """The most telling way in which *value* breaks *schema* (JSON Schema 2020-12), or None.

    Formats count as `FORMATS` knows them.
    """
    try:
        error = best_match(_validator(orjson.dumps(schema)).iter_errors(value))
    except RecursionError:
        return SchemaProblem(path="", message="the value is nested too deeply")
    if error is None:
        return None
    unknown = _unknown_key(error)
    path = _path(error, unknown)
    place = f"{path}: " if path else ""
    message = "there is no such parameter" if unknown is not None else error.message
    return SchemaProblem(path=path, message=one_line(f"{place}{message}"))


@lru_cache(maxsize=2048)
def _validator(schema: bytes) -> Draft202012Validator:
    # Keyed by content: the same function read twice, or loaded from a store, shares one.
    # An empty registry: a remote $ref is never fetched.
    return Draft202012Validator(orjson.loads(schema), registry=Registry(), format_checker=FORMATS)


def _unknown_key(error: ValidationError) -> str | None:
    """The first key that the schema does not allow, where that is what *error* is about."""
    if error.validator not in ("additionalProperties", "unevaluatedProperties"):
        return None
    known = error.schema.get("properties", {})
    return next((str(key) for key in error.instance if key not in known), None)


def _path(error: ValidationError, unknown: str | None) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path]
    name = unknown
    if error.validator == "required":
        name = next((n for n in error.validator_value if n not in error.instance), None)
    parts.append("" if name is None else f".{name}")
    return "".join(parts).lstrip(".")
