"""Names of functions: legal for hosted chat APIs, and unique in a catalog."""

from __future__ import annotations

import re

MAX_NAME = 64
"""Characters; see `simkit.traces.functions.LEGAL_NAME`."""

_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")


def legal_name(name: str) -> str:
    """*name* with ``_`` for each illegal character, cut to 64; itself when it is legal."""
    return _ILLEGAL.sub("_", name[:MAX_NAME])


def words_of(name: str) -> str:
    """The words of a name: ``math.getSum`` gives "math get sum"."""
    return " ".join(_WORD.findall(name)).lower() or name


class UniqueNames:
    """Gives each function of a catalog a name of its own, in the order they come."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._last: dict[str, int] = {}

    def claim(self, name: str) -> str:
        """*name*, or with ``_2``, ``_3``, ... when earlier functions took it; 64 at most."""
        unique = name
        while unique in self._taken:
            self._last[name] = self._last.get(name, 1) + 1
            suffix = f"_{self._last[name]}"
            unique = name[: MAX_NAME - len(suffix)] + suffix
        self._taken.add(unique)
        return unique
