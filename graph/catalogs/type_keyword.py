"""The ``type`` of a schema: from what a catalog wrote to what JSON Schema allows."""

from __future__ import annotations

from collections import Counter
from typing import Any

from simkit.graph.catalogs.type_words import TypeWord, either, json_type, kinds_of, type_word


def name_type(node: dict[str, Any], repairs: Counter[str]) -> None:
    """Make ``type`` of a schema one that JSON Schema knows, in place; without one it may be any.

    What the expression says beyond the type (items, a format, values) is added where the
    schema itself says nothing about it.
    """
    if "type" not in node:
        return
    given = node["type"]
    word = _any_of(given, repairs) if isinstance(given, list) else _word(given, repairs)
    meaning = word.schema if word else {}
    if "type" not in meaning:
        del node["type"]
    node |= {key: part for key, part in meaning.items() if key == "type" or key not in node}


def _any_of(names: list[Any], repairs: Counter[str]) -> TypeWord | None:
    words = [_word(name, repairs) for name in names]
    known = [word for word in words if word is not None]
    if not known or len(known) < len(words):  # one unknown of several: it may be anything
        return None
    if all(word.schema.keys() == {"type"} for word in known):
        # Unlike in an expression, null among them stands for itself: the list is JSON Schema.
        return TypeWord({"type": kinds_of(word.schema for word in known)})
    return either(known)


def _word(name: Any, repairs: Counter[str]) -> TypeWord | None:
    word = type_word(name) if isinstance(name, str) else None
    if word is None:
        repairs["type unknown"] += 1
    elif not word.schema:
        repairs["type any"] += 1
    elif word.schema != {"type": name}:
        repairs["type name" if json_type(name) else "type expression"] += 1
    return word
