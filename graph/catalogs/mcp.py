"""Tools of Model Context Protocol servers: ``tools/list`` results and lists of servers.

Registries of servers spell things their own way; read are camel-case and snake-case keys
and parameters as a plain list (``parameters`` or ``arguments``).
"""

from __future__ import annotations

from typing import Any

from simkit.graph.catalogs.entry import Entry, Fault, inside
from simkit.graph.catalogs.functions import function_entry


def read(document: Any, position: str) -> list[Entry | Fault] | None:
    """The functions of a server, a JSON-RPC response or a tool; None for another format."""
    if not isinstance(document, dict):
        return None
    tools = document.get("tools")
    if isinstance(tools, list):
        domain = document.get("server") or document.get("label")
        licence = document.get("license")
        return [
            function_entry(tool, inside(position, f"tools[{at}]"), domain=domain, licence=licence)
            for at, tool in enumerate(tools)
        ]
    result = document.get("result")
    if isinstance(result, dict) and isinstance(result.get("tools"), list):
        return read(result, inside(position, "result"))
    if "inputSchema" in document or "input_schema" in document:
        return [function_entry(document, position)]
    return None
