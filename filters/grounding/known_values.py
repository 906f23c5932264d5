"""The index of everything that sources have given so far."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from simkit.filters.grounding.dates import StatedDate, dates_in, spans_in
from simkit.filters.grounding.normal_text import compact, name_words, stem, words_of
from simkit.filters.grounding.numbers import follows_from, key_of, numbers_in
from simkit.traces.shallow_json import parse_json

MOST_TEXT = 1_000_000
"""Characters that are indexed; what a conversation gives beyond is not looked at."""
_COMBINED = 40
"""Known numbers that others are made of: the latest ones."""
_ALWAYS_NEAR = (1, 7)
"""Days by which a date may lie from a known one without anybody having said so."""
_MOST_SEARCHES = 5_000
"""Searches through all that was said; afterwards everything counts as said."""
_LONGEST_SPAN = 400
"""Days."""
_DIGITS = re.compile(r"\d+")
_MOST_DIGITS = 4
_APART = " | "
_SHORT = 3
"""Letters and digits up to which a value is found as a whole word only."""


class KnownValues:
    """What users, results and definitions have said, to be asked where a value comes from.

    Grows as the conversation does: `add_text` and `add_result` cost time in proportion to
    the text, and each question but the substring searches takes constant time. Numbers and
    dates are read when one is asked for, which many conversations never do; each text is read
    once. Beyond `MOST_TEXT` characters nothing is added, and `is_full` says so: then it cannot
    be told any more what is unknown.
    """

    def __init__(self) -> None:
        self._room = MOST_TEXT
        self._searches = _MOST_SEARCHES
        self._words: set[str] = set()
        self._stems: set[str] = set()
        self._runs: list[str] = []
        self._found: set[str] = set()
        self._unread: list[tuple[list[float], str]] = []
        """Numbers, and the texts that came with them."""
        self._integers: set[int] = set()
        """Up to four digits that stand together, whatever is around them."""
        self._numbers: set[float] = set()
        self._latest: deque[float] = deque(maxlen=_COMBINED)
        self._dates: dict[StatedDate, None] = {}
        self._months: dict[int | None, set[int | None]] = {}
        self._spans = dict.fromkeys(_ALWAYS_NEAR)

    @property
    def is_full(self) -> bool:
        return self._room <= 0

    @property
    def years(self) -> set[int]:
        """Every year that was named."""
        self._read_on()
        return {stated.year for stated in self._dates if stated.year is not None}

    def add_text(self, text: str) -> None:
        """Learn what *text* says."""
        self._add_texts([text], [])

    def add_result(self, text: str) -> None:
        """Learn what a tool returned: its keys, its values and how many there are."""
        try:
            value = parse_json(text)
        except ValueError:
            value = text
        self.add_value(value)

    def add_value(self, value: Any) -> None:
        """Learn a JSON value with all that is in it."""
        texts: list[str] = []
        numbers: list[float] = []
        _collect(value, texts, numbers)
        self._add_texts(texts, numbers)

    def _add_texts(self, texts: list[str], numbers: list[float]) -> None:
        said: list[str] = []
        for text in texts:
            self._room -= len(text)
            if self.is_full:
                break
            said.append(text)
            words = words_of(text)
            self._words.update(words)
            self._stems.update(map(stem, words))
            self._runs.append("".join(words))
        # At once, which costs less; no number and no date reaches over the marks.
        self._unread.append((numbers, _APART.join(said)))

    def _read_on(self) -> None:
        for numbers, together in self._unread:
            self._read(numbers, together)
        self._unread.clear()

    def _read(self, numbers: list[float], together: str) -> None:
        for number in (*numbers, *numbers_in(together)):
            self._add_number(number)
        runs = (run for run in _DIGITS.findall(together) if len(run) <= _MOST_DIGITS)
        self._integers.update(map(int, runs))
        dates = dict.fromkeys(dates_in(together))
        self._dates.update(dates)
        for stated in dates:
            self._months.setdefault(stated.year, set()).add(stated.month)
        self._numbers.update(float(stated.year) for stated in dates if stated.year is not None)
        spans = (days for days in spans_in(together) if days < _LONGEST_SPAN)
        self._spans.update(dict.fromkeys(spans))

    def _add_number(self, number: float) -> None:
        key = key_of(number)
        if key not in self._numbers:
            self._numbers.add(key)
            self._latest.append(key)

    def has_word(self, word: str) -> bool:
        """Whether the folded *word* was said as it is."""
        return word in self._words

    def has_like(self, word: str) -> bool:
        """Whether some inflected form of the folded *word* was said."""
        return stem(word) in self._stems

    def has_run(self, text: str) -> bool:
        """Whether the letters and digits of *text* were said in this order, within one text."""
        run = compact(text)
        if not run or run in self._words or run in self._found:
            return True
        if len(run) <= _SHORT:
            return False
        self._searches -= 1
        if self._searches >= 0 and not any(run in said for said in self._runs):
            return False
        self._found.add(run)
        return True

    def has_number(self, number: float) -> bool:
        """Whether *number* was said, whatever its sign."""
        self._read_on()
        return key_of(number) in self._numbers

    def gives_number(self, number: float) -> bool:
        """Whether *number* was said or follows from what was said, see `follows_from`."""
        return self.has_number(number) or follows_from(number, self._numbers, self._latest)

    def has_date(self, day: date) -> bool:
        """Whether *day* was said, at least by its month or by its day of the month.

        A year alone means its first and its last day.
        """
        self._read_on()
        if StatedDate(day.year, None, None) in self._dates and _bounds_year(day):
            return True
        return any(
            StatedDate(year, month, number) in self._dates
            for year in (day.year, None)
            for month, number in ((day.month, day.day), (day.month, None), (None, day.day))
        )

    def has_digits_of(self, day: date) -> bool:
        """Whether the day of the month of *day* stands in some digits, and its year, too, if
        any year was named: all that can be read of a date in a language that is not."""
        has_year = not self.years or day.year in self._integers
        return has_year and day.day in self._integers

    def has_month(self, day: date) -> bool:
        """Whether the month of *day* was said, alone or as that of a date."""
        self._read_on()
        return day.month in self._months.get(day.year, ()) or day.month in self._months.get(
            None, ()
        )

    def gives_date(self, day: date) -> bool:
        """Whether *day* was said or lies a span of time from one that was, see `reachable`."""
        return self.has_date(day) or any(self.has_date(other) for other in self.reachable(day))

    def reachable(self, day: date) -> Iterator[date]:
        """The days that lie a span of time that was said, or a day or a week, from *day*."""
        self._read_on()
        for days in self._spans:
            for step in (-days, days):
                try:
                    yield day + timedelta(step)
                except OverflowError:
                    continue


def _collect(value: Any, texts: list[str], numbers: list[float]) -> None:
    """Add the texts in *value* to *texts*, and its numbers to *numbers*."""
    if isinstance(value, dict):
        texts.append(" ".join(" ".join([key, *name_words(key)]) for key in value))
        for item in value.values():
            _collect(item, texts, numbers)
    elif isinstance(value, list):
        numbers.append(len(value))
        for item in value:
            _collect(item, texts, numbers)
    elif isinstance(value, str):
        texts.append(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        texts.append(str(value))
        numbers.append(value)


def _bounds_year(day: date) -> bool:
    return (day.month, day.day) in ((1, 1), (12, 31))
