"""A `Picture` as one HTML page with charts to point at; it needs no network and holds all of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from markupsafe import Markup

from simkit.html_page import cut, digest, in_script, own_file, rendered
from simkit.traces.whole_file import written_whole
from simkit.tuning.course import Course, course_of, time_unit
from simkit.tuning.picture import Picture, Point, best_of_each, causes_of, finite

_MOST_TEXT = 300
"""Characters of one text."""
_MOST_CAUSES = 7
_MOST_STEPS = 600


class PageError(ValueError):
    """The page cannot be made or written; the message says how to mend it."""


def check_plotly() -> None:
    """Make sure that pages can be made, before anything is measured.

    Raises:
        PageError: plotly is not installed.
    """
    if find_spec("plotly") is None:
        raise PageError(
            "a page of charts needs plotly, which is not installed: pip install 'simkit[plots]', "
            "or leave --html out"
        )


def write_page(picture: Picture, path: Path) -> None:
    """Write `picture_page` to *path*, whole or not at all.

    Raises:
        PageError: plotly is not installed, or the file cannot be written.
    """
    page = picture_page(picture)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as file:
            file.write(page)
    except OSError as error:
        raise PageError(
            f"The page cannot be written to {path}: {error.strerror or error}."
        ) from error


def picture_page(picture: Picture) -> bytes:
    """The page, of about 5 MB, nearly all of it plotly.js.

    The texts of *picture* are data in it: cut, without control characters, never markup.

    Raises:
        PageError: plotly is not installed.
    """
    library, script = _plotly(), own_file("tuning.js")
    values = {
        "title": _shown(picture.title),
        "facts": [(_shown(name), _shown(value)) for name, value in picture.facts],
        "notes": [_shown(note) for note in picture.notes],
        "columns": [_shown(column) for column in picture.columns],
        "rows": [[_shown(cell) for cell in row] for row in picture.rows],
        "knee": None if picture.knee is None else f"{picture.knee:,.4g}",
        "has_points": bool(picture.points),
        "timeline_of": _shown(picture.timeline_of),
        "style": own_file("tuning.css"),
        "library": library,
        "script": script,
        "digests": [digest(library), digest(script)],
        "data": in_script(_data(picture)),
        "has_course": _course(picture) is not None,
    }
    return rendered("tuning.html.j2", values)


def _plotly() -> Markup:
    """The library, in which nothing ends the script element or opens a comment that hides it."""
    check_plotly()
    from plotly.offline import get_plotlyjs  # late: it takes a while, and may be missing

    code = get_plotlyjs().replace("</script", "<\\/script").replace("<!--", "<\\!--")
    return Markup(code)  # noqa: S704 - plotly's own file, which its package inlines too


def _data(picture: Picture) -> dict[str, Any]:
    course = _course(picture)
    shares = [point.limiting for point in picture.points]
    causes = causes_of([*shares, *(course.limiting if course else ())], _MOST_CAUSES)
    return {
        "knee": picture.knee,
        "curve": _curve(best_of_each(picture.points)),
        "fitted": _pairs([(n, rate) for n, rate in picture.fitted if n > 0]),
        "causes": [_shown(cause) for cause in causes],
        "limits": _limits(picture, causes),
        "course": None if course is None else _course_data(course, causes),
    }


def _curve(points: list[Point]) -> dict[str, Any]:
    return {
        "concurrency": [point.concurrency for point in points],
        "rate": [_number(point.calls_per_second) for point in points],
        "mean": [_number(point.mean_latency_seconds) for point in points],
        "p95": [_number(point.p95_latency_seconds) for point in points],
    }


def _pairs(pairs: list[tuple[float, float]]) -> dict[str, Any]:
    return {"x": [x for x, _ in pairs], "y": [_number(y) for _, y in pairs]}


def _limits(picture: Picture, causes: list[str]) -> dict[str, Any]:
    return {
        "names": [_shown(point.name) for point in picture.points],
        "knee": [point.concurrency == picture.knee for point in picture.points],
        "shares": _by_cause([point.limiting for point in picture.points], causes),
    }


def _by_cause(shares: Sequence[Mapping[str, float]], causes: list[str]) -> list[list[float]]:
    return [[finite(one.get(cause, 0.0)) for one in shares] for cause in causes]


def _course(picture: Picture) -> Course | None:
    return None if picture.timeline is None else course_of(picture.timeline, _MOST_STEPS)


def _course_data(course: Course, causes: list[str]) -> dict[str, Any]:
    length, unit = time_unit(course.ends[-1])
    return {
        "unit": unit,
        "ends": [end / length for end in course.ends],
        "calls": course.calls_in_flight,
        "conversations": course.conversations_in_flight,
        "answered": course.answered,
        "refused": course.refused,
        "failed": course.failed,
        "input": course.input_tokens,
        "output": course.output_tokens,
        "shares": _by_cause(course.limiting, causes),
    }


def _number(value: float) -> float | None:
    """*value*, or None, which leaves a gap, where it is no number."""
    return value if math.isfinite(value) else None


def _shown(text: str) -> str:
    return cut(text, _MOST_TEXT)
