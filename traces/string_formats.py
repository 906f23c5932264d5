"""The formats of JSON Schema that are held against texts, by plain rules and without packages."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import date, time
from ipaddress import IPv4Address, IPv6Address

from jsonschema import FormatChecker

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d{2}:?\d{2})?")
_EMAIL = re.compile(r"[^@\s]{1,320}@[^@\s]{1,255}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,60}:[^\s<>\"{}|\\^`]+")


def _is_date(text: str) -> bool:
    return _DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))


def _is_time(text: str) -> bool:
    if _TIME.fullmatch(text) is None:
        return False
    clock = text[: 8 if text[5:6] == ":" else 5]
    # A leap second is a time of day, too; `datetime` knows none.
    return time.fromisoformat(re.sub(r":60\Z", ":59", clock)) is not None


def _is_date_time(text: str) -> bool:
    day, mark, clock = text[:10], text[10:11], text[11:]
    return mark in ("T", "t", " ") and _is_date(day) and _is_time(clock)


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and str(uuid.UUID(text)) == text.lower()


def _formats() -> FormatChecker:
    rules: dict[str, Callable[[str], object]] = {
        "date": _is_date,
        "time": _is_time,
        "date-time": _is_date_time,
        "email": _EMAIL.fullmatch,
        "ipv4": IPv4Address,
        "ipv6": IPv6Address,
        "uri": _URI.fullmatch,
        "url": _URI.fullmatch,
        "uuid": _is_uuid,
    }
    checker = FormatChecker(formats=())
    for name, rule in rules.items():
        checker.checks(name, raises=ValueError)(_of_texts(rule))
    return checker


def _of_texts(rule: Callable[[str], object]) -> Callable[[object], bool]:
    """*rule*, which no value but a text can break."""
    return lambda value: not isinstance(value, str) or bool(rule(value))


FORMATS = _formats()
"""Dates, times, addresses, URIs and UUIDs; other formats are not held against anything.

Milder than RFC 3339 where services are: a time may do without seconds and without an offset,
and a space may stand between date and time. Of an address only one ``@`` with something on
either side is asked, of a URI a scheme and no spaces.
"""
