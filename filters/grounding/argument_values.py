"""The single values in a call's arguments, and what their schemas say about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simkit.filters.grounding.normal_text import name_words


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentValue:
    """One text, number, truth value or null in the arguments of a call."""

    path: str
    """E.g. ``passengers[0].age``."""
    name: str
    """The last key on the way to it, e.g. ``age``."""
    value: Any
    schema: Mapping[str, Any]
    """Empty where the function's schema says nothing about it."""
    is_required: bool
    """Whether its object must have it, and so must all around."""

    @property
    def words(self) -> tuple[str, ...]:
        """The words of its name."""
        return name_words(self.name)


def values_in(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[ArgumentValue]:
    """Every single value of *arguments* in their order, objects and arrays walked through."""
    yield from _within(arguments, schema, path="", name="", is_required=True)


def _within(
    value: Any, schema: Any, *, path: str, name: str, is_required: bool
) -> Iterator[ArgumentValue]:
    schema = schema if isinstance(schema, Mapping) else {}
    if isinstance(value, Mapping):
        properties, required = schema.get("properties"), schema.get("required")
        for key, item in value.items():
            yield from _within(
                item,
                properties.get(key) if isinstance(properties, Mapping) else None,
                path=f"{path}.{key}" if path else str(key),
                name=str(key),
                is_required=is_required and isinstance(required, list) and key in required,
            )
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _within(
                item,
                schema.get("items"),
                path=f"{path}[{at}]",
                name=name,
                is_required=is_required,
            )
    else:
        yield ArgumentValue(
            path=path, name=name, value=value, schema=schema, is_required=is_required
        )
