"""How long a provider asks us to wait."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 3600.0


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """What ``retry-after-ms`` or ``Retry-After`` say, in [0, 3600] seconds.

    Args:
        headers: A mapping that ignores case, as aiohttp's do.

    Returns:
        None when there is no such header or it makes no sense. A date is taken relative to
        the reply's own ``Date``, so clocks that disagree do no harm.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    text = headers.get("Retry-After")
    seconds = _number(text)
    if seconds is None and (until := _timestamp(text)) is not None:
        sent = _timestamp(headers.get("Date"))
        # A date that has passed means that we may ask again now.
        seconds = max(until - (time.time() if sent is None else sent), 0.0)
    return None if seconds is None else _bounded(seconds)


def _bounded(seconds: float) -> float | None:
    # Written so that NaN is refused too.
    return min(seconds, LONGEST_SECONDS) if seconds >= 0 else None


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _timestamp(text: str | None) -> float | None:
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return _aware(date).timestamp()


def _aware(date: datetime) -> datetime:
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date
