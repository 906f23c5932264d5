"""Readers of function catalogs: one module for each format."""

from __future__ import annotations

from simkit.graph.catalogs import bfcl, mcp, openai_tools
from simkit.graph.catalogs.entry import Document, Entry, Fault

FORMATS = "OpenAI tools, BFCL cases or function documents, MCP tools"
"""What can be read, for messages to people."""

_READERS = (openai_tools.read, bfcl.read, mcp.read)


def entries_of(document: Document) -> list[Entry | Fault]:
    """The functions of *document*, in order; its content alone decides the format.

    Nothing is checked yet. A document of no known format gives one `Fault`.
    """
    for read in _READERS:
        entries = read(document.value, document.position)
        if entries is not None:
            return entries
    return [Fault(position=document.position, reason="is in no format that simkit reads")]
