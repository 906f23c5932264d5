"""Lengths of time in the many forms that providers write them in."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

LONGEST_SECONDS = 26 * 3600.0
"""A daily quota comes back within a day, give or take clocks; what is longer is a mistake."""

_LONGEST_TEXT = 64
_EARLIEST_UNIX_TIME = 1e9  # 2001; a smaller number is a length of time
_EARLIEST_UNIX_MILLISECONDS = 1e11

_PIECE = re.compile(r"(\d+(?:\.\d*)?)(ns|us|\u00b5s|\u03bcs|ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_PIECE.pattern})+")
_SECONDS = {
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "\u00b5s": 1e-6,
    "\u03bcs": 1e-6,
    "ns": 1e-9,
}


def seconds_until(text: str, headers: Mapping[str, str]) -> float | None:
    """How long *text* says to wait, in [0, 93600] seconds.

    It may be a number of seconds, a length such as ``6m0s`` or ``12ms``, or a moment: as in
    HTTP, RFC 3339 or Unix time, in seconds or milliseconds. A moment is taken relative to the
    answer's own ``Date``, so clocks that disagree do no harm; one that has passed is 0.

    Returns:
        None when *text* makes no sense.
    """
    if len(text) > _LONGEST_TEXT:
        return None
    seconds = _length(text)
    if seconds is None or seconds >= _EARLIEST_UNIX_TIME:
        moment = _timestamp(text) if seconds is None else _unix_time(seconds)
        if moment is None:
            return None
        sent = _timestamp(headers.get("Date", ""))
        seconds = max(moment - (time.time() if sent is None else sent), 0.0)
    # Written so that NaN is refused too.
    return seconds if 0 <= seconds <= LONGEST_SECONDS else None


# These run for several headers of each answer, and answers of one second say much the same.


@lru_cache(maxsize=1024)
def _length(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        pass
    if _DURATION.fullmatch(text):
        return sum(float(number) * _SECONDS[unit] for number, unit in _PIECE.findall(text))
    return None


def _unix_time(number: float) -> float:
    return number if number < _EARLIEST_UNIX_MILLISECONDS else number / 1000


@lru_cache(maxsize=1024)
def _timestamp(text: str) -> float | None:
    parse = datetime.fromisoformat if text[:1].isdigit() else parsedate_to_datetime
    try:
        date = parse(text)
        return (date.replace(tzinfo=UTC) if date.tzinfo is None else date).timestamp()
    except (ValueError, OverflowError):
        return None
