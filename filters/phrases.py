"""Regular expressions that are looked for only in texts which have what they cannot do without.

Python's `re` tries an expression without regard to case at every character, which costs fifty
times what looking for a plain text does. Most texts have none of most phrases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from simkit.filters.needed_texts import needed_texts, needed_words

_LIKE_ASCII = (("\u0130", "i"), ("\u0131", "i"), ("\u017f", "s"), ("\u212a", "k"))
"""Letters that `re` takes for these ASCII ones when it does not regard case."""
_ASCII_WORD = re.compile(r"[a-z0-9_]+")


@lru_cache(maxsize=64)  # one text is searched for many phrases
def in_lower_case(text: str) -> str:
    """*text* in lower case, its ASCII letters as `re` sees them without regard to case."""
    if not text.isascii():
        for letter, like in _LIKE_ASCII:
            text = text.replace(letter, like)
    return text.lower()


@lru_cache(maxsize=64)
def ascii_words(text: str) -> frozenset[str]:
    """The words of *text* in lower case: runs of ASCII letters, digits and ``_``."""
    return frozenset(_ASCII_WORD.findall(in_lower_case(text)))


class Phrase:
    """One expression, in any case unless the flags say otherwise; finds what `re` finds.

    It is looked for where one of its `needed_texts` stands, so it is for expressions that are
    not made of words.

    Raises:
        ValueError: The expression cannot be read, see `needed_texts`.
    """

    def __init__(self, pattern: str, flags: int = re.IGNORECASE) -> None:
        self._pattern = re.compile(pattern, flags)
        self._needed = tuple(sorted(needed_texts(pattern)))

    def search(self, text: str) -> re.Match[str] | None:
        """The first match in *text*."""
        return self._pattern.search(text) if self.may_be_in(text) else None

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Every match in *text*, in order."""
        return self._pattern.finditer(text) if self.may_be_in(text) else iter(())

    def may_be_in(self, text: str) -> bool:
        """Whether *text* has what a match needs."""
        return not self._needed or any(map(in_lower_case(text).__contains__, self._needed))


class Phrases:
    """Several expressions, in any case; each is looked for where one of its `needed_words` is.

    Raises:
        ValueError: One cannot be read, see `needed_words`.
    """

    def __init__(self, *patterns: str) -> None:
        self._patterns = [re.compile(pattern, re.IGNORECASE) for pattern in patterns]
        self._without_word: list[int] = []
        self._by_word: dict[str, list[int]] = {}
        for number, pattern in enumerate(patterns):
            words = needed_words(pattern)
            if not words:
                self._without_word.append(number)
            for word in words:
                self._by_word.setdefault(word, []).append(number)

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """The first match of each expression that is in *text*, in the order of expressions."""
        possible = set(self._without_word)
        for word in self._by_word.keys() & ascii_words(text):
            possible.update(self._by_word[word])
        for number in sorted(possible):
            found = self._patterns[number].search(text)
            if found is not None:
                yield found

    def search(self, text: str) -> re.Match[str] | None:
        """The first match of any, as if they were one expression with bars between them."""
        return min(self.matches(text), key=re.Match.start, default=None)
