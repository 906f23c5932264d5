"""Ways of writing dates and times that descriptions ask for: YYYY-MM-DD, MM/DD/YYYY, HH:MM."""

from __future__ import annotations

import re
from functools import lru_cache

from simkit.filters.grounding.argument_values import ArgumentValue
from simkit.traces.one_line import one_line

_FIELD = r"(?:Y{4}|Y{2}|M{1,2}|D{1,2}|H{1,2}|S{2})"
_TEMPLATE = re.compile(
    rf"(?<![A-Za-z]){_FIELD}(?:[-/.: T]{_FIELD}){{1,5}}(?![A-Za-z]{{2}})", re.IGNORECASE
)
_DOUBLED = re.compile(r"YY|MM|DD|HH|SS", re.IGNORECASE)
"""Without one of these it is hardly a way of writing: "M.D."."""
_FIELDS = re.compile(r"Y+|M+|D+|H+|S+", re.IGNORECASE)
_MORE = r"(?::\d{2})?(?:\.\d{1,9})?\s?(?:Z|[+-]\d{2}:?\d{2}|[ap]\.?m\.?)?"
"""What may follow a time: seconds, an offset, a half of the day."""
_MOST_READ = 2_000
_DIGIT = re.compile(r"\d")


def told_format_problem(argument: ArgumentValue) -> str | None:
    """What is wrong with how *argument* is written, or None.

    Only texts with digits can be wrong, where the description shows one way of writing or
    more; several dates may be listed, each in any of these ways.
    """
    text, description = argument.value, argument.schema.get("description")
    if not isinstance(text, str) or not isinstance(description, str):
        return None
    templates = _templates(description[:_MOST_READ])
    if not templates or text in argument.schema.get("enum", ()):
        return None
    rest = text[:_MOST_READ]
    for _, written in templates:
        rest = written.sub(" ", rest)
    if not _DIGIT.search(rest):
        return None
    asked = " or ".join(shown for shown, _ in templates)
    return f"{one_line(argument.path, limit=80)}: {one_line(text, limit=60)!r} is not {asked}"


@lru_cache(maxsize=2048)
def _templates(description: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each way of writing that *description* shows, with the pattern of what is written so.

    The longest come first, so that a date with its time is not read as a date.
    """
    found = dict.fromkeys(filter(_DOUBLED.search, _TEMPLATE.findall(description)))
    return tuple((shown, _written(shown)) for shown in sorted(found, key=len, reverse=True))


def _written(template: str) -> re.Pattern[str]:
    digits = _FIELDS.sub(_digits, template.replace(".", r"\."))
    more = _MORE if template.upper().count("H") else ""
    return re.compile(rf"(?<!\d){digits}{more}(?!\d)", re.IGNORECASE)


def _digits(field: re.Match[str]) -> str:
    count = len(field[0])
    return r"\d{1,2}" if count == 1 else rf"\d{{{count}}}"
