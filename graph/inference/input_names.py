"""How the inputs of a catalog spell the facts about each thing: ``order_id``, ``orderId``, ``id``.

An output that is spelled as other functions ask for it is an output that can be passed on.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from simkit.graph.inference.actions import Action, action_of
from simkit.graph.inference.word_forms import is_plural, singular
from simkit.graph.parameters import MAX_PER_FUNCTION, name_words
from simkit.traces.functions import Function

MAX_ATTRIBUTES = 3
"""Attributes of one thing that are worth naming."""

_IDENTIFIER_LIST = """
    code guid handle hash id isbn key number sku slug symbol uid username uuid
"""
_IDENTIFIERS = frozenset(_IDENTIFIER_LIST.split())
"""Last words of a name that tells which one."""
_BARE_LIST = "guid id key slug uid uuid"
_BARE = frozenset(_BARE_LIST.split())
"""Names that identify what the function itself is about."""
_NOT_FACTS_LIST = """
    by count criteria direction fields filter format ids index input keyword limit list max
    mode offset only options order page params pattern per prefix query range size sort
    sorting term token version
"""
_NOT_FACTS = frozenset(_NOT_FACTS_LIST.split())
_NOT_THINGS_LIST = """
    end from in max min new old other sort source start target to with
"""
_PLAIN = re.compile(r"[A-Za-z](?:[-_]?[A-Za-z0-9]){0,60}(?<!\d)")
"""Other spellings are marks of a file format or of a numbered pair: ``a__b``, ``file2``."""
_NOT_THINGS = frozenset(_NOT_THINGS_LIST.split())


@dataclass(frozen=True, slots=True)
class InputName:
    """One spelling of an input, and its type where the catalog says it."""

    name: str
    type: str


class InputNames:
    """The inputs of *functions* by the thing that they are a fact about, per source and domain."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._of: dict[tuple[str, str], dict[str, Counter[InputName]]] = {}
        for function in functions:
            place = self._of.setdefault(place_of(function), defaultdict(Counter))
            action = action_of(function)
            for name, schema in _inputs(function):
                for thing in _things(name, action):
                    place[thing][InputName(name, _type(schema))] += 1

    def identifiers(self, function: Function, thing: str) -> list[InputName]:
        """How inputs near *function* name one *thing*, the most frequent spelling first."""
        return [one for one in self._known(function, thing) if _is_identifier(one.name)]

    def attributes(self, function: Function, thing: str) -> list[InputName]:
        """Other facts about *thing* that inputs near *function* ask for, a few."""
        known = self._known(function, thing)
        return [one for one in known if not _is_identifier(one.name)][:MAX_ATTRIBUTES]

    def _known(self, function: Function, thing: str) -> list[InputName]:
        counted = self._of.get(place_of(function), {}).get(thing, Counter())
        ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0].name, item[0].type))
        by_words = {name_words(one.name): one for one, _ in reversed(ranked)}
        return [one for one, _ in ranked if by_words[name_words(one.name)] == one]


def place_of(function: Function) -> tuple[str, str]:
    """What has spellings in common: a source and a domain of it."""
    return function.source, function.domain


def _inputs(function: Function) -> Iterator[tuple[str, Any]]:
    properties = function.parameters.get("properties")
    if isinstance(properties, Mapping):
        yield from islice(properties.items(), MAX_PER_FUNCTION)


def _type(schema: Any) -> str:
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    return kind if isinstance(kind, str) else "string"


def _things(name: str, action: Action | None) -> Iterator[str]:
    """What an input is a fact about: ``order`` for ``order_id``, or what its function is about."""
    words = name_words(name).split() if _PLAIN.fullmatch(name) else []
    if not words or words[-1] in _NOT_FACTS:
        return
    if len(words) == 1:
        if words[0] in _BARE and action and action.thing:
            yield " ".join(action.thing)
    elif len(words) <= 4 and words[0] not in _NOT_THINGS and not is_plural(words[-1]):
        yield " ".join((*words[:-2], singular(words[-2])))


def _is_identifier(name: str) -> bool:
    return name_words(name).split()[-1] in _IDENTIFIERS
