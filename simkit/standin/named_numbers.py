"""Plausible ranges for the numbers of a field, guided by the words of its name."""

from __future__ import annotations

from dataclasses import dataclass

from simkit.standin.words import YEAR, words_of


@dataclass(frozen=True, slots=True)
class NumberRange:
    """From *low* to *high*, both included, with so many decimals."""

    low: float
    high: float
    decimals: int = 0


def range_for(name: str, description: str) -> NumberRange:
    """The range of the first word that says something; the description asked last."""
    for words in (words_of(name), words_of(description[:200])):
        for triggers, span in _RULES:
            if not triggers.isdisjoint(words):
                return span
    return NumberRange(1, 100, 1)


def _rule(triggers: str, *span: int) -> tuple[frozenset[str], NumberRange]:
    return frozenset(triggers.split()), NumberRange(*span)


_RULES = (
    _rule("latitude lat", -60, 70, 4),
    _rule("longitude lon lng", -179, 179, 4),
    _rule("year", YEAR, YEAR),
    _rule("month", 1, 12),
    _rule("weekday", 1, 7),
    _rule("hour", 0, 23),
    _rule("age", 18, 80),
    _rule("percent percentage humidity", 0, 100, 1),
    _rule("probability ratio fraction confidence", 0, 1, 2),
    _rule("rating star", 1, 5, 1),
    _rule("temperature celsius", -10, 35, 1),
    _rule("id", 10_000, 99_999),
    _rule("timestamp epoch", 1_767_225_600, 1_798_761_599),  # within 2026
    _rule("salary pay income", 2000, 9000, 2),
    _rule("price amount cost fee total balance budget tax tip share revenue", 5, 500, 2),
    _rule("rate", 0, 10, 3),
    _rule("minute", 15, 240),
    _rule("second", 1, 600),
    _rule("day night", 1, 14),
    _rule("week", 1, 8),
    _rule("height length width depth cm", 10, 200, 1),
    _rule("weight kg", 1, 90, 1),
    _rule("distance radius km mile", 1, 50, 1),
    _rule("score", 0, 100, 1),
    _rule("page offset index position order level priority", 1, 10),
    _rule("limit size maximum max", 5, 50),
    _rule("count number quantity guest person adult people item participant", 1, 8),
)
