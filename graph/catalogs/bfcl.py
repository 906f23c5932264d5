"""The Berkeley Function Calling Leaderboard and ACEBench: cases, and function documents."""

from __future__ import annotations

from collections import Counter
from typing import Any

from simkit.graph.catalogs.entry import Entry, Fault, inside
from simkit.graph.catalogs.functions import function_entry
from simkit.graph.catalogs.spellings import from_text

_DOCUMENT_KEYS = {"class", "name", "description", "parameters", "response"}


def read(document: Any, position: str) -> list[Entry | Fault] | None:
    """The functions of a case or of a function document; None for another format."""
    if not isinstance(document, dict):
        return None
    if "function" in document:
        return _functions_of_case(from_text(document["function"], Counter()), position)
    if _is_function_document(document):
        return [_entry(document, position)]
    return None


def _functions_of_case(functions: Any, position: str) -> list[Entry | Fault]:
    if not isinstance(functions, list):
        return [_entry(functions, inside(position, "function"))]
    return [
        _entry(function, inside(position, f"function[{at}]"))
        for at, function in enumerate(functions)
    ]


def _is_function_document(document: dict[str, Any]) -> bool:
    # A name and a description alone are not enough: many other JSON files have both.
    return (
        "parameters" in document
        or {"name", "description", "arguments"} <= document.keys()
        or ({"name", "description"} <= document.keys() <= _DOCUMENT_KEYS)
    )


def _entry(function: Any, position: str) -> Entry | Fault:
    domain = function.get("class") if isinstance(function, dict) else None
    return function_entry(function, position, domain=domain)
