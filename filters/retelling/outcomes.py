"""Whether an answer says success of failures, or items of nothing, and the reverse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from simkit.filters.failures import is_failure
from simkit.traces.records import Message
from simkit.traces.shallow_json import parse_json

_SUCCESS = re.compile(
    r"\bsuccessfully\b|\b(?:has|have) been \w+ed\b|\bhere (?:is|are) (?:the|your|some|\w+ed)\b"
    r"|\bi(?:['’]ve| have)? found\b",
    re.IGNORECASE,
)
_TROUBLE = re.compile(
    r"\b(?:cannot|error\w*|except|fail\w*|however|instead|invalid|issues?|missing|no|none|not|"
    r"nothing|problems?|sorry|trouble|try|unable|unavailable|unfortunately|unsuccessful\w*|"
    r"without|wrong)\b|n['’]t\b",
    re.IGNORECASE,
)
_ITEMS = re.compile(
    r"\b(?:i(?:['’]ve| have)? found|there are|here are) (?:\d{1,6}|two|three|four|five|several|"
    r"some|a few|the following|these|many)\b",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"\bno (?:results?|match(?:es)?|records?|entries|items)(?: (?:was|were))?(?: found)?\s*[.,!]"
    r"|(?:could not|couldn['’]t|did not|didn['’]t|unable to) find (?:anything|any (?:results?|"
    r"match(?:es)?|records?))\s*[.,!]|\bnothing (?:was |were )?found\s*[.,!]",
    re.IGNORECASE,
)
_READ = 4000
"""Characters of an answer that are read: what matters comes first."""


def wrong_outcome(answer: str, results: Sequence[Message]) -> str | None:
    """What *answer* says wrongly of the *results* since the user spoke; completes "message 3 ...".

    A failure told of in any way, if only by "however", is told; so is an empty list.
    """
    answer = answer[:_READ]
    if not results:
        return None
    if all(map(is_failure, results)):
        told = None if _TROUBLE.search(answer) else _SUCCESS.search(answer)
        return told and f"says {told[0]!r}, and every result before it is an error"
    if len(results) > 1:
        return None
    sizes = list(_sizes(_value(results[0])))
    if sizes == [0] and (told := _ITEMS.search(answer)) and not _TROUBLE.search(answer):
        return f"says {told[0]!r}, and the result before it is empty"
    if sizes and min(sizes) > 0 and _is_short(answer) and (told := _NOTHING.search(answer)):
        return f"says {told[0]!r}, and the result before it lists {sizes[0]}"
    return None


def _value(result: Message) -> Any:
    try:
        return parse_json(result.content)
    except ValueError:
        return None


def _sizes(value: Any) -> Iterator[int]:
    """Of a list, or of the lists directly in an object; there may be none."""
    if isinstance(value, list):
        yield len(value)
    elif isinstance(value, dict):
        yield from (len(item) for item in value.values() if isinstance(item, list))


def _is_short(answer: str) -> bool:
    """Whether there is no room for what else was found."""
    return len(answer) <= 300 and not any(mark in answer for mark in ("\n- ", "\n1.", "however"))
