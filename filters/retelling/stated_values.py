"""The values that a text states: e-mails, codes, dates, times and numbers, in normal form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Literal, NamedTuple

Kind = Literal["email", "code", "date", "time", "number"]

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(?P<{0}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<{0}>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?:(?:,|\sof)?\s{{1,2}}(?P<{0}>(?:19|20)\d\d))?"
_EMAIL = r"(?P<email>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4})"
_URL = r"(?P<url>(?:https?://|www\.)[^\s\"'<>;]{1,500})"
_ISO = r"(?<!\d)(?P<iy>(?:19|20)\d\d)[-/](?P<im>[01]?\d)[-/](?P<id>[0-3]?\d)(?!\d)"
_SLASHED = r"(?<![\d/])(?P<sa>[0-3]?\d)[/.](?P<sb>[0-3]?\d)[/.](?P<sy>(?:19|20)\d\d)(?!\d)"
_MONTH_DAY = (
    rf"\b{_MONTH.format('mm')}\s{{1,2}}{_DAY.format('md')}(?![\d:%]|\.\d){_YEAR.format('my')}\b"
)
_DAY_MONTH = (
    rf"\b{_DAY.format('dd')}(?:\s{{1,2}}of)?\s{{1,2}}{_MONTH.format('dm')}{_YEAR.format('dy')}\b"
)
_TIME = (
    r"(?:\b|(?<=\dT))(?P<h>[0-2]?\d):(?P<m>[0-5]\d)(?::[0-5]\d)?(?!\d)(?:\s?(?P<ap>[ap]\.?m\b))?"
    r"|\b(?P<h2>1?\d)\s?(?P<ap2>[ap]\.?m)\b"
)
_CODE = r"(?P<code>\b(?=[\w-]{0,40}\d)(?=[\w-]{0,40}[A-Za-z])\w[\w-]{2,60}\b)"
_PHONE = r"(?P<phone>(?<!\w)\+?\(?\d{1,4}\)?(?:[ .-]\d{2,5}){2,5}(?![\w]))"
_NUMBER = (
    r"(?<![\w.])(?P<n>\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?![\w.,:/-]\d|\d)|"
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,18}(?:\.\d{1,12})?)"
    r"(?P<scale>\s?(?:k|thousand|million|billion|mn|bn)\b)?(?!\w{3})"
)
_OTHERS = [_URL, _ISO, _SLASHED, _MONTH_DAY, _DAY_MONTH, _TIME, _PHONE, _CODE, _NUMBER]
_ANY = re.compile("|".join([_EMAIL, *_OTHERS]), re.IGNORECASE)
_ANY_BUT_EMAIL = re.compile("|".join([r"(?P<email>(?!))", *_OTHERS]), re.IGNORECASE)
_HAS_VALUE = re.compile(r"[\d@]")
_SEPARATORS = re.compile(r"[,\s]")
_SCALES = {"k": 10**3, "thousand": 10**3, "million": 10**6, "mn": 10**6, "billion": 10**9}
_SCALES["bn"] = 10**9
_ALSO_WORDS = re.compile(
    r"(?P<unit>\d+(?:\.\d+)?)\s?-?[a-z°%]{1,6}$"
    r"|(?P<ordinal>\d+)(?:st|nd|rd|th)$|[a-z]+-\d{1,3}$|\d+-[a-z-]+$|[a-z]+\d{1,2}$",
    re.IGNORECASE,
)
"""Tokens of letters and digits that are no code: ``25km``, ``3rd``, ``COVID-19``, ``B12``."""


class Stated(NamedTuple):
    """One value in a text."""

    kind: Kind
    value: str
    """In normal form: lower case; ``month-day`` and minutes since midnight as digits."""
    year: str = ""
    """Of a date, when it is told."""
    start: int = 0
    end: int = 0
    step: Decimal = Decimal(1)
    """Of a number: the unit of its last digit, so 0.1 of 21.5 and 100000 of 1.2 million."""
    shown: str = ""


def stated_values(text: str) -> Iterator[Stated]:
    """The values in *text*, in its order; web addresses, telephone numbers and what is cut off
    ("2026-04-2…") are passed over.

    Time is linear in the text.
    """
    if not _HAS_VALUE.search(text):
        return
    any_value = _ANY if "@" in text else _ANY_BUT_EMAIL
    for found in any_value.finditer(text):
        value = _read(found)
        if value is not None and text[found.end() : found.end() + 1] != "…":
            yield value._replace(start=found.start(), end=found.end(), shown=found[0].strip())


def _read(found: re.Match[str]) -> Stated | None:
    if found["email"]:
        return Stated("email", found["email"].lower().rstrip("."))
    if found["iy"]:
        return _date(found["im"], found["id"], found["iy"])
    if found["sa"]:
        return _date(found["sa"], found["sb"], found["sy"]) or _date(
            found["sb"], found["sa"], found["sy"]
        )
    if found["mm"]:
        return _date(found["mm"], found["md"], found["my"])
    if found["dm"]:
        return _date(found["dm"], found["dd"], found["dy"])
    if found["h"] or found["h2"]:
        return _time(found["h"] or found["h2"], found["m"] or "0", found["ap"] or found["ap2"])
    if found["code"]:
        return _code(found["code"])
    return _number(found["n"], found["scale"] or "") if found["n"] else None


def _date(month: str, day: str, year: str | None) -> Stated | None:
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
    if not (1 <= number <= 12 and 1 <= int(day) <= 31):
        return None
    return Stated("date", f"{number:02d}-{int(day):02d}", year or "")


def _time(hours: str, minutes: str, half: str | None) -> Stated | None:
    hour = int(hours)
    if half:
        hour = hour % 12 + (12 if half[0].lower() == "p" else 0)
    return Stated("time", str(hour % 24 * 60 + int(minutes)))


def _code(token: str) -> Stated | None:
    plain = _ALSO_WORDS.match(token)
    if plain is None:
        return Stated("code", token.lower())
    number = plain["unit"] or plain["ordinal"]
    return _number(number, "") if number else None


def _number(digits: str, scale: str) -> Stated | None:
    try:
        value = Decimal(_SEPARATORS.sub("", digits))
    except InvalidOperation:
        return None
    factor = _SCALES.get(scale.strip().lower(), 1)
    exponent = value.as_tuple().exponent
    step = Decimal(1).scaleb(exponent) if isinstance(exponent, int) else Decimal(1)
    return Stated("number", str(value * factor), step=step * factor)
