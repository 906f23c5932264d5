"""Singular and plural of English words, as far as names of fields need it."""

from __future__ import annotations

_SAME_LIST = """
    access address alias analysis atlas basis bias bonus bus business campus canvas census
    chassis class corpus cosmos cross diagnosis dns emphasis express focus gas gps hypothesis
    is lens less loss mathematics news os pass physics plus press process progress radius
    series sms species status synopsis synthesis thesis this tls virus was
"""
_SAME = frozenset(_SAME_LIST.split())
_IRREGULAR = {
    "analyses": "analysis",
    "children": "child",
    "criteria": "criterion",
    "indices": "index",
    "men": "man",
    "matrices": "matrix",
    "people": "person",
    "statuses": "status",
    "vertices": "vertex",
    "women": "woman",
}
_PLURALS = {one: many for many, one in _IRREGULAR.items()}


def singular(word: str) -> str:
    """``orders`` gives ``order``, ``cities`` gives ``city``; a word in the singular stays."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or word in _SAME or not word.endswith("s") or word.endswith(("ss", "us")):
        return word
    if word.endswith("ies") and len(word) > 4 and word not in ("movies", "cookies", "calories"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zzes")):
        return word[:-2]
    return word[:-1]


def plural(word: str) -> str:
    """``order`` gives ``orders``; a word in the plural stays."""
    if word in _PLURALS:
        return _PLURALS[word]
    if is_plural(word) or word in ("data", "information", "news", "series"):
        return word
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("ch", "sh", "s", "x", "z")) else "s")


def is_plural(word: str) -> bool:
    """Whether *word* says that there are many."""
    return singular(word) != word
