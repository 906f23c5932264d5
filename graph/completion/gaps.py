"""What a catalog leaves out of a function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simkit.graph.parameters import name_words, said_by
from simkit.traces.functions import Function, Schema

_TYPED = frozenset(
    {"type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf", "properties", "items", "not"}
)
"""Keywords that tell something of a value's type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """What one function is missing; false when nothing is."""

    description: bool
    """Its description is a placeholder, or says no more than its name."""
    inputs: tuple[str, ...]
    """Arguments, at the top level, without a description or a type; in catalog order."""
    outputs: bool
    """There are none."""
    output_fields: tuple[str, ...]
    """Of the outputs that there are, likewise."""

    def __bool__(self) -> bool:
        return self.description or self.outputs or bool(self.inputs or self.output_fields)


def gaps_of(function: Function) -> Gaps:
    """What is missing in *function*."""
    outputs = function.outputs or {}
    return Gaps(
        description=_says_only_the_name(function),
        inputs=tuple(_incomplete(function.parameters)),
        outputs=not outputs.get("properties"),
        output_fields=tuple(_incomplete(outputs)),
    )


def lacks_description(schema: Any) -> bool:
    """Whether the schema of a field says nothing about it."""
    return not isinstance(schema, dict) or not said_by(schema.get("description"))


def lacks_type(schema: Any) -> bool:
    """Whether the schema of a field allows values of every type."""
    return not isinstance(schema, dict) or _TYPED.isdisjoint(schema)


def _says_only_the_name(function: Function) -> bool:
    said = name_words(said_by(function.description))
    # The reader of catalogs puts the words of the name in the place of no description.
    return said in ("", name_words(function.name), name_words(function.original_name))


def _incomplete(schema: Schema) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        if lacks_description(field) or lacks_type(field):
            yield name
