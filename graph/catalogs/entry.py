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
    outputs: Any = None
    domain: Any = None
    licence: Any = None


def inside(position: str, part: str) -> str:
    """The position of *part* in what stands at *position*, e.g. ``"line 12, tools[3]"``."""
    return f"{position}, {part}" if position else part


def kind(value: Any) -> str:
    """What JSON calls the type of *value*, with its article, e.g. ``"a list"``."""
    if value is None:
        return "null"
    names = {bool: "a boolean", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")
