"""API-Bank: a table whose column ``api_info`` holds Python assignments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simkit.graph.catalogs.entry import Entry, Fault
from simkit.graph.catalogs.python_literals import NotLiteral, assignments
from simkit.graph.catalogs.type_words import split_outside

_CLASS = "类名"
_DOMAIN = "应用场景"


def read(document: Any, position: str) -> list[Entry | Fault] | None:
    """The function of one row; None for another format."""
    info = document.get("api_info") if isinstance(document, dict) else None
    if not isinstance(info, str):
        return None
    try:
        return [_entry(document, assignments(info), position)]
    except NotLiteral as error:
        return [_from_signature(document, position, f"has an api_info that is {error}")]


def _entry(
    row: dict[str, Any], said: dict[str, Any], position: str, repairs: tuple[str, ...] = ()
) -> Entry:
    return Entry(
        position=position,
        name=row.get(_CLASS) or _call(row)[0],
        description=said.get("description"),
        parameters=_parameters(said.get("input_parameters")),
        outputs=_outputs(said.get("output_parameters")),
        domain=row.get(_DOMAIN),
        licence=None,
        repairs=repairs,
    )


def _parameters(given: Any) -> Any:
    return {"type": "object"} if given in (None, {}, [], [None]) else given


def _outputs(fields: Any) -> Any:
    return {"type": "object", "properties": fields} if isinstance(fields, dict) else fields


def _from_signature(row: dict[str, Any], position: str, reason: str) -> Entry | Fault:
    """The function as far as its call tells: ``Name(city: str, days: int = 3)``."""
    name, arguments = _call(row)
    if not name or not arguments.endswith(")"):
        return Fault(position=position, reason=reason)
    said = {"input_parameters": list(_signature(arguments[:-1]))}
    return _entry(row, said, position, ("parameters from a signature",))


def _call(row: dict[str, Any]) -> tuple[str, str]:
    call = row.get("expressions")
    name, _, arguments = call.strip().partition("(") if isinstance(call, str) else ("", "", "")
    return name.strip(), arguments


def _signature(arguments: str) -> Iterator[dict[str, Any]]:
    for argument in split_outside(arguments, ","):
        declared, has_default, _ = argument.partition("=")
        name, _, kind = declared.partition(":")
        if name.strip():
            yield {
                "name": name.strip(),
                "type": kind.strip() or "any",
                "optional": bool(has_default),
            }
