"""Lengths of time as a provider's headers write them."""

from __future__ import annotations

import math


def decimal_seconds(seconds: float) -> str:
    """Seconds for ``retry-after``: rounded up to a millisecond, so never too early."""
    return f"{math.ceil(seconds * 1000 - 1e-6) / 1000:.3f}"


def duration(seconds: float) -> str:
    """A duration as OpenAI's headers write it: ``12ms``, ``1.2s``, ``6m0s``."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(math.ceil(seconds * 1000) / 1000, 60)
    text = f"{rest:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{minutes:.0f}m{text}" if minutes else text
