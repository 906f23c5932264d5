"""What a conversation's sources have said: the user, the results and the functions' schemas."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from simkit.filters.grounding.numbers import numbers_in
from simkit.filters.retelling.stated_values import Stated, stated_values
from simkit.traces.shallow_json import parse_json

_LONGEST = 200_000
"""Characters that are read of one text."""
_MOST = 600
"""Numbers that are calculated with; of more, the latest."""
_FEW = 8
"""Numbers that are calculated with whatever the text is about."""
_DIGITS = re.compile(r"\d{1,15}")
_SPACED = re.compile(r"\d{1,3}(?:\s\d{3})+")
"""One number as French writes it, or several that stand side by side."""
_YEAR = re.compile(r"(?:[:,\[]|^)\s?\"?(?:19|20)\d\d\b\"?\s?(?:[,}\]]|$)")
_DIGIT = re.compile(r"\d")
_PART_BEFORE, _PART_AFTER = re.compile(r"[\w.,-]"), re.compile(r"\w|[.,:-]\w")
_SMALL = 12.0
_COMMON = frozenset([15.0, 20.0, 24.0, 25.0, 30.0, 36.0, 48.0, 50.0, 60.0, 72.0, 90.0, 100.0])
"""What people say without a source: so many hours, minutes, days or percent."""
_FACTORS = (2, 100, 1000, 10**6, 60, 3600, 1.609344, 2.204623, 3.28084, 2.54, 3.6)
"""Between units of the same thing: of money, time, length, mass, speed."""


class _Reading(NamedTuple):
    """What one text gives."""

    stated: tuple[Stated, ...]
    written: frozenset[float]
    """All that is written in digits or words, in the middle of a code or a date, too."""
    gives_year: bool
    """Whether a year stands by itself in some JSON."""
    lists: tuple[int, ...]
    """How many things are in each list of a JSON text."""
    totals: tuple[float, ...]
    """Of lists of numbers, and of columns of lists of objects."""


class GivenValues:
    """An index of values, built as the conversation goes on.

    Texts are read when a value is asked for that does not stand in them word for word, which
    is seldom; each is read once, and a definition once for many conversations.
    """

    def __init__(self) -> None:
        self._plain: dict[str, set[str]] = {"email": set(), "code": set(), "time": set()}
        self._dates: dict[str, set[str]] = {}
        self._written: set[float] = set()
        self._amounts: dict[float, None] = {}
        """What stands as a number of its own, the latest last; only these are calculated with."""
        self._sorted: list[float] = []
        self._texts: list[str] = []
        self._unread: list[tuple[Callable[[str], _Reading], str]] = []
        self._longest_list = 0
        self._gives_years = False
        self.has_results = False

    def learn(self, text: str) -> None:
        """Take in what a source says."""
        self._learn(text, _read)

    def learn_definition(self, tool_json: bytes) -> None:
        """Take in what the definition of a function says."""
        self._learn(tool_json.decode(errors="replace"), _read_definition)

    def learn_result(self, text: str) -> None:
        """Take in a result: its text, and how many things are in its lists."""
        self.has_results = True
        self.learn(text)

    def _learn(self, text: str, read: Callable[[str], _Reading]) -> None:
        self._texts.append(text[:_LONGEST].lower())
        self._unread.append((read, text[:_LONGEST]))

    @property
    def gives_years(self) -> bool:
        """Whether a year stands by itself in some JSON."""
        self._read_on()
        return self._gives_years

    def holds(self, stated: Stated, *, calculates: bool = True) -> bool:
        """Whether the sources give this value, as it is or rewritten, rounded or calculated.

        Args:
            stated: The value.
            calculates: Whether the text speaks of calculating there. Where it does not, sums
                and products count among a few numbers only: of many, almost any number is one.
        """
        shown = stated.shown.lower()
        is_in_time = stated.kind in ("date", "time")
        if any(shown in text and _stands_in(text, shown, is_in_time) for text in self._texts):
            return True
        self._read_on()
        if stated.kind == "date":
            years = self._dates.get(stated.value)
            return years is not None and (not stated.year or "" in years or stated.year in years)
        if stated.kind == "number":
            if self._holds_number(float(stated.value), float(stated.step), calculates):
                return True
            apart = _DIGITS.findall(stated.shown) if _SPACED.fullmatch(stated.shown) else []
            return bool(apart) and all(self._holds_number(float(d), 1, calculates) for d in apart)
        if stated.value in self._plain[stated.kind]:
            return True
        return stated.kind == "code" and any(stated.value in text for text in self._texts)

    def _read_on(self) -> None:
        for read, text in self._unread:
            self._add_all(read(text))
        self._unread = []

    def _add_all(self, reading: _Reading) -> None:
        for stated in reading.stated:
            if stated.kind == "date":
                self._dates.setdefault(stated.value, set()).add(stated.year)
            elif stated.kind == "number":
                self._add(float(stated.value))
            else:
                self._plain[stated.kind].add(stated.value)
        self._written |= reading.written
        self._gives_years = self._gives_years or reading.gives_year
        self._longest_list = max(self._longest_list, *reading.lists, 0)
        for total in reading.totals:
            self._add(total)

    def _add(self, number: float) -> None:
        self._amounts.pop(number, None)
        self._amounts[number] = None
        self._sorted = []

    def _holds_number(self, number: float, step: float, calculates: bool) -> bool:
        if number <= max(_SMALL, self._longest_list) or number in _COMMON:
            return True
        if number in self._written:
            return True
        if not self._sorted:
            self._sorted = sorted(list(self._amounts)[-_MOST:])
        near = step * 0.501
        if self._is_near(number, near) or self._is_converted(number, near):
            return True
        return (calculates or len(self._sorted) <= _FEW) and self._is_calculated(number, near)

    def _is_near(self, number: float, near: float) -> bool:
        """Whether a known number is it when rounded; cutting off digits counts as rounding."""
        at = bisect_left(self._sorted, number - near)
        return at < len(self._sorted) and self._sorted[at] < number + 1.99 * near

    def _is_converted(self, number: float, near: float) -> bool:
        return (
            any(self._is_near(number * f, near * f) for f in _FACTORS)
            or any(self._is_near(number / f, near / f) for f in _FACTORS)
            or self._is_near((number - 32) / 1.8, near)
            or self._is_near(number * 1.8 + 32, near)
        )

    def _is_calculated(self, number: float, near: float) -> bool:
        known = self._sorted
        large = known[bisect_right(known, _SMALL) :]
        return (
            any(self._is_near(number - one, near) for one in large if number - one > _SMALL)
            or any(self._is_near(number + one, near) for one in large)
            or any(self._is_near(number / one, near / one) for one in known if one > 1)
            or any(self._is_near(number * one, near * one) for one in known if one > 1)
            or any(self._is_near(number / share, near / share) for share in _shares(known))
        )


def _read(text: str) -> _Reading:
    lists = list(_lists_in(text))
    return _Reading(
        stated=tuple(stated_values(text)),
        written=frozenset(map(float, _DIGITS.findall(text))).union(numbers_in(text)),
        gives_year=_YEAR.search(text) is not None,
        lists=tuple(map(len, lists)),
        totals=tuple(total for items in lists for total in _totals(items)),
    )


_read_definition = lru_cache(maxsize=2048)(_read)  # the conversations of a run share them


def _stands_in(text: str, shown: str, is_in_time: bool) -> bool:
    """Whether *shown* is in *text* word for word, and not as a part of something longer.

    Dates and times may have letters around them, as in ``2026-05-24T14:30:00Z``.
    """
    before, after = (_DIGIT, _DIGIT) if is_in_time else (_PART_BEFORE, _PART_AFTER)
    at = text.find(shown)
    while at >= 0:
        end = at + len(shown)
        if not before.match(text, max(0, at - 1), at) and not after.match(text, end, end + 2):
            return True
        at = text.find(shown, end)
    return False


def _shares(known: list[float]) -> Iterator[float]:
    """What a known percentage makes of the whole: itself, what is left, and what it adds up to."""
    for percentage in known[bisect_right(known, 0.1) : bisect_left(known, 100)]:
        yield percentage / 100
        yield 1 - percentage / 100
        yield 1 + percentage / 100


def _totals(items: list[Any]) -> Iterator[float]:
    """The sum of a list of numbers, or of each column of a list of objects."""
    columns: dict[str, float] = {}
    for item in items:
        for key, cell in item.items() if isinstance(item, dict) else [("", item)]:
            if isinstance(cell, (int, float)):
                columns[key] = columns.get(key, 0.0) + float(cell)
    return iter(columns.values())


def _lists_in(text: str) -> Iterator[list[Any]]:
    """Every list in a JSON text, in its order; in other texts there are none."""
    try:
        yield from _lists_within(parse_json(text))
    except ValueError:
        return


def _lists_within(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
        for item in value:
            yield from _lists_within(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _lists_within(item)
