"""TaskBench tool descriptions: ``nodes`` with parameters, or with types of resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simkit.graph.catalogs.entry import Entry, Fault, inside, kind


def read(document: Any, position: str) -> list[Entry | Fault] | None:
    """The functions of a graph of tools; None for another format."""
    nodes = document.get("nodes") if isinstance(document, dict) else None
    if not isinstance(nodes, list) or not any(map(_is_tool, nodes)):
        return None
    return [_entry(node, inside(position, f"nodes[{at}]")) for at, node in enumerate(nodes)]


def _is_tool(node: Any) -> bool:
    return (
        isinstance(node, dict)
        and "id" in node
        and not node.keys().isdisjoint(("parameters", "input-type"))
    )


def _entry(node: Any, position: str) -> Entry | Fault:
    if not isinstance(node, dict):
        return Fault(position=position, reason=f"is {kind(node)}, not a function")
    resources = "input-type" in node
    return Entry(
        position=position,
        name=node.get("id"),
        description=node.get("desc"),
        parameters=_resources(node["input-type"]) if resources else node.get("parameters"),
        outputs=_resources(node.get("output-type")) if resources else None,
        domain=node.get("domain"),
        licence=None,
    )


def _resources(types: Any) -> Any:
    """Kinds of resources, e.g. ``["text", "image"]``, as one string parameter each."""
    if not isinstance(types, list):
        return types
    properties = {name: {"type": "string", "description": said} for name, said in _named(types)}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _named(types: list[Any]) -> Iterator[tuple[str, str]]:
    for at, resource in enumerate(types):
        earlier = types[:at].count(resource)
        article = "An" if str(resource)[:1] in "aeiou" else "A"
        said = "A text" if resource == "text" else f"{article} {resource}, as a path or an address"
        yield f"{resource}_{earlier + 1}" if earlier else str(resource), f"{said}."
