"""Functions as simkit writes them down itself: in normal form, one a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from simkit.graph.catalogs.entry import Entry, Fault
from simkit.traces.functions import Function

_FORMAT = "simkit-function"
_VERSION = 1


def line_of(function: Function) -> bytes:
    """*function* as a line of JSON; `read` gives it back with all that is known of it."""
    value = {
        "format": _FORMAT,
        "version": _VERSION,
        "name": function.original_name or function.name,
        "description": function.description,
        "parameters": function.parameters,
        "outputs": function.outputs,
        "outputs_origin": function.outputs_origin,
        "domain": function.domain,
        "source": function.source,
        "licence": function.licence,
    }
    return orjson.dumps(value) + b"\n"


def read(value: Any, position: str) -> Iterator[Entry | Fault] | None:
    """The function in a line of `line_of`; None for anything else."""
    if not isinstance(value, dict) or value.get("format") != _FORMAT:
        return None
    return iter([_entry(value, position)])


def _entry(value: dict[str, Any], position: str) -> Entry | Fault:
    if value.get("version") != _VERSION:
        return Fault(
            position=position,
            reason=f"is of version {str(value.get('version'))[:20]}, not {_VERSION}",
        )
    return Entry(
        position=position,
        name=value.get("name"),
        description=value.get("description"),
        parameters=value.get("parameters"),
        outputs=value.get("outputs"),
        outputs_inferred=value.get("outputs_origin") == "inferred",
        domain=value.get("domain"),
        source=value.get("source"),
        licence=value.get("licence"),
    )
