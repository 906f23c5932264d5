"""Functions inside a system prompt: JSON objects in running text, one after the other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from simkit.graph.catalogs.functions import looks_like_function
from simkit.graph.catalogs.python_literals import NotLiteral, literal

MAX_TEXT = 2_000_000
"""Characters of a prompt that are searched."""
MAX_BROKEN = 20
"""Values of one prompt that are not valid JSON; the search for more ends there."""

_TOOLS = re.compile(r"<tools>\s*([\[{].*?)\s*</tools>", re.DOTALL)
_BEGIN = re.compile(r"\[\s*\{\s*[\"']|\{\s*[\"']")
_NEXT_LINE = re.compile(r"\n(?=[\[{])")
_NAMES_A_FUNCTION = re.compile(r"[\[{\s]*[\"'](?:name|type)[\"']")
_DECODER = json.JSONDecoder()


def functions_in(text: str) -> Iterator[Any]:
    """Each function that a system prompt lists, in order; None for one that is broken.

    Where ``<tools>`` stand in it, only what is between them counts. Examples of calls and
    other JSON are passed over.
    """
    text = text[:MAX_TEXT]
    listed = [found[1] for found in _TOOLS.finditer(text)]
    for part in listed or [text]:
        for value in _values(part):
            for one in value if isinstance(value, list) else [value]:
                if one is None or looks_like_function(one):
                    yield one


def _values(text: str) -> Iterator[Any]:
    """The JSON values of a text; None for what begins like a function and is broken."""
    begin, broken = _BEGIN.search(text), 0
    while begin and broken < MAX_BROKEN:
        value, end = _value_at(text, begin.start())
        if value is not None:
            yield value
        elif _NAMES_A_FUNCTION.match(text, begin.start()):
            broken += 1
            yield None
        begin = _BEGIN.search(text, end)


def _value_at(text: str, start: int) -> tuple[Any, int]:
    """The value that begins at *start*, None when it is broken, and where to go on."""
    try:
        end = _DECODER.raw_decode(text, start)[1]
        return orjson.loads(text[start:end]), end  # the stricter of the two decides
    except (ValueError, RecursionError):
        following = _NEXT_LINE.search(text, start + 1)
        end = following.end() if following else len(text)
    try:
        return literal(text[start:end]), end
    except NotLiteral:
        return None, end
