"""Text that matches a regular expression, for the plain ones that schemas use.

Read: literals, classes, escapes, groups, alternatives, repetitions and anchors. Not read:
look-around, back references and flags.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

_LONGEST = 10_000
_PLAIN = string.ascii_letters + string.digits
_PRINTABLE = string.digits + string.ascii_letters + string.punctuation + " "
_CLASSES = {"d": string.digits, "w": _PLAIN, "s": " "}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(slots=True)
class _Draft:
    draw: random.Random
    spare: int
    """How many repetitions beyond the least may still be written."""
    all_spare: bool


class _Part(NamedTuple):
    write: Callable[[_Draft], str]
    least: int
    """How many characters it may write when nothing is spare."""


class _Unread(Exception):
    """The pattern uses what this reader does not know."""


def matching_text(
    pattern: str, draw: random.Random, *, spare: int = 8, all_spare: bool = False
) -> str | None:
    """Text in which *pattern* is found, or None when the pattern cannot be followed.

    *spare* bounds how many repetitions are written beyond those that must be; with
    *all_spare* the first ones that may repeat use it up.
    """
    part = _read(pattern)
    if part is None:
        return None
    text = part.write(_Draft(draw, spare, all_spare))
    return text if contains(pattern, text) else None


def contains(pattern: str, text: str) -> bool:
    """Whether *pattern* is found in *text*; False when it is no regular expression."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


@lru_cache(maxsize=4096)
def _read(pattern: str) -> _Part | None:
    try:
        return _Reader(pattern).whole()
    except (_Unread, StopIteration, RecursionError):
        return None


class _Reader:
    """Recursive descent over one pattern."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def whole(self) -> _Part:
        part = self._alternatives()
        if self._at < len(self._pattern):
            raise _Unread
        return part

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        found = self._peek()
        if not found:
            raise _Unread
        self._at += 1
        return found

    def _skip(self, expected: str) -> bool:
        if not self._pattern.startswith(expected, self._at):
            return False
        self._at += len(expected)
        return True

    def _alternatives(self) -> _Part:
        branches = [self._sequence()]
        while self._skip("|"):
            branches.append(self._sequence())
        if len(branches) == 1:
            return branches[0]
        return _Part(
            lambda draft: draft.draw.choice(branches).write(draft),
            max(branch.least for branch in branches),
        )

    def _sequence(self) -> _Part:
        parts = []
        while self._peek() and self._peek() not in "|)":
            parts.append(self._repeated(self._atom()))
        least = sum(part.least for part in parts)
        if least > _LONGEST:
            raise _Unread
        return _Part(lambda draft: "".join(part.write(draft) for part in parts), least)

    def _atom(self) -> _Part:
        sign = self._next()
        match sign:
            case "^" | "$":
                return _Part(lambda draft: "", 0)
            case "(":
                return self._group()
            case "[":
                return _one_of(self._class())
            case ".":
                return _one_of(_PLAIN)
            case "\\":
                return self._escape()
            case "*" | "+" | "?":
                raise _Unread
        return _one_of(sign)

    def _group(self) -> _Part:
        if self._skip("?P<"):
            while self._next() != ">":
                pass
        elif not self._skip("?:") and self._peek() == "?":
            raise _Unread
        part = self._alternatives()
        if not self._skip(")"):
            raise _Unread
        return part

    def _escape(self) -> _Part:
        sign = self._next()
        if sign in "AZbB":
            return _Part(lambda draft: "", 0)
        return _one_of(self._escaped(sign))

    def _escaped(self, sign: str) -> str:
        if sign in _CLASSES:
            return _CLASSES[sign]
        if sign.lower() in _CLASSES:
            return _others(_CLASSES[sign.lower()] + ("_" if sign == "W" else ""))
        if sign in _CONTROLS:
            return _CONTROLS[sign]
        if sign.isalnum():
            raise _Unread
        return sign

    def _class(self) -> str:
        negated = self._skip("^")
        members = self._next() if self._peek() == "]" else ""
        while not self._skip("]"):
            members += self._class_member()
        return _others(members) if negated else members

    def _class_member(self) -> str:
        first = self._next()
        if first == "\\":
            first = self._escaped(self._next())
        after = self._pattern[self._at + 1 : self._at + 2]
        if self._peek() != "-" or after in ("]", ""):
            return first
        self._at += 1
        last = self._next()
        if last == "\\":
            last = self._escaped(self._next())
        if len(first) != 1 or len(last) != 1 or ord(last) - ord(first) > 0x3000:
            raise _Unread
        return "".join(map(chr, range(ord(first), ord(last) + 1)))

    def _repeated(self, part: _Part) -> _Part:
        for least, most in self._repetitions():
            if least * max(part.least, 1) > _LONGEST:
                raise _Unread
            part = _Part(_repeat(part, least, most), least * part.least)
        return part

    def _repetitions(self) -> Iterator[tuple[int, int | None]]:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if self._peek() and self._peek() in simple:
            yield simple[self._next()]
        elif counts := re.compile(r"\{(\d+)(?:(,)(\d*))?\}").match(self._pattern, self._at):
            self._at = counts.end()
            least = int(counts[1])
            yield least, least if not counts[2] else int(counts[3]) if counts[3] else None
        if self._peek() and self._peek() in "?+":
            self._at += 1  # lazy and possessive repetitions match the same short texts


def _repeat(part: _Part, least: int, most: int | None) -> Callable[[_Draft], str]:
    def write(draft: _Draft) -> str:
        extra = draft.spare if most is None else min(draft.spare, most - least)
        if not draft.all_spare:
            extra = draft.draw.randint(0, extra)
        draft.spare -= extra
        return "".join(part.write(draft) for _ in range(least + extra))

    return write


def _one_of(characters: str) -> _Part:
    if not characters:
        raise _Unread
    preferred = "".join(sign for sign in characters if sign in _PLAIN) or characters
    return _Part(lambda draft: draft.draw.choice(preferred), 1)


def _others(characters: str) -> str:
    return "".join(sign for sign in _PRINTABLE if sign not in characters)
