"""What names are about: the words of a parameter, and the thing it belongs to.

``id`` says little; that it is the id *of a playlist* is said by what holds it, by its
description or by its function. Read from all three, ``create_playlist`` giving ``id`` and
``get_playlist`` taking ``playlist_id`` speak of the same thing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from simkit.graph.parameters import Parameter, is_action, name_words, returned_thing
from simkit.traces.functions import Function

Words = tuple[str, ...]

_STOP_WORDS = """
    a all an and any are as be can do does each get given has have if into is it its list new of or
    our set so some that the their them then this those to true use used using was we were what when
    where which who will would you your
"""
_GENERIC_WORDS = """
    code content data date guid id index key message name number result slug status text time title
    token type uri url uuid value
"""
_BOX_WORDS = """
    body content data edge entry item list node output payload record response result value
"""
_VAGUE_WORDS = """
    element entity entry instance item object record request resource response result thing which
"""
_SETTING_WORDS = """
    agent callback debug direction exclude expand format include lang language limit locale max min
    offset order page per pretty size sort timeout unit verbose
"""
_DESCRIPTIVE_WORDS = """
    at body color comment content created creation date deleted description label message modified
    error name note output result status success summary text time timestamp title type updated
"""
_PREPOSITION_WORDS = "at by for from in of on per to using via with within"
_STOP = frozenset(_STOP_WORDS.split())
_PREPOSITIONS = frozenset(_PREPOSITION_WORDS.split())
_GENERIC = frozenset(_GENERIC_WORDS.split())
"""Words that say which property of a thing a parameter is, not of what thing."""
_BOXES = frozenset(_BOX_WORDS.split())
"""Names of what only holds things: ``items`` in ``albums.items[].id``."""
_VAGUE = frozenset(_VAGUE_WORDS.split())
"""Words for a thing that leave open which."""
_ENDINGS = frozenset(("delete", "destroy", "erase", "purge", "remove"))
_SETTINGS = frozenset(_SETTING_WORDS.split())
"""Words for how a result is wanted: how many, in which order, in which language."""
_DESCRIPTIVE = frozenset(_DESCRIPTIVE_WORDS.split())
"""Words for what anything has, so that they would join anything to anything."""
_OF_WHAT = re.compile(
    r"\b(?:codes?|ids?|identifiers?|keys?|names?|numbers?|slugs?|tokens?|ur[il]s?|uuids?)\b\)?"
    r"(?: ?\([^()]{0,80}\))? (?:of|for) (?:(?:a|an|each|given|specific|the|this|your) ){0,3}"
    r"([a-z][\w-]{0,40})",
    re.IGNORECASE,
)
_LINK = re.compile(r"\[([^\][]{0,200})\]\([^()]{0,500}\)")
_CAPITALS = re.compile(r"(?<![A-Z])([A-Z]{2,5})s(?![a-z])")
"""The plural of an abbreviation, as in ``userIDs``, which is no word ``Ds``."""
_MOST_OWNER_WORDS = 3
_MOST_OTHER_WORDS = 5
_MOST_NAME_WORDS = 6


@dataclass(frozen=True, slots=True)
class Naming:
    """The words behind one parameter, singular and in lower case."""

    name: Words
    """Of the parameter itself."""
    owner: Words
    """Of the thing that it belongs to; may be empty."""
    other: Words
    """Of the rest of the function's name, where the owner is read from the function."""

    @property
    def is_generic(self) -> bool:
        """Whether the name alone leaves open what it is about, as ``id`` does."""
        return _GENERIC.issuperset(self.name)

    @property
    def phrase(self) -> str:
        """Name and, where one word or a generic name needs it, owner: "playlist id"."""
        if self.is_generic or len(self.name) == 1:
            return " ".join((*(word for word in self.owner if word not in self.name), *self.name))
        return " ".join(self.name)


@lru_cache(maxsize=100_000)
def singular_words(name: str) -> Words:
    """The words of a name in the singular: ``listUserIDs`` gives list, user, id."""
    return tuple(_singular(word) for word in name_words(_CAPITALS.sub(r"\1", name)).split())


def namings(functions: Sequence[Function], parameters: Sequence[Parameter]) -> list[Naming]:
    """The naming of each of *parameters*, inputs or outputs of *functions*."""
    named = dict.fromkeys(one.function for one in parameters)
    things = {index: _things_of(functions[index]) for index in named}
    return [_naming(functions[one.function], one, *things[one.function]) for one in parameters]


def ends_things(function: Function) -> bool:
    """Whether the name of *function* says that it deletes what it is about."""
    return not _ENDINGS.isdisjoint(singular_words(function.original_name or function.name)[:3])


def is_setting(name: str) -> bool:
    """Whether a parameter of this name says only how a result is wanted, as ``per_page`` does."""
    return _SETTINGS.issuperset(singular_words(name))


def is_descriptive(name: str) -> bool:
    """Whether a parameter of this name says what almost anything has: a title, a status."""
    return _DESCRIPTIVE.issuperset(singular_words(name))


def nesting(path: str) -> int:
    """How many things, boxes aside, hold what is at *path*: 1 for ``albums.items[].id``."""
    return len(_holders(path))


def _naming(function: Function, parameter: Parameter, thing: Words, other: Words) -> Naming:
    name = singular_words(parameter.name) if parameter.path else _inferred_name(function)
    holders = _holders(parameter.path)
    if holders:
        return Naming(name, singular_words(holders[-1]), ())
    said = _said_owner(parameter.text) if _GENERIC.issuperset(name) else ()
    return Naming(name, said or thing, other)


def _inferred_name(function: Function) -> Words:
    return singular_words(returned_thing(function))[:_MOST_NAME_WORDS]


def _holders(path: str) -> list[str]:
    """The names on the way to the last one in *path*, without those of boxes."""
    names = [name.removesuffix("[]") for name in path.split(".")[:-1]]
    return [name for name in names if not _BOXES.issuperset(singular_words(name))]


def _said_owner(text: str) -> Words:
    """What a description says a parameter belongs to: "ID of the album" gives album."""
    found = _OF_WHAT.search(" ".join(_LINK.sub(r"\1", text).split()))
    words = singular_words(found[1]) if found else ()
    return tuple(word for word in words if word not in _STOP and word not in _VAGUE)


def _things_of(function: Function) -> tuple[Words, Words]:
    """What the name of *function* says it is about, and its other words of weight.

    ``get_items_of_cart`` is about items; its other words are item and cart.
    """
    words = singular_words(function.original_name or function.name)
    thing: list[str] = []
    for word in words:
        if word in _PREPOSITIONS and thing:
            break
        if not (word in _STOP or word in _PREPOSITIONS or is_action(word)):
            thing.append(word)
    weighty = [
        word for word in words if not (word in _STOP or word in _PREPOSITIONS or is_action(word))
    ]
    last = [word for word in words if word not in _STOP][-1:]
    return tuple(thing[-_MOST_OWNER_WORDS:] or last), tuple(weighty[-_MOST_OTHER_WORDS:])


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    is_plural = len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word[:-1] if is_plural else word
