"""When two functions of a catalog say the same.

Tried on nearly 18,000 real functions (see docs/catalogs.md). What was learned from them: names
decide more than texts. ``get_item`` and ``update_item`` share nine words of ten, so functions
are compared only when their names have the same words in the same order and their
parameters the same names and types; then the texts must agree as well, because two servers
often have a ``list_tables`` that takes nothing and lists different tables.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from simkit.graph.catalogs.keywords import LISTS, MAPS, SINGLE
from simkit.graph.catalogs.names import words_of
from simkit.traces.functions import Function, Schema

MIN_SHARED = 0.6
"""Share of common words (Jaccard) of descriptions, parameter names and their descriptions."""
MIN_SHARED_DESCRIPTION = 0.5
"""The same, of the functions' own descriptions alone: ``Search the web`` is not
``Search Wikipedia``, however much their parameters say."""
MIN_SHARED_ALONE = 0.75
"""The same, of functions without parameters, where no more speaks for a merge."""

_WORD = re.compile(r"[^\W_]+")
_ENDING = re.compile(r"(?<=...)(?:ing|ies|es|ed|s|d|e)$")
_NAMED = re.compile(r"(?<![.!?:])(?<=\s)[(\"'`@]*([^\W\d_]*[A-Z][^\W_]*|[^\W_]*\d[^\W_]*)")
_EMPTY_WORDS = frozenset(
    (
        *("a", "all", "an", "and", "any", "are", "as", "at", "be", "by", "can", "for", "from"),
        *("given", "if", "in", "into", "is", "it", "its", "of", "on", "or", "that", "the"),
        *("this", "to", "use", "used", "using", "which", "will", "with", "you", "your"),
    )
)
_ANNOTATIONS = frozenset(
    ("title", "description", "$comment", "examples", "default", "deprecated", "example")
)
_NOT_COMPARED = _ANNOTATIONS | {"required", "additionalProperties"}


@dataclass(frozen=True, slots=True)
class Told:
    """What a function says of itself, as sets of words without their endings."""

    description: frozenset[str]
    everything: frozenset[str]
    """Of the description, of the parameters' names and of their descriptions."""
    named: frozenset[str]
    """Words that name one thing in particular, e.g. "postgresql", "v2"; not brought to a stem."""
    spoken: frozenset[str]
    """All words of the description, as they stand."""


def outline(function: Function) -> bytes:
    """A digest of what must be equal: the words of the name, and the parameters.

    Parameters are equal when they have the same names and types, enums, bounds and formats;
    which are required, their defaults and their descriptions do not count, and an integer
    counts as a number.
    """
    name = words_of(function.original_name or function.name)
    content = orjson.dumps([name, _shape(function.parameters)], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(content, digest_size=16).digest()


def told_by(function: Function) -> Told:
    """The words of *function*, for `likeness`."""
    description = _words(function.description)
    inner = " ".join(_texts(function.parameters))
    return Told(
        description=_stems(description),
        everything=_stems(description + _words(inner)),
        named=frozenset(word.lower() for word in _NAMED.findall(function.description)),
        spoken=frozenset(description),
    )


def likeness(one: Told, other: Told, *, has_parameters: bool) -> float | None:
    """Share of common words of two functions of one `outline`; None when they are not the same.

    They are not when they share too few words, or when the description of one names a thing
    that the other's does not ("Firebird").
    """
    if not (one.named <= other.spoken and other.named <= one.spoken):
        return None
    descriptions = _shared(one.description, other.description)
    if not has_parameters:
        return descriptions if descriptions >= MIN_SHARED_ALONE else None
    everything = _shared(one.everything, other.everything)
    if descriptions < MIN_SHARED_DESCRIPTION or everything < MIN_SHARED:
        return None
    return everything


def same_outputs(one: Schema | None, other: Schema | None) -> bool:
    """Whether two results have the same fields; one that is not declared may be any."""
    return one is None or other is None or _shape(one) == _shape(other)


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / (len(one | other) or 1) if one or other else 1.0


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _stems(words: list[str]) -> frozenset[str]:
    return frozenset(_ENDING.sub("", word) for word in words if word not in _EMPTY_WORDS)


def _texts(schema: Any) -> Iterator[str]:
    """The descriptions in a schema, and the words of its properties' names."""
    if not isinstance(schema, Mapping):
        return
    for name in schema.get("properties", {}):
        yield words_of(name)
    for inner in _inner_schemas(schema):
        if isinstance(inner, Mapping) and isinstance(inner.get("description"), str):
            yield inner["description"]
        yield from _texts(inner)


def _inner_schemas(schema: Mapping[str, Any]) -> Iterator[Any]:
    """The schemas right inside *schema*, in the order they stand."""
    for key, part in schema.items():
        if key in MAPS:
            yield from part.values()
        elif key in LISTS:
            yield from part
        elif key in SINGLE:
            yield part


def _shape(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    return {
        key: _shape_of_part(key, part) for key, part in schema.items() if key not in _NOT_COMPARED
    }


def _shape_of_part(key: str, part: Any) -> Any:
    if key in MAPS:
        return {name: _shape(inner) for name, inner in part.items()}
    if key in LISTS:
        return [_shape(inner) for inner in part]
    if key in SINGLE:
        return _shape(part)
    if key == "type":
        kinds = part if isinstance(part, list) else [part]
        return sorted({"number" if kind == "integer" else kind for kind in kinds})
    if key == "enum":
        return sorted(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode() for value in part)
    return part
