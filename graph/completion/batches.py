"""Functions that a model is asked about together."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from simkit.graph.completion.gaps import Gaps, gaps_of
from simkit.graph.parameters import said_by
from simkit.traces.functions import Function, Schema

MOST_FUNCTIONS = 8
MOST_CHARACTERS = 16_000
"""Of the definitions in one request, as JSON; a function that takes more is not asked about."""
_MEAN_FUNCTIONS = 8
_SAID_OF_FUNCTION = 1_500
_SAID_OF_FIELD = 300
_CHOICES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Incomplete:
    """A function, what is missing in it, and how it is shown to the model."""

    function: Function
    gaps: Gaps
    shown: dict[str, Any]
    size: int
    """Characters of `shown` as JSON."""


Batch = tuple[Incomplete, ...]


def incomplete(functions: Iterable[Function]) -> Iterator[Incomplete]:
    """Those of *functions* in which something is missing, in order, however large."""
    for function in functions:
        if gaps := gaps_of(function):
            shown = _shown(function, gaps)
            yield Incomplete(
                function=function, gaps=gaps, shown=shown, size=len(orjson.dumps(shown))
            )


def batches(functions: Iterable[Incomplete]) -> Iterator[Batch]:
    """*functions* in order, a few at a time; those over `MOST_CHARACTERS` are left out.

    Where a batch ends depends on the names in it, not on how many came before: a function that
    is added or mended changes the requests around it only, and the others are not paid again.
    """
    batch: list[Incomplete] = []
    size = 0
    for one in functions:
        if one.size > MOST_CHARACTERS:
            continue
        if batch and (size + one.size > MOST_CHARACTERS or len(batch) == MOST_FUNCTIONS):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(one)
        size += one.size
        if zlib.crc32(one.function.name.encode()) % _MEAN_FUNCTIONS == 0:
            yield tuple(batch)
            batch, size = [], 0
    if batch:
        yield tuple(batch)


def _shown(function: Function, gaps: Gaps) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": function.name,
        "description": said_by(function.description)[:_SAID_OF_FUNCTION],
        "inputs": _fields(function.parameters),
    }
    if not gaps.outputs:
        shown["outputs"] = _fields(function.outputs or {})
    shown["missing"] = {
        "description": gaps.description,
        "inputs": gaps.inputs,
        "outputs": "all" if gaps.outputs else gaps.output_fields,
    }
    return shown


def _fields(schema: Schema) -> dict[str, Any]:
    required = schema.get("required", ())
    return {
        name: _field(field, name in required)
        for name, field in schema.get("properties", {}).items()
    }


def _field(schema: Any, required: bool) -> dict[str, Any]:
    """The part of a schema that tells what the field is for."""
    field: dict[str, Any] = {"required": required}
    if not isinstance(schema, dict):
        return field
    field |= {key: schema[key] for key in ("type", "format") if key in schema}
    if said := said_by(schema.get("description")):
        field["description"] = said[:_SAID_OF_FIELD]
    if isinstance(choices := schema.get("enum"), list):
        field["enum"] = choices[:_CHOICES]
    return field
