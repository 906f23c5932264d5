"""What a text must have for a regular expression to match in it, read from the expression."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

_TOKEN = re.compile(
    r"(?P<back>\(\?P=\w+\))"
    r"|(?P<look>\(\?<?[=!])"
    r"|(?P<open>\((?:\?:|\?P<\w+>|\?-?i:|(?!\?)))"
    r"|(?P<unknown>\(\?)"
    r"|(?P<close>\))"
    r"|(?P<bar>\|)"
    r"|(?P<repeat>(?:[*+?]|\{\d*,?\d*\})\??)"
    r"|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|(?P<edge>\\[bBAZ]|[\^$])"
    r"|(?P<some>\\[A-Za-z0-9]|\.)"
    r"|(?P<letter>\\?.)",
    re.DOTALL,
)
_PLAIN_SET = re.compile(r"\[[A-Za-z0-9' :=_]+\]")
_EDGE_OF_WORD = "\0"
_WHOLE_WORD = re.compile(r"(?<=[^a-z0-9_])[a-z0-9_]+(?=[^a-z0-9_])")
_MOST = 48
"""Texts that a part of an expression is written out as."""
_LONG = 6
"""Characters from which a text is rare, so that it is more important to look for few."""


def needed_texts(pattern: str) -> frozenset[str]:
    """Texts of which one stands in each match of *pattern*, when that is in lower case; empty
    where none is known.

    All are ASCII. Of what it finds it takes long and few ones: ``you (?:may|can) \\w+`` needs
    ``you may `` or ``you can ``.

    Raises:
        ValueError: The pattern has a construct that is not read, such as a condition, or flags
            at its beginning.
    """
    texts = _Reader(pattern, _without_edges, _worth_of_texts).needed()
    return frozenset(text for text in texts if not any(other in text for other in texts - {text}))


def needed_words(pattern: str) -> frozenset[str]:
    """Words of which one stands in each text that *pattern* matches in, as a whole word in
    lower case; empty where none is known.

    A word is a run of ASCII letters, digits and ``_`` with none of these around it; there may
    be other letters.

    Raises:
        ValueError: As `needed_texts` does.
    """
    return _Reader(pattern, _longest_word, _worth_of_words).needed()


def _without_edges(text: str) -> str:
    return text.replace(_EDGE_OF_WORD, "")


def _longest_word(text: str) -> str:
    return max(_WHOLE_WORD.findall(text), key=len, default="")


def _worth_of_texts(texts: frozenset[str]) -> float:
    return min(_LONG, *map(len, texts)) - len(texts) / 4


def _worth_of_words(words: frozenset[str]) -> float:
    return min(map(len, words))


class _Part(NamedTuple):
    """What is known of the matches of a part of an expression, in lower case."""

    exact: frozenset[str] | None
    """All of them, with the edges of words marked; None where they are too many to tell."""
    needed: frozenset[str] = frozenset()
    """Where they are too many: each has one of these; empty where nothing is known."""


_ANYTHING = _Part(None)


class _Reader:
    """Reads a pattern from its beginning to its end, one part after another.

    Args:
        pattern: The expression.
        of: What is looked for of a text that stands in a match; empty for nothing.
        worth: How much looking for any of some such texts tells.
    """

    def __init__(
        self, pattern: str, of: Callable[[str], str], worth: Callable[[frozenset[str]], float]
    ) -> None:
        self._tokens = [(str(found.lastgroup), found[0]) for found in _TOKEN.finditer(pattern)]
        self._at = 0
        self._of = of
        self._worth = worth
        if any(kind == "unknown" for kind, _ in self._tokens):
            raise ValueError(f"cannot read the regular expression {pattern!r}: write it otherwise")

    def needed(self) -> frozenset[str]:
        return self._needed(self._alternatives())

    def _kind(self) -> str | None:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else None

    def _alternatives(self) -> _Part:
        parts = [self._sequence()]
        while self._kind() == "bar":
            self._at += 1
            parts.append(self._sequence())
        exact = frozenset[str]().union(*(part.exact or () for part in parts))
        if all(part.exact is not None for part in parts) and len(exact) <= _MOST:
            return _Part(exact)
        needed = list(map(self._needed, parts))
        return _Part(None, frozenset[str]().union(*needed)) if all(needed) else _ANYTHING

    def _sequence(self) -> _Part:
        """Parts that follow one another: what is exact is written out as far as it goes."""
        run = frozenset([""])
        found: list[frozenset[str]] = []
        while self._kind() not in ("bar", "close", None):
            part = self._repeated(self._one())
            if part.exact is not None and len(run) * len(part.exact) <= _MOST:
                run = frozenset(before + after for before in run for after in part.exact)
                continue
            found += [self._needed(_Part(run)), part.needed]
            run = frozenset([""]) if part.exact is None else part.exact
        last = _Part(run)
        if not found:
            return last
        known = filter(None, [*found, self._needed(last)])
        return _Part(None, max(known, key=self._worth, default=frozenset()))

    def _one(self) -> _Part:
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind in ("open", "look"):
            inner = self._alternatives()
            self._at += 1  # the closing bracket
            return inner if kind == "open" else _exactly("")
        if kind == "edge":
            return _exactly(_EDGE_OF_WORD if text == r"\b" else "")
        if kind == "set" and _PLAIN_SET.fullmatch(text):
            return _exactly(*text[1:-1])
        # Of other characters Python's `re` does not know all lower cases that `str.lower` knows.
        return _exactly(text[-1]) if kind == "letter" and text.isascii() else _ANYTHING

    def _repeated(self, part: _Part) -> _Part:
        """*part* as often as the next token says, if it says it."""
        if self._kind() != "repeat":
            return part
        times = self._tokens[self._at][1]
        self._at += 1
        if times[0] == "?" and part.exact is not None:
            return _exactly(*part.exact, "")
        is_optional = times[0] in "*?" or times.startswith(("{0", "{,"))
        return _ANYTHING if is_optional else _Part(None, self._needed(part))

    def _needed(self, part: _Part) -> frozenset[str]:
        """What one of is in each match of *part*; empty where nothing is known."""
        if part.exact is None:
            return part.needed
        needed = frozenset(map(self._of, part.exact))
        return frozenset() if "" in needed else needed


def _exactly(*texts: str) -> _Part:
    return _Part(frozenset(text.lower() for text in texts))
