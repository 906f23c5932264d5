"""Bars out of block characters, for terminals of any width, with and without colour."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from simkit.tuning.picture import finite

_EIGHTHS = " ▁▂▃▄▅▆▇█"
FILLS = "█▓▒░▚"
"""Told apart without colour."""
REST = "·"
_ASCII = str.maketrans("▁▂▃▄▅▆▇█▓▒░▚·…–", "__..-==#%+:x.~-")


def columns(values: Sequence[float], height: int, top: float) -> list[str]:
    """*values* as columns, the upper line first, each line as long as *values*.

    A value of *top* fills *height* lines; one above 0 shows at least as a line.
    """
    eighths = [_eighths(value, height, top) for value in values]
    return [
        "".join(_EIGHTHS[min(8, max(0, filled - 8 * row))] for filled in eighths)
        for row in reversed(range(height))
    ]


def stacked(shares: Sequence[float], width: int) -> list[int]:
    """How many cells of *width* each share takes; together as many as their sum, 1 at most."""
    ends = [0]
    total = 0.0
    for share in shares:
        total = min(1.0, total + finite(share))
        ends.append(round(total * width))
    return [end - start for start, end in pairwise(ends)]


def in_ascii(text: str) -> str:
    """*text* with its blocks as plain characters, for terminals that know no others."""
    return text.translate(_ASCII).encode("ascii", "replace").decode()


def _eighths(value: float, height: int, top: float) -> int:
    if not finite(value) or not finite(top):
        return 0
    return min(8 * height, max(1, round(8 * height * value / top)))
