"""A `Picture` in a terminal: throughput, latency, what limits, and what happened when.

Drawn for 60 columns and more, with block characters; where a terminal has only ASCII, with
that. Nothing is told by colour alone, and figures stand beside what is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from simkit.rendering import plain_text
from simkit.tuning.blocks import FILLS, REST, columns, in_ascii, stacked
from simkit.tuning.course import Course, course_of, time_unit
from simkit.tuning.curve_chart import latency_lines, number, throughput_lines
from simkit.tuning.picture import Picture, Point, causes_of, finite

_LEAST_WIDTH, _MOST_WIDTH = 40, 120
_STYLES = ("blue", "yellow", "magenta", "cyan", "green")
_LEAST_BAR, _MOST_BAR = 6, 40
_FIGURES = 21
"""Characters between the name of a point and its bar."""
_MOST_NAME = 24
_SERIES_NAME = 17
"""Characters before the columns of a time line."""
_TOLD, _TOLD_BRIEFLY = 28, 16
"""Characters for the figures behind them."""


@dataclass(frozen=True, slots=True)
class TerminalCharts:
    """The charts of *picture*, for `rich.console.Console.print`; its table and notes are left."""

    picture: Picture

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(_LEAST_WIDTH, min(_MOST_WIDTH, options.max_width))
        for line in _charts(self.picture, width):
            if options.ascii_only:
                line.plain = in_ascii(line.plain)
            line.no_wrap = True
            line.overflow = "crop"
            yield line


def _charts(picture: Picture, width: int) -> Iterator[Text]:
    if picture.points:
        yield from throughput_lines(picture, width)
        yield Text()
        yield from latency_lines(picture, width)
        yield Text()
        yield from _limits(picture, width)
    if picture.timeline is None:
        return
    told = _TOLD if width >= 80 else _TOLD_BRIEFLY
    course = course_of(picture.timeline, width - _SERIES_NAME - told)
    if course is not None:
        yield Text()
        yield from _course(course, picture.timeline_of, briefly=told == _TOLD_BRIEFLY)


def _limits(picture: Picture, width: int) -> Iterator[Text]:
    """A row for each point: its figures, and a bar of what set the pace."""
    causes = causes_of((point.limiting for point in picture.points), len(FILLS))
    names = [_name(point, picture.knee) for point in picture.points]
    name_width = min(_MOST_NAME, max(11, *map(cell_len, names)))
    room = width - name_width - _FIGURES
    words = [_in_words(point.limiting, room - _LEAST_BAR) for point in picture.points]
    bar = max(0, min(_MOST_BAR, room - 2 - max(map(cell_len, words))))
    yield Text("What set the pace, as a share of the time", "bold")
    head = f"{'concurrency':>{name_width}}  calls/s  p95 in s"
    yield Text(head, "dim")
    for point, name, said in zip(picture.points, names, words, strict=True):
        row = Text(set_cell_size(name.rjust(name_width), name_width))
        row.append(
            f"  {number(point.calls_per_second):>7}  {number(point.p95_latency_seconds):>8}  "
        )
        _append_bar(row, point.limiting, causes, bar)
        row.append(f"  {said}")
        yield row
    yield _legend(causes)


def _name(point: Point, knee: float | None) -> str:
    name = plain_text(point.name)
    return f"knee {name}" if point.concurrency == knee else name


def _append_bar(row: Text, shares: Mapping[str, float], causes: Sequence[str], width: int) -> None:
    others = sum(finite(share) for cause, share in shares.items() if cause not in causes)
    cells = stacked([*(shares.get(cause, 0.0) for cause in causes), others], width)
    for index, count in enumerate(cells):
        if index < len(causes):
            row.append(FILLS[index] * count, _STYLES[index])
        else:
            row.append(REST * count)
    row.append(" " * (width - sum(cells)))


def _in_words(shares: Mapping[str, float], width: int) -> str:
    """The largest two, or the one that *width* has room for; empty where nothing is known."""
    largest = sorted(shares.items(), key=lambda one: -finite(one[1]))[:2]
    told = [
        f"{plain_text(cause)} {share:.0%}" for cause, share in largest if finite(share) >= 0.005
    ]
    whole = ", ".join(told)
    return whole if cell_len(whole) <= width else "".join(told[:1])


def _legend(causes: Sequence[str]) -> Text:
    line = Text("  ")
    for index, cause in enumerate(causes):
        line.append(FILLS[index], _STYLES[index])
        line.append(f" {plain_text(cause)}  ")
    return line


def _course(course: Course, of: str, *, briefly: bool) -> Iterator[Text]:
    """A row of columns for each series, all against time."""
    rows = (
        ("calls in flight", course.calls_in_flight, 3, "blue"),
        ("answered/s", course.answered, 2, "green"),
        ("refused/s", course.refused, 1, "red"),
        ("failed/s", course.failed, 1, "red"),
        ("tokens in/s", course.input_tokens, 2, "cyan"),
        ("tokens out/s", course.output_tokens, 2, "magenta"),
    )
    yield Text("What happened when", "bold")
    if of:
        yield Text(plain_text(of), "dim")
    for name, values, height, style in rows:
        yield from _series(name, values, height, style, briefly=briefly)
    unit, unit_name = time_unit(course.ends[-1])
    end = f"{number(course.ends[-1] / unit)} {unit_name}"
    yield Text(f"{'':{_SERIES_NAME}}0{end:>{max(len(end) + 1, len(course.ends) - 1)}}", "dim")


def _series(
    name: str, values: Sequence[float], height: int, style: str, *, briefly: bool
) -> Iterator[Text]:
    top = max(values)
    *upper, last = columns(values, height, top)
    for line in upper:
        yield Text(" " * _SERIES_NAME).append(line, style)
    said = f"  most {number(top)}" if top else "  none"
    if top and not briefly:
        said += f", mean {number(sum(values) / len(values))}"
    yield Text(f"{name:>{_SERIES_NAME - 2}}  ").append(last, style).append(said)
