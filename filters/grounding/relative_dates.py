"""Dates that are said relative to the day of speaking, and statements of which day that is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from simkit.filters.grounding.dates import calendar_dates_in
from simkit.filters.grounding.normal_text import listed, name_words
from simkit.filters.phrases import Phrase, in_lower_case

Fits = Callable[[date, date], bool]
"""Whether the second date can be meant, when the first is today's."""

_WEEKDAYS = listed("monday tuesday wednesday thursday friday saturday sunday")
_WEEKDAY = rf"(?P<weekday>{'|'.join(_WEEKDAYS)})"
_COUNT = r"(?P<count>\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten)"
_COUNTS = {"a": 1, "an": 1} | {
    word: number
    for number, word in enumerate(listed("one two three four five six seven eight nine ten"), 1)
}
_DAYS_IN = {"day": 1, "week": 7, "month": 30, "year": 365}
_SLACK = {"day": 0, "week": 1, "month": 3, "year": 3}
"""Days by which a count of such units may be off."""


@dataclass(frozen=True, slots=True)
class RelativeDate:
    """One relative date that was said."""

    text: str
    fits: Fits
    is_vague: bool = False
    """It names no day, week, month or year, so it says little against any date."""


def _within(first: int, last: int) -> Fits:
    return lambda today, day: first <= (day - today).days <= last


def _months_on(count: int) -> Fits:
    def fits(today: date, day: date) -> bool:
        return (day.year - today.year) * 12 + day.month - today.month == count

    return fits


def _years_on(count: int) -> Fits:
    return lambda today, day: day.year - today.year == count


_PLAIN: tuple[tuple[str, Fits], ...] = (
    (r"(?:the )?day after tomorrow", _within(2, 2)),
    (r"(?:the )?day before yesterday", _within(-2, -2)),
    (r"(?<!day after )tomorrow", _within(1, 1)),
    (r"(?<!day before )yesterday|last night", _within(-1, -1)),
    (r"today|this (?:morning|afternoon|evening)", _within(0, 0)),
    (r"tonight", _within(0, 1)),
    (r"next week(?:end)?", _within(1, 14)),
    (r"(?:this|the coming|upcoming|coming) week(?:end)?", _within(-6, 9)),
    (r"(?:last|past) week(?:end)?", _within(-14, 0)),
    (r"next month", _months_on(1)),
    (r"this month", _months_on(0)),
    (r"last month", _months_on(-1)),
    (r"next year", _years_on(1)),
    (r"this year", _years_on(0)),
    (r"last year", _years_on(-1)),
)
_PLAIN_PHRASES = tuple((Phrase(rf"\b(?:{words})\b"), fits) for words, fits in _PLAIN)
_OF_WEEKDAY = Phrase(
    rf"\b(?:(?P<which>next|this|coming|upcoming|last|past|every|each)\s)?{_WEEKDAY}\b"
)
_COUNTED = Phrase(
    rf"\b(?:(?P<before>in|within)\s+)?{_COUNT}\s+(?P<unit>day|week|month|year)s?"
    r"(?:\s+(?P<after>from (?:now|today)|ago))?\b"
)
_VAGUE = Phrase(
    r"\b(?:recent(?:ly)?|latest|weekends?|the (?:past|last|next|coming) (?:\w{1,10} )?"
    r"(?:days|weeks|months|years)|christmas|easter|thanksgiving|halloween|new year'?s?|"
    r"valentine'?s?|spring|summer|autumn|winter|quarter|semester)\b"
)
_NOT_MEANT = re.compile(
    r"\b(?:(?:how|what) (?:can|may) (?:i|you) (?:do|help|assist)[^.?!\n]{0,30} today"
    r"|(?:how are (?:you|things)|how is your day)[^.?!\n]{0,20} today"
    r"|(?:help|assist)(?:ed|ing)?(?: (?:me|you|us))?(?: with [^.?!\n]{1,30})? today\s*[.?!]"
    r"|thanks?[^.?!\n]{0,40} today)",
    re.IGNORECASE,
)
"""Politeness that names the day without meaning it."""

_STATED = Phrase(
    r"\b(?:current (?:date|time|day|datetime|date and time)|today(?:['’]s date)?|date today|"
    r"it is now|now is|right now it is)\b(?P<rest>[^\n]{0,60})"
)
_CLOCK_KEYS = frozenset(
    listed(
        "today now timestamp current_date current_time current_datetime current_day server_time "
        "system_time local_time localtime as_of retrieved_at generated_at todays_date"
    )
)


def relative_dates_in(text: str) -> Iterator[RelativeDate]:
    """Every relative date of *text*; polite phrases that only mention the day are none."""
    if "today" in in_lower_case(text):
        text = _NOT_MEANT.sub(" ", text)
    for phrase, fits in _PLAIN_PHRASES:
        for found in phrase.finditer(text):
            yield RelativeDate(found[0], fits)
    for found in _OF_WEEKDAY.finditer(text):
        which = (found["which"] or "").lower()
        if which not in ("every", "each"):
            yield RelativeDate(found[0], _on_weekday(which, found["weekday"]))
    for found in _COUNTED.finditer(text):
        if found["after"] or (found["before"] or "").lower() == "in":
            yield RelativeDate(found[0], _counted(found))
    for found in _VAGUE.finditer(text):
        yield RelativeDate(found[0], lambda today, day: True, is_vague=True)


def _on_weekday(which: str, weekday: str) -> Fits:
    number = _WEEKDAYS.index(weekday.lower())
    first, last = (-14, 0) if which in ("last", "past") else (0, 14)
    return lambda today, day: day.weekday() == number and first <= (day - today).days <= last


def _counted(found: re.Match[str]) -> Fits:
    said, unit = found["count"].lower(), found["unit"].lower()
    count = _COUNTS[said] if said in _COUNTS else int(said)
    if (found["after"] or "").lower() == "ago":
        count = -count
    middle, slack = count * _DAYS_IN[unit], _SLACK[unit] * max(1, abs(count))
    return _within(middle - slack, middle + slack)


def clocks_in(text: str) -> Iterator[date | None]:
    """What *text* says of the current date: None where it says it in a way not understood."""
    for found in _STATED.finditer(text):
        dates = calendar_dates_in(found["rest"])
        if dates:
            yield dates[0][1]
        elif re.search(r"\b(?:is|:|=)\s*\W{0,3}\d", found["rest"]):
            yield None


def clock_at(key: str, value: Any) -> date | None:
    """The current date that a result gives at *key*, e.g. ``current_date``; or None."""
    if not isinstance(value, str) or "_".join(name_words(key)) not in _CLOCK_KEYS:
        return None
    dates = calendar_dates_in(value)
    return dates[0][1] if dates else None


def is_clock(function: str) -> bool:
    """Whether the results of *function* tell the current date, by its name."""
    words = set(name_words(function))
    return bool(words & {"current", "now", "today", "todays", "clock"}) and bool(
        words & {"date", "time", "datetime", "day", "clock", "today", "now", "todays"}
    )
