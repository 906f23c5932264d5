"""Schemas from the shape of an example: ``{"items": [{"id": "int"}]}``."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Any

import orjson

from simkit.graph.catalogs.type_words import type_word

MAX_DEPTH = 8
"""Levels of the example that count; what lies deeper may be anything."""
MAX_FIELDS = 100
"""Fields of one object that count."""
MAX_TEXT = 100_000
"""Characters of an example that is cut off."""
MAX_OPEN = 100
"""Brackets open at once in an example that is cut off."""

_TOKEN = re.compile(r'[{}\[\],]|"(?:[^"\\]|\\.)*"?', re.DOTALL)
_LENGTH_MARK = "_list_length"
"""Stands among the fields of an item and says how many items there were."""


def schema_of_shape(value: Any, depth: int = 0) -> dict[str, Any]:
    """The schema of everything shaped like *value*, whose leaves are names of types."""
    if depth > MAX_DEPTH:
        return {}
    if isinstance(value, dict):
        fields = [item for item in value.items() if item[0] != _LENGTH_MARK][:MAX_FIELDS]
        inner = {name: schema_of_shape(part, depth + 1) for name, part in fields}
        return {"type": "object", "properties": inner}
    if isinstance(value, list):
        return _schema_of_list(value, depth)
    return _schema_of_leaf(value)


def whole_shape(text: str) -> Any:
    """The example in a JSON text that may be cut off; what was read up to the cut.

    Returns None when the text holds no object and no list.
    """
    value = _loaded(text)
    if value is None and len(text) <= MAX_TEXT:
        value = _up_to_the_cut(text)
    return value if isinstance(value, dict | list) else None


def _schema_of_list(items: list[Any], depth: int) -> dict[str, Any]:
    match items:
        case [str() as said] if " with length " in said:  # says of itself what it is a list of
            return _schema_of_leaf(said)
        case [first, *_]:
            return {"type": "array", "items": schema_of_shape(first, depth + 1)}
        case _:
            return {"type": "array", "items": {}}


def _schema_of_leaf(name: Any) -> dict[str, Any]:
    if name == "empty list":
        return {"type": "array", "items": {}}
    word = type_word(name) if isinstance(name, str) else None
    if word is None or word.schema == {"type": "null"}:  # nothing was there: it says nothing
        return {}
    return dict(word.schema)


def _up_to_the_cut(text: str) -> Any:
    """The longest beginning that closing the open brackets makes valid."""
    ends = deque(_value_ends(text), maxlen=3)  # the last may stand in a field without a value
    whole = (_loaded(text[:end] + closing) for end, closing in reversed(ends))
    return next((value for value in whole if value is not None), None)


def _value_ends(text: str) -> Iterator[tuple[int, str]]:
    """Where a value may end, and the brackets that close everything open there."""
    still_open: list[str] = []
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "{" | "[" as bracket:
                still_open.append("}" if bracket == "{" else "]")
            case "}" | "]":
                still_open = still_open[:-1]
                yield token.end(), "".join(reversed(still_open))
            case ",":
                yield token.start(), "".join(reversed(still_open))
        if len(still_open) > MAX_OPEN:
            return


def _loaded(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
