"""One thing that a labelled set says: this function's result feeds that function's parameter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Feeding:
    """A gold pair; functions go by their names in the set's catalog."""

    consumer: str
    parameter: str
    producer: str
    output: str = ""
    """Path of the output that feeds; empty where the set does not say."""

    def __str__(self) -> str:
        return f"{self.parameter} of {self.consumer} fed by {self.producer}"


def distinct(found: list[Feeding]) -> list[Feeding]:
    """*found* sorted, each once, and without functions that feed themselves.

    The consumer is no candidate when its producers are ranked.
    """
    return sorted({one for one in found if one.producer != one.consumer})
