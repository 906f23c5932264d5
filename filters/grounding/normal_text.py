"""Normal forms of text: case, accents, spaces and punctuation do not count."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache


def listed(words: str) -> tuple[str, ...]:
    """The words of a list that is written with spaces between them."""
    return tuple(words.split())


_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+")
_PREFIX = 4

_CONTENTLESS = frozenset(
    listed(
        "a about all also an and any are as at be been but by can could did do does for from "
        "get give given had has have how i if in into is it its just like may me more must my "
        "need new no not now of on or our out over please shall she should so some such than "
        "that the their them then there these they this those to under up us use want was we "
        "were what when where which who will with would you your"
    )
)


def folded(text: str) -> str:
    """*text* in lower case, without accents, its compatible characters made one."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text)
    return "".join(mark for mark in apart if not unicodedata.combining(mark)).casefold()


def words_of(text: str) -> list[str]:
    """The runs of letters and digits of *text*, folded, in order."""
    return _WORD.findall(folded(text))


@lru_cache(maxsize=2048)  # the same few functions, parameters and keys come again and again
def name_words(name: str) -> tuple[str, ...]:
    """The words of an identifier: ``departureDate`` and ``departure_date`` give the same."""
    return tuple(words_of(_CAMEL.sub(" ", name)))


def compact(text: str) -> str:
    """Letters and digits of *text* alone, folded: how ids and phone numbers are compared."""
    return "".join(_WORD.findall(folded(text)))


def stem(word: str) -> str:
    """A folded word's beginning, by which its inflected forms are taken for the same."""
    return word[:_PREFIX]


def content_words(text: str) -> list[str]:
    """The words of *text* that say something: no digits, and none of the commonest words."""
    return [
        word
        for word in words_of(text)
        if len(word) > 1 and not any(map(str.isdigit, word)) and word not in _CONTENTLESS
    ]
