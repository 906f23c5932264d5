"""JSON from outside, refused where it is nested too deeply to be written again."""

from __future__ import annotations

from typing import Any

import orjson

MAX_LEVELS = 100
"""Values inside values. Models and tools need a handful; our own records add a few around."""

_WRITABLE_LEVELS = 254  # orjson reads 1024 levels, but writes no more than this


def parse_json(text: str | bytes) -> Any:
    """The value of *text*.

    Whatever this gives can be put into a prompt, a request or a record: those are JSON, too,
    and orjson reads values that it then cannot write.

    Raises:
        ValueError: It is not valid JSON, or is nested deeper than `MAX_LEVELS`.
    """
    value = orjson.loads(text)
    if _brackets(text) > MAX_LEVELS and _is_deep(value):
        raise ValueError(f"nested too deeply (more than {MAX_LEVELS} levels)")
    return value


def _brackets(text: str | bytes) -> int:
    """How deep *text* can be at the most; spares nearly all texts the closer look."""
    if isinstance(text, str):
        return text.count("{") + text.count("[")
    return text.count(b"{") + text.count(b"[")


def _is_deep(value: Any) -> bool:
    # The encoder counts levels many times faster than we could, so it is given the value
    # with as many around it as make the deepest one that we allow the deepest it writes.
    for _ in range(_WRITABLE_LEVELS - MAX_LEVELS):
        value = [value]
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return True
    return False
