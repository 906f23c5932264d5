"""Dates that nobody can have known."""

from __future__ import annotations

from collections.abc import Iterator

from simkit.filters.filter import Objection
from simkit.filters.grounding.faults import faults_of
from simkit.traces.records import Trajectory


class InventedDates:
    """A turn that makes a calendar date out of one that cannot be known is masked.

    When users have given a date relative to the day of speaking (``tomorrow``, ``next month``,
    ``in 3 days``, ``on Friday``) and no user, result, system message or function's description
    has told the current date, then a date with its year in the arguments of a call is
    invented unless it was said otherwise, or lies a span that was said (or one day, or a week)
    from one that was. So is one in the assistant's text, where the sentence is about a
    relative date. So is the year of a date in a call when nobody has named that year.

    When the current date has been told, at least one date of such a call must be one that was
    said, or fit some relative date; weeks are read generously, seasons and holidays fit any
    date. A clock that cannot be read lets everything pass. A system prompt that a foreign
    row keeps beside its messages is not seen.

    Without a relative date an unknown date is `ArgumentProvenance`'s business. The defect is the
    first that was found in ToolMind's release (arXiv 2511.15718).

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, 2 of
    463 of glaive (both were indeed invented), both at even rows, and none of the 1,802 sound
    turns of the stand-in. Of the 829 at odd rows, which were held out, it masks 2.
    """

    name = "invented_dates"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        for turn, told in faults_of(trajectory).unknowable:
            yield Objection(check=self.name, message=told, turn=turn)
