"""The names that a guessed result has in the catalog of its function."""

from __future__ import annotations

import re
from typing import Any

from simkit.graph.inference.input_names import InputName, InputNames
from simkit.graph.parameters import name_words
from simkit.traces.functions import Function

_BARE = frozenset({"guid", "id", "uid", "uuid"})


class NamesNear:
    """What *function* takes, how its names are written, and what others nearby ask for."""

    def __init__(self, function: Function, names: InputNames) -> None:
        self._function = function
        self._names = names
        self._taken = _taken(function)
        self._camel = _is_camel(function)

    @property
    def takes_id(self) -> bool:
        """It takes a plain ``id``: of a function on one thing, that thing's own."""
        return not self._taken.isdisjoint(_BARE)

    def identifiers(self, thing: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        """Fields that tell which *thing*, as inputs nearby spell them; two at most."""
        words, known = self._known_as(thing)
        return {
            one.name: _typed(one, f"The {name_words(one.name)} of the {words}.")
            for one in known[:2]
            if not self.is_taken(one.name)
        }

    def attributes(self, thing: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        """Other facts that inputs nearby ask for, of a *thing* that has an identifier."""
        words, known = self._known_as(thing)
        return {
            one.name: _typed(one, f"The {name_words(one.name)}.")
            for one in (self._names.attributes(self._function, words) if known else ())
            if not self.is_taken(one.name)
        }

    def is_known(self, thing: tuple[str, ...]) -> bool:
        """Whether inputs nearby ask which *thing* is meant."""
        return bool(self._known_as(thing)[1])

    def _known_as(self, thing: tuple[str, ...]) -> tuple[str, list[InputName]]:
        """*thing* as the catalog's inputs name it, by all its words or the last ones."""
        for start in range(len(thing)):
            words = " ".join(thing[start:])
            known = self._names.identifiers(self._function, words)
            if known:
                return words, known
        return "", []

    def own_identifier(self, thing: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        """An identifier of *thing* for a catalog that asks for none."""
        name = f"{thing[-1]} id"
        if self.is_taken(name):
            return {}
        about = {"type": "string", "description": f"Identifier of the {' '.join(thing)}."}
        return {self.spelled(name): about}

    def is_taken(self, name: str) -> bool:
        """Whether the function takes what *name* says; it need not give it back."""
        return name_words(name) in self._taken

    def spelled(self, name: str) -> str:
        """*name* as this function's catalog would write it; an identifier stays as it is."""
        if " " not in name and "-" not in name:
            return name.lower() if name in (name.capitalize(), name.upper()) else name
        words = name_words(name).split()
        if self._camel:
            return words[0] + "".join(word.capitalize() for word in words[1:])
        return "_".join(words)


def _typed(one: InputName, about: str) -> dict[str, Any]:
    return {"type": one.type, "description": about}


def _taken(function: Function) -> frozenset[str]:
    properties = function.parameters.get("properties")
    return frozenset(name_words(name) for name in properties) if properties else frozenset()


def _is_camel(function: Function) -> bool:
    """Whether its names are written likeThis rather than like_this; inputs tell first."""
    inputs = " ".join(function.parameters.get("properties") or ())
    for text in (inputs, function.original_name or function.name):
        if "_" in text:
            return False
        if re.search(r"[a-z][A-Z]", text):
            return True
    return False
