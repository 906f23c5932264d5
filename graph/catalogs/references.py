"""Local references of a schema: that they lead somewhere, and that following them ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any
from urllib.parse import unquote

MAX_DEPTH = 20
"""Schemas on the way from one to the last that it leads to, all about the same value."""
MAX_EXPANSION = 10_000
"""Schemas to check for one value: a few references to references multiply quickly."""

_SINGLE = ("not", "if", "then", "else")
_LISTS = ("allOf", "anyOf", "oneOf")


def complaint(nodes: Mapping[str, Any]) -> str | None:
    """What is wrong with the references in a schema, or None.

    Args:
        nodes: Every schema in it by its JSON pointer, the root at ``""``.

    References to anything but a schema of *nodes* are refused (nothing is ever fetched),
    and so are those that would make a validator go round in circles or for hours.
    """
    references = [node["$ref"] for node in nodes.values() if _refers(node)]
    for reference in references:
        if not reference.startswith("#"):
            return (
                f"refer to {reference[:80]!r}, outside of the schema; remote references are never "
                "fetched"
            )
        if _target(reference) not in nodes:
            return f"refer to {reference[:80]!r}, which is not in the schema"
    if not references:
        return None
    return _endless({at: list(_steps(node, at)) for at, node in nodes.items()})


def _endless(steps: Mapping[str, list[str]]) -> str | None:
    depth: dict[str, int] = {}
    size: dict[str, int] = {}
    try:
        for at in TopologicalSorter(steps).static_order():
            depth[at] = 1 + max((depth[step] for step in steps[at]), default=0)
            size[at] = 1 + sum(size[step] for step in steps[at])
    except CycleError:
        return "refer to themselves without end"
    if max(depth.values()) > MAX_DEPTH:
        return f"follow over {MAX_DEPTH} references in a row"
    if max(size.values()) > MAX_EXPANSION:
        return f"expand to over {MAX_EXPANSION:,} schemas for one value"
    return None


def _steps(node: Any, at: str) -> Iterator[str]:
    """Where a validator goes from *node* with the same value."""
    if not isinstance(node, dict):
        return
    if _refers(node):
        yield _target(node["$ref"])
    for key in _SINGLE:
        if key in node:
            yield f"{at}/{key}"
    for key in _LISTS:
        yield from (f"{at}/{key}/{index}" for index in range(len(node.get(key, ()))))
    for name in node.get("dependentSchemas", ()):
        yield f"{at}/dependentSchemas/{pointer_part(name)}"


def _refers(node: Any) -> bool:
    return isinstance(node, dict) and "$ref" in node


def _target(reference: str) -> str:
    return unquote(reference.removeprefix("#"))


def pointer_part(name: str) -> str:
    """*name* as one step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
