"""Readers of function catalogs: one module for each format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from simkit.graph.catalogs import (
    api_bank,
    bfcl,
    completed,
    conversations,
    mcp,
    nestful,
    openai_tools,
    openapi,
    seal_tools,
    taskbench,
    toolbench,
)
from simkit.graph.catalogs.entry import Document, Entry, Fault

FORMATS = (
    "OpenAI tools, BFCL cases or function documents, MCP tools, OpenAPI, rows of tool-use "
    "data sets (xlam, glaive, ToolACE, Hermes, ToolMind), ToolBench, Seal-Tools, API-Bank, "
    "NESTful, TaskBench"
)
"""What can be read, for messages to people."""

_Read = Callable[[Any, str], Iterable[Entry | Fault] | None]

# What has a mark of its own comes first.
# Then OpenAPI: a Swagger 2.0 document may have "parameters", as a BFCL function has.
# The plainest formats last: theirs are keys that other formats have as well.
_READERS: Mapping[str, _Read] = {
    "completed functions": completed.read,
    "OpenAPI": openapi.read,
    "data set rows": conversations.read,
    "Seal-Tools": seal_tools.read,
    "ToolBench": toolbench.read,
    "API-Bank": api_bank.read,
    "NESTful": nestful.read,
    "TaskBench": taskbench.read,
    "OpenAI tools": openai_tools.read,
    "BFCL": bfcl.read,
    "MCP tools": mcp.read,
}


def recognise(document: Document) -> tuple[str | None, Iterable[Entry | Fault]]:
    """The format of *document* and its functions, in order; its content alone decides.

    Nothing is checked yet. A document of no known format gives None and one `Fault`.
    """
    for form, read in _READERS.items():
        entries = read(document.value, document.position)
        if entries is not None:
            return form, entries
    fault = Fault(position=document.position, reason="is in no format that simkit reads")
    return None, [fault]
