"""Dates in text, as far as they are stated: the year or the day may be missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from simkit.filters.grounding.normal_text import listed
from simkit.filters.phrases import Phrase

_MONTHS = listed(
    "january february march april may june july august september october november december"
)
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?\b"
_UNTIL = (
    r"(?:\s{0,3}(?:-|–|to|and|until|through|or|,|&)\s{0,3}(?:the\s)?"
    r"(?P<until>[0-3]?\d)(?:st|nd|rd|th)?\b(?![:/-]))?"
)
_ISO = re.compile(
    rf"(?<!\d){_YEAR}[-/.](?P<month>[01]?\d)(?:[-/.](?P<day>[0-3]?\d))?(?!\d)|"
    rf"(?<!\d)(?P<year8>20\d\d)(?P<month8>0[1-9]|1[0-2])(?P<day8>[0-3]\d)(?!\d)"
)
_NUMERIC = re.compile(
    r"(?<![\d/.-])(?P<a>[0-3]?\d)(?:/(?P<b>[0-3]?\d)(?:/(?P<year>(?:19|20)?\d\d))?|"
    r"(?P<mark>[.-])(?P<b2>[0-3]?\d)(?P=mark)(?P<year2>(?:19|20)?\d\d))(?![\d/]|[.-]\d)"
)
_MONTH_FIRST = re.compile(
    rf"\b{_MONTH}\s{{0,3}}(?:the\s)?{_DAY}{_UNTIL}(?:,?\s{{1,3}}(?:of\s)?{_YEAR})?", re.IGNORECASE
)
_DAY_FIRST = re.compile(
    rf"(?<![\d:.]){_DAY}{_UNTIL}\s{{0,3}}(?:day\s)?(?:of\s)?[-\s]?{_MONTH}(?:,?[-\s]{{1,3}}{_YEAR})?",
    re.IGNORECASE,
)
_MONTH_ONLY = re.compile(rf"\b{_MONTH}(?:,?\s{{1,3}}(?:of\s)?{_YEAR})?", re.IGNORECASE)
_NOT_ONLY_MONTHS = frozenset(["may", "mar", "march", "jan", "dec"])
"""Other words, in lower case."""
_DAY_ONLY = re.compile(r"\b(?:on|the)\s+([0-3]?\d)(?:st|nd|rd|th)\b", re.IGNORECASE)
# What may not stand before is asked after what is sought: `re` finds first characters faster.
_YEAR_ONLY = re.compile(rf"{_YEAR}(?<![\d.]\d{{4}})(?![\d.]?\d)")
_SHORT_YEAR = re.compile(r"['’](\d\d)(?<![\w'’]['’]\d\d)(?![\w'’])")
_QUARTER = Phrase(
    r"\bQ(?P<quarter>[1234])[\s,/-]{0,3}(?:of\s)?(?P<year>(?:19|20)\d\d)\b|"
    r"\b(?P<year2>(?:19|20)\d\d)[\s/-]{0,3}Q(?P<quarter2>[1234])\b"
)
_COUNTS = {"a": 1, "an": 1, "couple of": 2} | {
    word: number
    for number, word in enumerate(
        listed("one two three four five six seven eight nine ten eleven twelve thirteen fourteen"),
        start=1,
    )
}
_DAYS_IN = {"day": (1,), "night": (1,), "week": (7,), "month": (28, 29, 30, 31), "year": (365, 366)}
_SPAN = Phrase(
    rf"\b(\d{{1,3}}|{'|'.join(_COUNTS)})[\s-](?:full\s|more\s)?({'|'.join(_DAYS_IN)})s?\b"
)
_YEAR_MONTH = re.compile(r"((?:19|20)\d\d)-(0[1-9]|1[0-2])")
_ORDINALS = {
    word: f"{number}th"
    for number, word in enumerate(
        listed(
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
            "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth "
            "twenty-first twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth "
            "twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"
        ),
        start=1,
    )
}
_ORDINAL = re.compile(
    r"\b((?:twenty|thirty)[- ](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|"
    + "|".join(word for word in _ORDINALS if "-" not in word)
    + r")\b",
    re.IGNORECASE,
)
# Without these a text has no date of the kind; they spare most texts the closer look.
_HAS_DIGIT = re.compile(r"\d")
_HAS_NUMERIC = re.compile(r"\d(?:[-/.]\d|\d{7})")
_HAS_DAY_TH = re.compile(r"\d(?:st|nd|rd|th)", re.IGNORECASE)
_HAS_MONTH = Phrase(r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec")
_HAS_ORDINAL = re.compile(r"first|second|third|th\b")


@dataclass(frozen=True, slots=True)
class StatedDate:
    """A date as far as somebody stated it."""

    year: int | None
    month: int | None
    day: int | None


def dates_in(text: str) -> Iterator[StatedDate]:
    """Every date of *text*, in each way it may be read; the same one may come twice.

    ISO dates, numeric ones (``5/6`` is the 5th of June and the 6th of May), months by name
    with day, with year or alone, the day of a month alone (``the 5th``) and years alone, also
    as ``'22``. A quarter of a year (``Q1 2024``) is its first and last day and the day after.
    """
    lower = text.lower()
    if _HAS_ORDINAL.search(lower):
        text = _ORDINAL.sub(lambda word: _ORDINALS[word[0].lower().replace(" ", "-")], text)
    has_digit, has_month = _HAS_DIGIT.search(text), _HAS_MONTH.search(text)
    if has_digit:
        yield from _numeric_dates_in(text)
    if has_digit and has_month:
        for pattern in (_MONTH_FIRST, _DAY_FIRST):
            for found in pattern.finditer(text):
                for day in filter(None, (found["day"], found["until"])):
                    yield from _stated(found["year"], _month(found["month"]), day)
            text = pattern.sub(" ", text)
    if has_month:
        for found in _MONTH_ONLY.finditer(text):
            if found["month"] not in _NOT_ONLY_MONTHS:
                yield from _stated(found["year"], _month(found["month"]), None)
    if has_digit and _HAS_DAY_TH.search(text):
        for day_text in _DAY_ONLY.findall(text):
            yield StatedDate(None, None, int(day_text))
    if has_digit:
        for found in _YEAR_ONLY.finditer(text):
            yield StatedDate(int(found["year"]), None, None)
        for short in _SHORT_YEAR.findall(text):
            for year in (f"19{short}", f"20{short}"):
                yield StatedDate(int(year), None, None)
        for found in _QUARTER.finditer(text):
            yield from _bounds_of_quarter(
                int(found["year"] or found["year2"]), int(found["quarter"] or found["quarter2"])
            )


def _bounds_of_quarter(year: int, quarter: int) -> Iterator[StatedDate]:
    first = date(year, 3 * quarter - 2, 1)
    after = date(year + quarter // 4, 3 * quarter % 12 + 1, 1)
    for day in (first, after - timedelta(1), after):
        yield StatedDate(day.year, day.month, day.day)


def _numeric_dates_in(text: str) -> Iterator[StatedDate]:
    if not _HAS_NUMERIC.search(text):
        return
    for found in _ISO.finditer(text):
        at = "" if found["year"] else "8"
        yield from _stated(found["year" + at], found["month" + at], found["day" + at])
    for found in _NUMERIC.finditer(text):
        first, second = found["a"], found["b"] or found["b2"]
        for year in _years(found["year"] or found["year2"]):
            yield from _stated(year, first, second)
            yield from _stated(year, second, first)


def calendar_dates_in(text: str) -> list[tuple[str, date]]:
    """The dates of *text* that stand there with year, month and day, unmistakably.

    Each with its spelling. ``03/04/2024`` is two dates, so it is none here.
    """
    found: list[tuple[str, date]] = []
    if not _HAS_DIGIT.search(text):
        return found
    for pattern in (_ISO, _MONTH_FIRST, _DAY_FIRST):
        for match in pattern.finditer(text):
            at = "8" if pattern is _ISO and not match["year"] else ""
            year, month, day = match["year" + at], match["month" + at], match["day" + at]
            if year and day:
                named = month if month.isdigit() else _month(month)
                exact = _calendar_date(int(year), int(named), int(day))
                if exact is not None:
                    found.append((match[0].strip(), exact))
    return found


def spans_in(text: str) -> Iterator[int]:
    """The days of each span of time in *text*: ``three nights``, ``2 weeks``, ``a month``."""
    for found in _SPAN.finditer(text):
        count, unit = found.groups()
        number = int(count) if count.isdigit() else _COUNTS[count.lower()]
        for days in _DAYS_IN[unit.lower()]:
            yield number * days


def months_in(text: str) -> list[tuple[str, date]]:
    """The first day of the month that *text* as a whole is, as ``2026-03``; with its spelling."""
    found = _YEAR_MONTH.fullmatch(text.strip())
    first = None if found is None else _calendar_date(int(found[1]), int(found[2]), 1)
    return [] if found is None or first is None else [(found[0], first)]


def _years(year: str | None) -> tuple[str | None, ...]:
    """The years that *year* may be: two digits leave the century open."""
    return (f"19{year}", f"20{year}") if year is not None and len(year) == 2 else (year,)


def _stated(year: str | None, month: str | int, day: str | None) -> Iterator[StatedDate]:
    number = int(month)
    full = None if year is None else int(year)
    if 1 <= number <= 12 and (day is None or 1 <= int(day) <= 31):
        yield StatedDate(full, number, None if day is None else int(day))


def _month(name: str) -> int:
    return next(at for at, month in enumerate(_MONTHS, 1) if month.startswith(name.lower()[:3]))


def _calendar_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
