"""Seal-Tools: ``api_name`` with ``parameters`` and ``responses``, both declared."""

from __future__ import annotations

from typing import Any

from simkit.graph.catalogs.entry import Entry, Fault


def read(document: Any, position: str) -> list[Entry | Fault] | None:
    """The function of one tool; None for another format."""
    if not isinstance(document, dict) or not {"api_name", "responses"} <= document.keys():
        return None
    parameters = {
        "type": "object",
        "properties": document.get("parameters"),
        "required": document.get("required"),
    }
    return [
        Entry(
            position=position,
            name=document["api_name"],
            description=document.get("api_description"),
            parameters=parameters,
            outputs={"type": "object", "properties": document["responses"]},
            domain=document.get("field"),
            licence=document.get("license"),
        )
    ]
