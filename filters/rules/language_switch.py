"""The user's language is the conversation's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from simkit.filters.filter import Objection
from simkit.filters.language import (
    ENOUGH,
    languages_named,
    latin_language,
    latin_languages_in,
    letters_by_script,
)
from simkit.filters.latest_words import user_before
from simkit.filters.phrases import Phrase
from simkit.filters.prose import own_words, read_part
from simkit.traces.records import Message, Trajectory

_ANY_LANGUAGE = Phrase(
    r"\b(?:translat\w+|translit\w+|multilingual|bilingual"
    r"|(?<!programming )(?<!query )(?<!body )(?<!natural )(?<!coding )languages?"
    r"|idiomas?|langues?|sprachen?)\b"
)
_TRANSLATING = re.compile(r"翻译|翻訳|번역|перевод|перевед", re.IGNORECASE)
"""These two make every language fit."""
_LATIN_SHARE = 0.8
"""Latin letters stand in texts of every script: names, codes, units."""
_OTHER_SHARE = 0.3
_KNOWN_SHARE = 0.5
"""Of a text's words, those in results that make it a report of what they said."""
_MESSAGES_READ = 5
_USERS_SHARE, _USERS_DIFFERENT = 1 / 12, 2
"""Of small words in a user's text: it is short, and only compared with a turn that is sure."""
_NAME_OR_LETTER = re.compile(r"\b(?:[A-Z]\w*|\w|\d\w*)\b")
"""What must not tell the language of so few words: La Paz and the Z of a time are English, too."""
_FEW_LETTERS = 8
"""That tell which script a user writes in."""
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_WORD = re.compile(r"[^\W\d_]{2,}")


class LanguageSwitch:
    """A turn in another language than the one that the user is speaking, all of it or its end.

    Compared are scripts, and between texts in Latin letters the small words of ten languages
    (English, Spanish, French, German, Portuguese, Italian, Dutch, Polish, Turkish,
    Indonesian): of the turn as a whole, and of each two sentences that follow one another. What
    is compared must have 40 letters or more (14 characters of Han, Kana or Hangul), of which a
    script that the user does not write in makes up 30 %, Latin 80 %. The user's side is the
    latest messages, up to five, that tell the language; where they tell none, the assistant's
    own turn before counts.

    Lets pass: whatever follows a user's or a tool's mention of translating, or of languages; the
    languages that they name; code, quotations and addresses; a text of which half the words
    stand in tool results; and all that the small words leave in doubt.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks none.
    """

    name = "language_switch"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        messages = trajectory.messages
        fitting: set[str] = set()
        before: str | None = None
        heard: _Heard | None = None
        for index, message in enumerate(messages):
            if message.role in ("user", "tool"):
                text = read_part(message.content)
                if _ANY_LANGUAGE.search(text) or _speaks_of_translating(text):
                    return
                fitting |= languages_named(text)
            if message.role == "user":
                heard = None
            if message.role != "assistant" or not message.content:
                continue
            own = own_words(message.content)
            heard = heard or _latest_words(messages, index)
            found = _switch(messages, index, own, heard, before)
            if found is not None and found[1] not in fitting:
                users, other = found
                yield Objection(
                    check=self.name,
                    message=f"message {index} is in {other} while the user's latest are in {users}",
                    turn=index,
                )
            else:
                before = latin_language(own) or before


class _Heard(NamedTuple):
    """The user's latest messages, as many as tell their script."""

    letters: Counter[str]
    """By script."""
    language: str | None
    """The one they tell, of those in Latin letters."""


def _speaks_of_translating(text: str) -> bool:
    return not text.isascii() and _TRANSLATING.search(text) is not None


def _switch(
    messages: Sequence[Message], index: int, own: str, heard: _Heard, before: str | None
) -> tuple[str, str] | None:
    """The user's language or script and that of the turn, or of a part of it, that differs."""
    users = heard.language or before
    if not _may_differ(own, heard.letters, users):
        return None
    for text in dict.fromkeys((own, *_pairs(own))):
        found = _other(text, heard.letters, users)
        if found is not None and not _repeats_results(messages, index, text):
            return found
    return None


def _may_differ(own: str, users_letters: Counter[str], users: str | None) -> bool:
    """Whether any part of *own* can be in another script or language; of most turns none can."""
    scripts = letters_by_script(own)
    if any(worth and not users_letters[script] for script, worth in scripts.items()):
        return True
    return users is not None and bool(latin_languages_in(own) - {users})


def _pairs(text: str) -> Iterator[str]:
    """Each two sentences that follow one another."""
    sentences = [part for part in _SENTENCE_ENDS.split(text) if part and not part.isspace()]
    return (f"{one} {other}" for one, other in pairwise(sentences))


def _other(text: str, users_letters: Counter[str], users: str | None) -> tuple[str, str] | None:
    letters = letters_by_script(text)
    total = letters.total()
    if total < ENOUGH or users_letters.total() < _FEW_LETTERS:
        return None
    found = _foreign_script(letters, users_letters)
    if found is None and users and letters["Latin"] >= _LATIN_SHARE * total:
        spoken = latin_language(text)
        if spoken and spoken != users:
            return users, spoken
    return found


def _foreign_script(own: dict[str, int], users: dict[str, int]) -> tuple[str, str] | None:
    usual = max(users, key=lambda script: users[script])
    total = sum(own.values())
    for script, worth in own.items():
        share = _LATIN_SHARE if script == "Latin" else _OTHER_SHARE
        if not users.get(script) and worth >= max(ENOUGH, share * total):
            return usual, script
    return None


def _latest_words(messages: Sequence[Message], index: int) -> _Heard:
    text, language, letters = "", None, Counter[str]()
    for said, _ in zip(user_before(messages, index), range(_MESSAGES_READ), strict=False):
        text = f"{own_words(said)}\n{text}"
        letters = letters_by_script(text)
        said_small = _NAME_OR_LETTER.sub(" ", text)
        language = latin_language(said_small, share=_USERS_SHARE, different=_USERS_DIFFERENT)
        if letters.total() >= ENOUGH and (language or letters["Latin"] < letters.total() / 2):
            break
    return _Heard(letters, language)


def _repeats_results(messages: Sequence[Message], index: int, own: str) -> bool:
    words = {word.casefold() for word in _WORD.findall(own)}
    told = (read_part(m.content).casefold() for m in messages[:index] if m.role == "tool")
    known = set(_WORD.findall("\n".join(told)))
    return len(words & known) >= _KNOWN_SHARE * len(words)
