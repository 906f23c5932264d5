"""What a message says in its own words, told apart from what it quotes."""

from __future__ import annotations

import re
from functools import lru_cache

from simkit.filters.phrases import Phrases

MOST_READ = 40_000
"""Characters of a message that are read; of a longer one, half at each end. What a model repeats
or leaks shows there too, and a message of a megabyte costs no more than others."""

# Each of these takes what it begins with, closed or not, or gives up within a few hundred
# characters: the time is linear in the length of the text, whatever it holds.
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_QUOTED = re.compile(r"`[^`\n]{1,400}`|\"[^\"\n]{1,400}\"|“[^”\n]{1,400}”|«[^»\n]{1,400}»")
_QUOTED_LINE = re.compile(r"^[ \t]{0,3}>.*$", re.MULTILINE)
_ADDRESS = re.compile(r"\bhttps?://\S+|[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}")
_NOT_OWN = (((">",), _QUOTED_LINE), (("`", '"', "“", "«"), _QUOTED), (("@", "://"), _ADDRESS))
"""Each with marks of which one must be there."""

_WRITING = Phrases(
    r"\b(?:re-?)?(?:write|writing|wrote|compose|draft|phrase|paraphrase|proofread|translate"
    r"|role-?play|pretend|recite)\b",
    r"\b(?:template|letter|poem|lyrics|story|essay|dialogue|dialog|script|monologue|speech"
    r"|sentence|paragraph|slogan|caption|tweet|transcript|prompt)s?\b",
)


def read_part(text: str) -> str:
    """*text*, or the two ends of one that is longer than `MOST_READ`."""
    if len(text) <= MOST_READ:
        return text
    half = MOST_READ // 2
    return f"{text[:half]}\n{text[-half:]}"


def without_code(text: str) -> str:
    """The part of *text* that is read, without fenced code; each block leaves a line break."""
    return _FENCED.sub("\n", read_part(text))


@lru_cache(maxsize=128)  # several checks ask about the messages of one conversation
def own_words(text: str) -> str:
    """The part of *text* that is read, without code, quotations and addresses.

    Somebody else's words may stand in quotation marks, in code, or on lines that begin with
    ``>``; what is left out leaves a space.
    """
    words = without_code(text)
    for marks, quoted in _NOT_OWN:
        if any(map(words.__contains__, marks)):
            words = quoted.sub(" ", words)
    return words.replace("’", "'")


def asks_for_writing(text: str) -> bool:
    """Whether *text*, a user's, seems to want words for another mouth: a letter, a scene."""
    return any(_WRITING.matches(read_part(text)))
