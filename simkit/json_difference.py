"""Where two values of JSON differ: the first place, and a line for each side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import orjson

from simkit.traces.one_line import one_line

SHOWN = 120
"""Longest value that is shown, in characters."""
_BEFORE = 30
"""How much of a long text is shown before the first character that differs."""


class Difference(NamedTuple):
    """Two values that are not equal, and where they stand."""

    path: str
    recorded: str
    new: str


class _Missing:
    """Stands for a value that is not there, which null is."""


_MISSING = _Missing()


def first_difference(recorded: Any, new: Any, path: str = "") -> Difference | None:
    """The first place in which two values of JSON differ, or None when they are equal.

    Objects are compared in the order of the recorded keys, then of new ones.
    """
    if isinstance(recorded, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*recorded, *new]):
            inner = f"{path}.{key}" if path else str(key)
            values = recorded.get(key, _MISSING), new.get(key, _MISSING)
            if found := first_difference(*values, inner):
                return found
        return None
    if _is_list(recorded) and _is_list(new):
        for index, values in enumerate(zip_longest(recorded, new, fillvalue=_MISSING)):
            if found := first_difference(*values, f"{path}[{index}]"):
                return found
        return None
    # 1 and true, 1 and 1.0 are equal to python and other values in JSON.
    if type(recorded) is type(new) and recorded == new:
        return None
    return Difference(path, *_shown(recorded, new))


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _shown(recorded: Any, new: Any) -> tuple[str, str]:
    one, other = _text(recorded), _text(new)
    start = 0
    if isinstance(recorded, str) and isinstance(new, str) and max(len(one), len(other)) > SHOWN:
        pairs = enumerate(zip(one, other, strict=False))
        at = next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
        start = max(0, at - _BEFORE)
    return _from(one, start), _from(other, start)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "nothing" if value is _MISSING else orjson.dumps(value).decode()


def _from(text: str, start: int) -> str:
    return ("…" if start else "") + one_line(text[start : start + 2 * SHOWN], limit=SHOWN)
