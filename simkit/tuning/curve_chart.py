"""Throughput and latency against concurrency as columns of a terminal, the knee marked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rich.text import Text

from simkit.tuning.blocks import columns
from simkit.tuning.picture import Picture, Point, best_of_each, finite

_AXIS = 11
"""Characters before the columns: what the heights are worth."""
_HEIGHT = 8
_MOST_COLUMN = 4
_MARK = "·"
_SHADE = "░"


def throughput_lines(picture: Picture, width: int) -> Iterator[Text]:
    """Calls a second against concurrency on a log scale; the fitted curve as dots."""
    points = best_of_each(picture.points)
    scale = _Scale([point.concurrency for point in points], width - _AXIS - 2)
    top = max(finite(point.calls_per_second) for point in points)
    lines = columns(scale.spread([point.calls_per_second for point in points]), _HEIGHT, top)
    if top:
        lines = _with_curve(lines, picture.fitted, scale, top)
    yield Text("Throughput, calls/s", "bold")
    yield from _with_axis(lines, top, "blue")
    yield from _below(points, scale, picture.knee)


def latency_lines(picture: Picture, width: int) -> Iterator[Text]:
    """Mean latency as full columns and the 95th percentile as shaded ones, below the same axis."""
    points = best_of_each(picture.points)
    scale = _Scale([point.concurrency for point in points], width - _AXIS - 2)
    means = scale.spread([point.mean_latency_seconds for point in points])
    p95s = scale.spread([point.p95_latency_seconds for point in points])
    top = max(*means, *p95s)
    shaded = columns(p95s, _HEIGHT, top)
    lines = [
        "".join(
            full if full != " " else _SHADE if shade != " " else " "
            for full, shade in zip(*rows, strict=True)
        )
        for rows in zip(columns(means, _HEIGHT, top), shaded, strict=True)
    ]
    yield Text("Latency, seconds (full: mean, shaded: 95th percentile)", "bold")
    yield from _with_axis(lines, top, "magenta")
    yield from _below(points, scale, picture.knee)


def number(value: float) -> str:
    """*value* in about three figures, without an exponent; a dash where it is no number."""
    if not math.isfinite(value):
        return "–"
    if value == 0 or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.01 else "<0.01"


class _Scale:
    """Where each concurrency stands, on a log scale."""

    def __init__(self, values: Sequence[float], width: int) -> None:
        self._low = math.log(values[0])
        self._range = math.log(values[-1]) - self._low
        self._wide = _MOST_COLUMN if len(values) < 2 else 1
        self.width = width
        self.places = [self.place(value) for value in values]
        if len(values) > 1:
            gap = min(right - left for left, right in pairwise(self.places))
            self._wide = max(1, min(_MOST_COLUMN, gap - 1))

    def place(self, value: float) -> int:
        """The first of the cells of *value*'s column; may lie outside for other values."""
        usable = self.width - _MOST_COLUMN
        if self._range <= 0:
            return usable // 2
        return round((math.log(value) - self._low) / self._range * usable)

    def spread(self, values: Sequence[float]) -> list[float]:
        """What each cell shows of *values*; of two in one cell the larger one."""
        cells = [0.0] * self.width
        for place, value in zip(self.places, values, strict=True):
            for cell in range(place, place + self._wide):
                cells[cell] = max(cells[cell], finite(value))
        return cells


def _with_curve(
    lines: Sequence[str], curve: Sequence[tuple[float, float]], scale: _Scale, top: float
) -> list[str]:
    """*lines* with a mark where *curve* runs through an empty cell."""
    cells = [list(line) for line in lines]
    for concurrency, rate in curve:
        if concurrency <= 0 or not 0 < finite(rate) <= top:
            continue
        row = len(cells) - 1 - min(len(cells) - 1, int(rate / top * len(cells)))
        place = scale.place(concurrency)
        if 0 <= place < scale.width and cells[row][place] == " ":
            cells[row][place] = _MARK
    return ["".join(line) for line in cells]


def _with_axis(lines: Sequence[str], top: float, style: str) -> Iterator[Text]:
    middle = len(lines) // 2
    worth = {0: top, middle: top * (len(lines) - middle) / len(lines)} if top else {}
    for index, line in enumerate(lines):
        label = number(worth[index]) if index in worth else ""
        yield Text(f"{label:>{_AXIS - 2}} |").append(line.rstrip(), style)
    yield Text(f"{'0':>{_AXIS - 2}} |")


def _below(points: Sequence[Point], scale: _Scale, knee: float | None) -> Iterator[Text]:
    """The concurrencies, as many as there is room for, and where the knee is."""
    line = ""
    for point, place in zip(points, scale.places, strict=True):
        at = _AXIS + place
        if at >= len(line) + 2 or not line:
            line = line.ljust(at) + f"{point.concurrency:,.4g}"
    yield Text(line, "dim")
    if knee is not None and knee > 0 and 0 <= scale.place(knee) < scale.width:
        text = f"^ knee at {knee:,.4g}"
        at = min(_AXIS + scale.place(knee), _AXIS + scale.width - len(text))
        yield Text(" " * at + text, "bold")
