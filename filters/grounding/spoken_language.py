"""Whether what users say can be read for numbers, times and dates in words."""

from __future__ import annotations

from simkit.filters.grounding.normal_text import listed, words_of
from simkit.filters.language import latin_language, letters_by_script

_MOST_READ = 20_000
"""Characters of what users said that are looked at, from the beginning."""
_ENOUGH = 8
"""Words among which English has one of `_ENGLISH`, nearly always."""
_ENGLISH = frozenset(
    listed(
        "the and of you for with are this your have would what my from they which how any need "
        "could like want looking please there should some it"
    )
)
"""Common words that few other languages write so."""


class SpokenLanguage:
    """What users have said so far, to be asked whether it is in another language than English.

    The texts are read when that is asked, once for each that was added.
    """

    def __init__(self) -> None:
        self._text = ""
        self._is_other: bool | None = None

    def add(self, text: str) -> None:
        """Take in what a user says."""
        if len(self._text) < _MOST_READ:
            self._text += text[:_MOST_READ] + "\n"
            self._is_other = None

    @property
    def is_other(self) -> bool:
        """Whether it is not English: mostly in another script, or the small words say so, or
        there are words enough and none of them is English."""
        if self._is_other is None:
            self._is_other = _is_other(self._text)
        return self._is_other


def _is_other(text: str) -> bool:
    letters = letters_by_script(text)
    if 2 * letters["Latin"] < letters.total():
        return True
    if latin_language(text, share=0, different=1) == "English":
        return False
    if latin_language(text, share=0, different=2) is not None:
        return True
    words = words_of(text)
    return len(words) >= _ENOUGH and _ENGLISH.isdisjoint(words)
