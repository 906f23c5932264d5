"""How long a provider asks us to wait."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from simkit.clients.header_times import seconds_until

_SEARCHED_CHARACTERS = 4000

_WORDS = re.compile(
    r"(?:try again|try later|retry|retrying|wait|resets?|retrydelay)\W+"
    r"(?:(?:again|your request)\W+)?"
    r"(?:(?:in|after|for|at least|about)\W+)*"
    r"((?:\d+(?:\.\d+)?(?:h|ms|m|s))+|\d+(?:\.\d+)?)"
    r"(?:\s*(milliseconds?|seconds?|secs?|minutes?|mins?|hours?|ms|s|m|h))?\b"
)
_FACTORS = {"milli": 1e-3, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
"""By how a unit begins, the longer beginnings first."""


def retry_after_seconds(
    headers: Mapping[str, str], on_nonsense: Callable[[str, str], None]
) -> float | None:
    """What ``retry-after-ms`` or ``Retry-After`` say, in [0, 93600] seconds.

    Args:
        headers: A mapping that ignores case, as aiohttp's do.
        on_nonsense: Gets the name and the value of a header that makes no sense.

    Returns:
        None when there is no such header or it makes no sense; see `seconds_until`.
    """
    milliseconds = headers.get("retry-after-ms")
    if milliseconds is not None:
        seconds = seconds_until(f"{milliseconds}ms", headers)
        if seconds is not None:
            return seconds
        on_nonsense("retry-after-ms", milliseconds)
    text = headers.get("Retry-After")
    if text is None:
        return None
    seconds = seconds_until(text, headers)
    if seconds is None:
        on_nonsense("Retry-After", text)
    return seconds


def retry_after_in_words(text: str) -> float | None:
    """What the words of a complaint say, e.g. "try again in 1.2s", in [0, 93600] seconds.

    Args:
        text: Only its first few thousand characters are searched.

    Returns:
        None when nothing of the kind is found, or a number that no unit follows.
    """
    found = _WORDS.search(text[:_SEARCHED_CHARACTERS].lower())
    if found is None:
        return None
    length, unit = found.groups()
    if not length[-1].isdigit():
        return seconds_until(length, {})
    factor = next((size for start, size in _FACTORS.items() if (unit or "").startswith(start)), 0)
    return seconds_until(str(float(length) * factor), {}) if factor else None
