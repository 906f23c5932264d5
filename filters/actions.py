"""What functions do, judged by their names: look something up, or act."""

from __future__ import annotations

import re

from simkit.filters.grounding.normal_text import name_words

_LOOKS = re.compile(
    r"analyze|browse|calculate|check|compare|compute|convert|count|describe|detect|display|"
    r"estimate|fetch|find|get|list|lookup|look|predict|preview|query|read|retrieve|search|"
    r"show|think|track|translate|validate|verify|view"
)
"""How names of functions begin that change nothing."""


def only_looks(function: str) -> bool:
    """Whether the function of this name plainly changes nothing; in doubt it may.

    ``check_in`` and ``find_and_book`` do more than look.
    """
    words = name_words(function)
    if not words or not _LOOKS.fullmatch(words[0]) or "and" in words:
        return False
    return words[0] != "check" or words[1:2] not in (("in",), ("out",))
