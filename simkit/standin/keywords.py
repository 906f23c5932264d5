"""Keywords of a schema, read with care: what has the wrong type counts as absent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from simkit.traces.functions import Schema

LARGEST_COUNT = 10_000
"""Larger sizes are read as this one: a schema must not decide how much memory we use."""


def list_at(schema: Schema, keyword: str) -> list[Any]:
    """The list at *keyword*; empty when there is none."""
    found = schema.get(keyword)
    return found if isinstance(found, list) else []


def mapping_at(schema: Schema, keyword: str) -> Mapping[str, Any]:
    """The mapping at *keyword*; empty when there is none."""
    found = schema.get(keyword)
    return found if isinstance(found, Mapping) else {}


def number_at(schema: Schema, keyword: str) -> float | None:
    """The number at *keyword*, if there is one."""
    found = schema.get(keyword)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return found


def count_at(schema: Schema, keyword: str, otherwise: int) -> int:
    """The size at *keyword*, from 0 to `LARGEST_COUNT`; *otherwise* when there is none."""
    found = number_at(schema, keyword)
    return otherwise if found is None else min(max(0, int(found)), LARGEST_COUNT)


def text_at(schema: Schema, keyword: str) -> str:
    """The text at *keyword*; empty when there is none."""
    found = schema.get(keyword)
    return found if isinstance(found, str) else ""


def types_of(schema: Schema) -> list[str]:
    """The types that *schema* names; empty when it names none."""
    found = schema.get("type")
    return [found] if isinstance(found, str) else list_at(schema, "type")


def referred(reference: str, root: Schema) -> Any:
    """The schema that a local *reference* such as ``#/$defs/city`` leads to; None if none."""
    if not reference.startswith("#"):
        return None
    place: Any = root
    for key in reference[1:].split("/")[1:]:
        name = key.replace("~1", "/").replace("~0", "~")
        if isinstance(place, list) and name.isdecimal() and int(name) < len(place):
            place = place[int(name)]
        else:
            place = place.get(name) if isinstance(place, Mapping) else None
    return place
