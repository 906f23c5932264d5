"""OpenAPI 3.0 and 3.1 documents, and Swagger 2.0: one function for each operation.

A document may also be a field of a row of a data set, as an object or as JSON in a string.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from simkit.graph.catalogs.entry import Entry, Fault
from simkit.graph.catalogs.openapi.operations import entries_of_paths

__all__ = ["read"]


def read(document: Any, position: str) -> Iterator[Entry | Fault] | None:
    """The operations of a document, or of a row that holds one; None for another format."""
    if not isinstance(document, dict):
        return None
    if _is_openapi(document):
        return entries_of_paths(document, position, licence=None)
    for value in document.values():
        found = _unpacked(value)
        if _is_openapi(found):
            return entries_of_paths(found, position, licence=document.get("license"))
    return None


def _is_openapi(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    version = str(value.get("openapi") or value.get("swagger"))  # YAML may read it as a number
    return version.startswith(("3", "2")) and any(key in value for key in ("paths", "webhooks"))


def _unpacked(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] != "{" or '"paths"' not in value:
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
