"""What a catalog reader finds in a file, before anything in it is checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class CatalogError(Exception):
    """A catalog cannot be used; one line says what is wrong, in which file, and the mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One JSON value of a file: a line, an item of the outermost list, or the whole."""

    position: str
    """E.g. ``"line 12"`` or ``"[3]"``; empty when it is the whole file."""
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A place in a file that holds no function."""

    position: str
    reason: str
    """Says what the place is or does, e.g. ``"is not valid JSON"``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One function as its catalog spells it: any field may hold any JSON value."""

    position: str
    name: Any
    description: Any
    parameters: Any
    outputs: Any
    domain: Any
    licence: Any
    source: Any = None
    """The catalog that it came from, where the file tells; else it is named after the file."""
    outputs_inferred: bool = False
    """Whether a model or a rule wrote the outputs, and no catalog."""
    repairs: tuple[str, ...] = ()
    """What the reader repaired, one short name for each time."""


_PARAMETERS = ("inputSchema", "input_schema", "parameters", "arguments")
_OUTPUTS = ("outputSchema", "output_schema", "response", "results")


def entry_of(
    function: Any, position: str, *, domain: Any = None, licence: Any = None
) -> Entry | Fault:
    """The entry of one function; catalogs differ in what they call its schemas."""
    if not isinstance(function, dict):
        return Fault(position=position, reason=f"is {kind(function)}, not a function")
    return Entry(
        position=position,
        name=function.get("name"),
        description=function.get("description"),
        parameters=_first(function, _PARAMETERS),
        outputs=_first(function, _OUTPUTS),
        domain=domain,
        licence=function.get("license") or licence,
    )


def _first(function: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((function[key] for key in keys if function.get(key) is not None), None)


def inside(position: str, part: str) -> str:
    """The position of *part* in what stands at *position*, e.g. ``"line 12, tools[3]"``."""
    return f"{position}, {part}" if position else part


def kind(value: Any) -> str:
    """What JSON calls the type of *value*, with its article, e.g. ``"a list"``."""
    if value is None:
        return "null"
    names = {bool: "a boolean", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")
