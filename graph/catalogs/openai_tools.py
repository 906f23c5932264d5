"""Tools as hosted chat APIs take them: nested (chat completions) or flat (responses)."""

from __future__ import annotations

from typing import Any

from simkit.graph.catalogs.entry import Entry, Fault, inside
from simkit.graph.catalogs.functions import function_entry


def read(document: Any, position: str) -> list[Entry | Fault] | None:
    """The functions of a tool, or of an object with ``tools``; None for another format."""
    if _is_function(document):
        return [_entry(document, position)]
    tools = document.get("tools") if isinstance(document, dict) else None
    if not isinstance(tools, list) or not any(_is_function(tool) for tool in tools):
        return None
    return [_entry(tool, inside(position, f"tools[{at}]")) for at, tool in enumerate(tools)]


def _is_function(tool: Any) -> bool:
    return isinstance(tool, dict) and tool.get("type") == "function"


def _entry(tool: Any, position: str) -> Entry | Fault:
    if isinstance(tool, dict) and not _is_function(tool):  # providers list tools of their own
        return Fault(position=position, reason='is not of type "function"')
    return function_entry(tool, position)
