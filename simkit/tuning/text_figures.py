"""Figures as people read them, and as JSON takes them."""

from __future__ import annotations

import math
from typing import Any

_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def duration(seconds: float) -> str:
    """*seconds* for people, in its two largest units: ``3 days 4 h``, ``12 min 30 s``."""
    if math.isinf(seconds):
        return "never"
    if seconds < 10:
        return f"{seconds:.1f} s"
    for unit, name, part, part_name in (
        (_DAY, "days", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "min"),
        (_MINUTE, "min", 1, "s"),
    ):
        # What rounds up to a whole unit is one, not 60 of the smaller.
        whole, rest = divmod(round(seconds / part), unit // part)
        if whole:
            name = "day" if (whole, name) == (1, "days") else name
            return f"{whole:,} {name}" + (f" {rest} {part_name}" if rest else "")
    return f"{seconds:.0f} s"


def finite_or_none(value: Any) -> Any:
    """*value*, but None for a number that JSON has no word for: infinite, or not a number."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
