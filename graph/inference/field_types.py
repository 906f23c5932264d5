"""The JSON type that a field most likely has, by the words of its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simkit.graph.inference.word_forms import is_plural

_INTEGER_WORDS = """
    age attempts calories capacity clicks count day days downloads followers followings height
    hour hours impressions likes minutes month number offset page pages population port
    position quantity rank seconds stars total views visitors votes width year years
"""
_NUMBER_WORDS = """
    acceleration accuracy altitude amount angle area average balance budget celsius change
    circumference coefficient concentration confidence cost density depth derivative deviation
    diameter difference discount distance duration elevation emissions energy error expense
    fahrenheit fare fee force frequency gain gcd growth humidity income index integral
    intensity interest latitude length longitude loss magnitude margin mass mean median
    momentum payment percent percentage perimeter power precipitation premium pressure price
    probability product profit radius rainfall rate rating ratio resistance revenue risk roi
    salary savings score slope speed stdev sum tax temperature tip torque variance velocity
    visibility voltage volume wavelength weight yield
"""
_BOOLEAN_WORDS = """
    active available completed deleted eligible enabled exists found open success successful
    valid verified
"""
_BOOLEAN_OPENERS = frozenset({"are", "can", "did", "does", "has", "is", "should", "was"})
_TEXT_WORDS = """
    address analysis basis bus class data description details diagnosis gps headers hours
    https info instructions lyrics message metadata name news notes progress result series
    statistics stats status summary synopsis synthesis terms text thesis url
"""
_INTEGERS = frozenset(_INTEGER_WORDS.split())
_NUMBERS = frozenset(_NUMBER_WORDS.split())
_BOOLEANS = frozenset(_BOOLEAN_WORDS.split())
_TEXTS = frozenset(_TEXT_WORDS.split())


def type_of_field(words: Sequence[str]) -> dict[str, Any]:
    """A JSON Schema with no more than the type of a field named by *words* (lower case)."""
    last = words[-1] if words else ""
    if words[:1] and words[0] in _BOOLEAN_OPENERS and len(words) > 1:
        return {"type": "boolean"}
    if words[:2] == ["number", "of"]:
        return {"type": "integer"}
    for names, kind in ((_INTEGERS, "integer"), (_NUMBERS, "number"), (_BOOLEANS, "boolean")):
        if last in names and "of" not in words:
            return {"type": kind}
    if last not in _TEXTS and is_plural(last):
        return {"type": "array", "items": {"type": "string"}}
    return {"type": "string"}
