"""References inside an OpenAPI document: what they lead to, and which lead back to themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import Any
from urllib.parse import unquote

MAX_CHAIN = 50
"""References that lead to references, one after another."""
MAX_LOOKED_AT = 5_000_000
"""Values looked at to find the schemas that contain themselves."""


class Unresolved(Exception):
    """A reference leads nowhere in its document; the message completes "A path ..."."""


class References:
    """Follows the references of one document; nothing outside of it is ever fetched."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def target(self, reference: Any) -> Any:
        """The value that *reference* points to, one step on.

        Raises:
            Unresolved: It is no local JSON pointer, or points to nothing.
        """
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise Unresolved(
                f"refers to {_quoted(reference)}, outside of the document; remote references "
                "are never fetched"
            )
        value: Any = self._document
        for part in _parts(reference):
            match value:
                case dict() if part in value:
                    value = value[part]
                case list() if part.isdecimal() and len(part) < 10 and int(part) < len(value):
                    value = value[int(part)]
                case _:
                    raise Unresolved(
                        f"refers to {_quoted(reference)}, which is not in the document"
                    )
        return value

    def followed(self, value: Any) -> Any:
        """*value* itself, or what it refers to, through at most `MAX_CHAIN` references.

        Raises:
            Unresolved: As for `target`, or the references go on and on, or in a circle.
        """
        passed: set[str] = set()
        while isinstance(value, dict) and "$ref" in value:
            reference = value["$ref"]
            value = self.target(reference)
            if reference in passed:
                raise Unresolved(f"refers to {_quoted(reference)}, which leads back to itself")
            passed.add(reference)
            if len(passed) > MAX_CHAIN:
                raise Unresolved(f"follows over {MAX_CHAIN} references in a row")
        return value

    def is_recursive(self, reference: str) -> bool:
        """Whether what *reference* points to may contain itself."""
        return self._recursive is None or reference in self._recursive

    @cached_property
    def _recursive(self) -> frozenset[str] | None:
        """References on cycles or between cycles; None when there is too much to look at.

        References to what refers to nothing, and those from what nothing refers to, are
        taken away until none is left to take: the rest goes round.
        """
        leads_to = self._leads_to()
        if leads_to is None:
            return None
        ends = _without_ends(leads_to)
        return frozenset(ends & _without_ends(_turned({key: leads_to[key] for key in ends})))

    def _leads_to(self) -> dict[str, set[str]] | None:
        looked_at = 0
        leads_to: dict[str, set[str]] = {}
        todo = [("", self._document)]
        while todo:
            reference, value = todo.pop()
            found = leads_to.setdefault(reference, set())
            for inner in _references_in(value):
                looked_at += 1
                if looked_at > MAX_LOOKED_AT:
                    return None
                if inner is not None:
                    found.add(inner)
            for inner in sorted(found - leads_to.keys()):
                leads_to[inner] = set()
                try:
                    todo.append((inner, self.target(inner)))
                except Unresolved:
                    continue
        return leads_to


def _references_in(value: Any) -> Iterator[str | None]:
    """Each reference anywhere in *value*, and None for every other value looked at."""
    todo = [value]  # no recursion: values may be nested a thousand deep
    while todo:
        value = todo.pop()
        yield None
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)


def _without_ends(leads_to: dict[str, set[str]]) -> set[str]:
    """The keys from which one can go on forever."""
    came_from = _turned(leads_to)
    ways_on = Counter({key: len(inner & leads_to.keys()) for key, inner in leads_to.items()})
    ends = [key for key in leads_to if not ways_on[key]]
    left = set(leads_to)
    while ends:
        end = ends.pop()
        left.discard(end)
        for key in came_from[end]:
            ways_on[key] -= 1
            if not ways_on[key]:
                ends.append(key)
    return left


def _turned(leads_to: dict[str, set[str]]) -> dict[str, set[str]]:
    came_from: dict[str, set[str]] = {key: set() for key in leads_to}
    for key, inner in leads_to.items():
        for each in inner & leads_to.keys():
            came_from[each].add(key)
    return came_from


def _parts(reference: str) -> list[str]:
    pointer = unquote(reference.removeprefix("#"))
    if not pointer:
        return []
    parts = pointer.removeprefix("/").split("/")
    return [part.replace("~1", "/").replace("~0", "~") for part in parts]


def _quoted(reference: Any) -> str:
    return repr(str(reference)[:80])
