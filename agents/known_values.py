"""Whether what a person would write can be read as the value of a parameter.

Generous: a person writes "1,250 euros" or "two nights", and the assistant makes a number of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simkit.traces.arguments import schema_problem
from simkit.traces.shallow_json import parse_json

_LETTERS = re.compile(r"[^\W_]+")
_NUMBER_WORD_TEXT = """
    a an half no none zero one two three four five six seven eight nine ten eleven twelve fifteen
    twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million once twice
"""
_YES_OR_NO_TEXT = """
    0 1 yes no true false on off y n not without with only both either please enabled disabled
"""
_NUMBER_WORDS = frozenset(_NUMBER_WORD_TEXT.split())
_YES_OR_NO = frozenset(_YES_OR_NO_TEXT.split())
_FORMATS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "date": (re.compile(r"\d"), "a date"),
    "date-time": (re.compile(r"\d"), "a date and time"),
    "time": (re.compile(r"\d|noon|midnight|o'clock", re.IGNORECASE), "a time"),
    "email": (re.compile(r"[^@\s]@[^@\s]"), "an e-mail address"),
    "uri": (re.compile(r"\w[.:/]\w|://"), "a web address"),
    "uuid": (re.compile(r"[0-9a-f]{8}", re.IGNORECASE), "a UUID"),
    "ipv4": (re.compile(r"\d+\.\d+"), "an IP address"),
}
_MOST_NAMED = 12


def value_problem(text: str, schema: Mapping[str, Any]) -> str | None:
    """Why *text* cannot stand for a value of *schema*, to follow it in a sentence; else None.

    Only a type, an ``enum`` and a ``format`` at the top of *schema* count, and all of it where
    *text* is JSON.
    """
    kinds = _kinds(schema)
    if kinds & {"array", "object"} and text.lstrip()[:1] in ("[", "{"):
        return _json_problem(text, schema)
    choices = schema.get("enum")
    if isinstance(choices, list) and choices and "array" not in kinds:
        spoken = [str(choice) for choice in choices if choice is not None]
        return _choice_problem(text, spoken)
    form = _FORMATS.get(str(schema.get("format")))
    if form is not None and kinds == {"string"}:
        pattern, wanted = form
        return None if pattern.search(text) else f"is not {wanted}"
    if kinds and kinds <= {"integer", "number"}:
        return None if _says_number(text) else "is no number"
    if kinds == {"boolean"}:
        return None if _says_yes_or_no(text) else "is neither yes nor no"
    return None


def _kinds(schema: Mapping[str, Any]) -> set[str]:
    kind = schema.get("type")
    kinds = [kind] if isinstance(kind, str) else kind if isinstance(kind, list) else []
    return {str(one) for one in kinds} - {"null"}


def _json_problem(text: str, schema: Mapping[str, Any]) -> str | None:
    try:
        value = parse_json(text)
    except ValueError:
        return "is not valid JSON, although it begins like it"
    problem = schema_problem(schema, value)
    return None if problem is None else f"breaks the schema: {problem.message[:200]}"


def _choice_problem(text: str, choices: list[str]) -> str | None:
    said = _words(text)
    if any(_words(choice) <= said or said <= _words(choice) for choice in choices):
        return None
    return f"is none of {', '.join(choices[:_MOST_NAMED])}"


def _says_number(text: str) -> bool:
    return any(character.isdigit() for character in text) or not _NUMBER_WORDS.isdisjoint(
        _words(text)
    )


def _says_yes_or_no(text: str) -> bool:
    words = _words(text)
    return len(words) > 2 or not _YES_OR_NO.isdisjoint(words)


def _words(text: str) -> frozenset[str]:
    return frozenset(_LETTERS.findall(text.casefold()))
