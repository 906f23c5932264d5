"""The tools of conversations made elsewhere, read as functions."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

import orjson

from simkit.graph.catalogs.entry import Fault
from simkit.graph.catalogs.functions import function_entry
from simkit.graph.normal_form import UnusableSchema, normal_parameters
from simkit.traces.exact_json import exact_json
from simkit.traces.formats.foreign_row import UnreadableRow
from simkit.traces.functions import Function
from simkit.traces.one_line import one_line


def read_tools(value: Any) -> tuple[Function, ...]:
    """The functions in a list of tools, which may be JSON text, as ShareGPT has it.

    Tools are in the form of chat completions or plain functions. Parameters are brought into
    the normal form that catalogs are read in. Names stay as they are, legal for hosted APIs
    or not: the calls use them. Of equal tools the first is kept.

    Raises:
        UnreadableRow: It is no such list, a tool has no name or parameters that cannot be
            used, or two different tools have the same name.
    """
    tools = _parsed(value) if isinstance(value, str) else value
    if not isinstance(tools, list):
        raise UnreadableRow('has "tools" that are no list')
    functions: dict[str, Function] = {}
    for at, tool in enumerate(tools):
        function = _function(orjson.dumps(tool), at)
        if functions.setdefault(function.name, function) != function:
            shown = one_line(function.name, limit=80)
            raise UnreadableRow(f"has two different tools of the name {shown!r}")
    return tuple(functions.values())


def _parsed(text: str) -> Any:
    try:
        return exact_json(text.encode()) if text.strip() else []
    except ValueError as error:
        raise UnreadableRow(f'has "tools" whose text {error}') from None


def _function(tool: bytes, at: int) -> Function:
    try:
        return _read(tool)
    except _UnusableTool as unusable:
        raise UnreadableRow(f"has a tool, tools[{at}], that {unusable}") from None


class _UnusableTool(Exception):
    """A tool gives no function; the message completes a sentence about it."""


@lru_cache(maxsize=4096)  # the rows of a file mostly offer the same tools
def _read(tool: bytes) -> Function:
    value = orjson.loads(tool)
    entry = function_entry(value, "")
    if isinstance(entry, Fault):
        raise _UnusableTool(entry.reason)
    if not isinstance(entry.name, str) or not entry.name.strip():
        raise _UnusableTool("has no name")
    try:
        parameters = normal_parameters(entry.parameters, Counter(), function_name=entry.name)
    except UnusableSchema as error:
        raise _UnusableTool(f"declares parameters that {error}") from None
    description = entry.description if isinstance(entry.description, str) else ""
    return Function(name=entry.name, description=description, parameters=parameters)
