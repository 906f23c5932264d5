"""Names for the communities of a function graph, from what their functions are called."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from simkit.graph.catalogs.names import words_of

_WORDS_IN_A_NAME = 2
_MOST_WORDS = 5
_LONGEST_WORD = 30
_WORD = re.compile(r"(?<!\S)[a-z]{3,}(?!\S)")
_SAY_LITTLE_TEXT = """
    add all and api are batch calculate calculator cancel check compute convert count create data
    delete details determine edit endpoint fetch file find for from function generate get has info
    information item items list make manage new query read remove request retrieve run search set
    show tool update use using value values view with write
"""
_SAY_LITTLE = frozenset(_SAY_LITTLE_TEXT.split())
"""Words of function names that say what is done, not to what."""


def community_names(names: Sequence[str], communities: Sequence[int], total: int) -> list[str]:
    """A name for each community: the words most telling of its functions' names.

    A word counts for more, the more functions of the community have it and the fewer others
    do (tf-idf). Words are of the letters a to z; names are unique: one already given to an
    earlier community gets further words, in the end a number.

    Args:
        names: Of all functions.
        communities: The community of each function; below 0 for none.
        total: How many communities there are.
    """
    words = [_telling_words(name) for name in names]
    functions_with = Counter(word for some in words for word in some)
    inside: list[Counter[str]] = [Counter() for _ in range(total)]
    for some, community in zip(words, communities, strict=True):
        if community >= 0:
            inside[community].update(some)
    given: dict[str, None] = {}
    for number, counts in enumerate(inside, start=1):
        ranked = sorted(
            counts,
            key=lambda word: (
                -counts[word] * math.log(1 + len(names) / functions_with[word]),
                word,
            ),
        )
        given[_unused_name(ranked, number, given)] = None
    return list(given)


def _telling_words(name: str) -> frozenset[str]:
    words = _WORD.findall(words_of(name))
    return frozenset(word[:_LONGEST_WORD] for word in words if word not in _SAY_LITTLE)


def _unused_name(ranked: Sequence[str], number: int, taken: dict[str, None]) -> str:
    """The shortest unused name of the first of the *ranked* words."""
    for words in range(_WORDS_IN_A_NAME, _MOST_WORDS + 1):
        name = " ".join(ranked[:words])
        if name and name not in taken:
            return name
    return f"{' '.join(ranked[:_WORDS_IN_A_NAME]) or 'community'} {number}"
