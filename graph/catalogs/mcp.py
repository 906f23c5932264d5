"""Tools of Model Context Protocol servers: ``tools/list`` results and lists of servers.

Registries of servers spell things their own way; read are camel-case and snake-case keys
and parameters as a plain list (``parameters`` or ``arguments``).
"""

from __future__ import annotations

from typing import Any

from simkit.graph.catalogs.entry import Entry, Fault, inside, kind

_PARAMETERS = ("inputSchema", "input_schema", "parameters", "arguments")
_OUTPUTS = ("outputSchema", "output_schema")


def read(document: Any, position: str) -> list[Entry | Fault] | None:
    """The functions of a server, a JSON-RPC response or a tool; None for another format."""
    if not isinstance(document, dict):
        return None
    tools = document.get("tools")
    if isinstance(tools, list):
        return [
            _entry(tool, document, inside(position, f"tools[{at}]"))
            for at, tool in enumerate(tools)
        ]
    result = document.get("result")
    if isinstance(result, dict) and isinstance(result.get("tools"), list):
        return read(result, inside(position, "result"))
    if "inputSchema" in document or "input_schema" in document:
        return [_entry(document, {}, position)]
    return None


def _entry(tool: Any, server: dict[str, Any], position: str) -> Entry | Fault:
    if not isinstance(tool, dict):
        return Fault(position=position, reason=f"is {kind(tool)}, not a tool")
    return Entry(
        position=position,
        name=tool.get("name"),
        description=tool.get("description"),
        parameters=_first(tool, _PARAMETERS),
        outputs=_first(tool, _OUTPUTS),
        domain=server.get("label") or server.get("server"),
        licence=tool.get("license") or server.get("license"),
    )


def _first(tool: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((tool[key] for key in keys if tool.get(key) is not None), None)
