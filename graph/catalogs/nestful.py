"""NESTful specifications: ``query_parameters`` and ``output_parameters``, both declared."""

from __future__ import annotations

from typing import Any

from simkit.graph.catalogs.entry import Entry, Fault


def read(document: Any, position: str) -> list[Entry | Fault] | None:
    """The function of one specification; None for another format."""
    if not isinstance(document, dict) or "output_parameters" not in document:
        return None
    if "query_parameters" not in document:
        return None
    host = document.get("host")
    return [
        Entry(
            position=position,
            name=document.get("name"),
            description=document.get("description"),
            parameters=document["query_parameters"] or {"type": "object"},
            outputs={"type": "object", "properties": document["output_parameters"]},
            domain=host.partition(".")[0] if isinstance(host, str) else None,
            licence=document.get("license"),
        )
    ]
