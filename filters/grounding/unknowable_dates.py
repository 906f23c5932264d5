"""Calendar dates made of what cannot tell them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from simkit.filters.grounding.argument_values import values_in
from simkit.filters.grounding.dates import calendar_dates_in, months_in
from simkit.filters.grounding.relative_dates import relative_dates_in
from simkit.filters.grounding.turns import Sources, Turn
from simkit.traces.one_line import one_line

_SENTENCES = re.compile(r"(?<=[.!?])\s|\n")


def unknowable_date(turn: Turn) -> str | None:
    """The date of *turn* that nobody can have known, as the end of a sentence; or None."""
    for call, arguments in turn.calls():
        fault = _fault_in_call(list(_dates_of(arguments)), turn.sources)
        if fault is not None:
            return f"calls {one_line(call.name, limit=80)!r} with {fault}"
    return _fault_in_text(turn.message.content, turn.sources)


@dataclass(frozen=True, slots=True)
class _Given:
    """A date that an assistant wrote."""

    spelled: str
    day: date
    """Of a month, its first."""
    is_month: bool = False

    def is_given(self, sources: Sources) -> bool:
        """Whether it was said, or stands in a definition."""
        if sources.offered.has_run(self.spelled):
            return True
        if self.is_month:
            return sources.said.has_month(self.day)
        return sources.said.gives_date(self.day)

    def fits(self, today: date, sources: Sources) -> bool:
        """Whether a relative date means it, or one that lies a known number of days away."""
        days = [self.day, *sources.said.reachable(self.day)]
        if self.is_month:
            days = [self.day.replace(day=number) for number in range(1, 29)]
        return any(said.fits(today, day) for said in sources.relative for day in days)


def _dates_of(arguments: dict[str, Any]) -> Iterator[_Given]:
    for argument in values_in(arguments, {}):
        if isinstance(argument.value, str):
            yield from _dates_in(argument.value)


def _dates_in(text: str) -> Iterator[_Given]:
    yield from (_Given(spelled, day) for spelled, day in calendar_dates_in(text))
    yield from (_Given(spelled, day, is_month=True) for spelled, day in months_in(text))


def _fault_in_call(given: list[_Given], sources: Sources) -> str | None:
    if not given or None in sources.clocks:
        return None
    clocks = [clock for clock in sources.clocks if clock is not None]
    if clocks:
        return _fault_against(clocks, given, sources)
    unknown = next((date for date in given if not date.is_given(sources)), None)
    plain = [said for said in sources.relative if not said.is_vague]
    if unknown is not None and plain:
        return (
            f"{unknown.spelled}, made of {plain[-1].text!r}, but nothing has told the current date"
        )
    years = sources.said.years | sources.offered.years
    for date_given in given:
        if unknown is None and date_given.day.year not in years:
            return f"{date_given.spelled}, but nobody has given a year or the current date"
    return None


def _fault_against(clocks: list[date], given: list[_Given], sources: Sources) -> str | None:
    """The first date, where relative dates were said and no date of the call agrees with any."""
    if not sources.relative:
        return None
    if any(
        (date.is_given(sources) and date.day not in clocks)
        or any(date.fits(clock, sources) for clock in clocks)
        for date in given
    ):
        return None
    return (
        f"{given[0].spelled}, which is not {sources.relative[-1].text!r} when the current date is "
        f"{clocks[-1]}"
    )


def _fault_in_text(text: str, sources: Sources) -> str | None:
    if sources.clocks or not sources.relative:
        return None
    for sentence in _SENTENCES.split(text):
        for date_given in _dates_in(sentence):
            if not date_given.is_given(sources) and _is_relative(sentence):
                return f"says {date_given.spelled}, but nothing has told the current date"
    return None


def _is_relative(text: str) -> bool:
    return any(not said.is_vague for said in relative_dates_in(text))
