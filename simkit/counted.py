"""Numbers of things, for people."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """*number* with *noun*, in the plural but for 1; e.g. ``1 call``, ``1,200 calls``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def figure(value: float) -> str:
    """*value* whole, or with three digits where it is below 100: it may be far below 1."""
    return f"{value:,.0f}" if value >= 100 else f"{value:,.3g}"
