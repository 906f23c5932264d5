"""Calls made before their values were there."""

from __future__ import annotations

from collections.abc import Iterator

from simkit.filters.filter import Objection
from simkit.filters.grounding.faults import faults_of
from simkit.traces.records import Trajectory


class PrematureCalls:
    """A turn that calls with a slot left unfilled, instead of asking, is masked.

    Flagged, one a call: placeholders (``unknown``, ``N/A``, ``<user_id>``, ``your_email``,
    ``user@example.com``, ``John Doe``, ``0000-00-00``, the parameter's own name), an identifier
    copied from the example in its parameter's description, and an empty text for a required
    parameter whose description does not allow for it.

    What somebody has said, or the schema lists as enum, const or default, is no placeholder.
    Values that look real but were made up are `ArgumentProvenance`'s business, which in turn
    passes over placeholders; an argument that is not there at all is
    `SchemaValidArguments`'s.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, 1 of
    463 of glaive (a search with an empty query), both at even rows, and none of the 1,802 sound
    turns of the stand-in. Of the 829 at odd rows, which were held out, it masks none.
    """

    name = "premature_calls"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        for turn, told in faults_of(trajectory).unfilled:
            yield Objection(check=self.name, message=told, turn=turn)
