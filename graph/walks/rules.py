"""What walks should be like, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkRules:
    """The numbers of `simkit.graph.walk.Walker`, checked.

    Raises:
        ValueError: A number is out of range; the message names it.
    """

    min_length: int = 5
    """Functions in a chain, at least, where the graph allows it."""
    max_length: int = 20
    """At most; lengths are uniform between the two (the paper: 5 and 20)."""
    short_share: float = 0.0
    """Share of walks, in [0, 1], whose length is drawn between the next two instead."""
    short_min_length: int = 1
    short_max_length: int = 4
    visit_cap: float = 3.0
    """No function is visited more often than this times (mean + 1), where the mean is over
    the functions that walks can reach, at the end of a block; at least 1."""
    temperature: float = 0.2
    """A step is drawn in proportion to ``score ** (1 / temperature)``; at least 0.01."""
    coverage: float = 1.0
    """How much steps prefer what was visited less: weights are multiplied by
    ``((mean + 1) / (visits + 1)) ** coverage``; 0 for not at all. Starts always do."""
    coherence: float = 0.9
    """Share of a walk's steps that join kin at least, in [0, 1], at any point of drawing it; see
    `simkit.graph.walks.kinship`. At 0.9 a walk may cross into another world once in ten steps;
    0 lets everything pass, and does not prefer kin either."""
    target_share: float = 0.1
    """Share of walks, in [0, 1], that are led to one of the functions visited least, each at
    most once in a block."""
    yield_lag: int = 4_096
    """Scenarios whose outcomes need not be known when a block is drawn; at least 0. About so
    many conversations can be in flight. Only walks that are steered by outcomes look at it."""

    def __post_init__(self) -> None:
        self._check_lengths("Chains need", "min_length", "max_length")
        self._check_lengths("Short chains need", "short_min_length", "short_max_length")
        if self.visit_cap < 1 or self.temperature < 0.01:
            raise ValueError(
                "visit_cap must be at least 1 and temperature at least 0.01, not "
                f"{self.visit_cap} and {self.temperature}."
            )
        if not 0 <= self.coverage <= 4:
            raise ValueError(f"coverage must be in [0, 4], not {self.coverage}.")
        for name in ("short_share", "coherence", "target_share"):
            if not 0 <= (share := getattr(self, name)) <= 1:
                raise ValueError(f"{name} is a share, in [0, 1], not {share}.")
        if self.yield_lag < 0:
            raise ValueError(f"yield_lag must be at least 0, not {self.yield_lag}.")

    def _check_lengths(self, who: str, least: str, most: str) -> None:
        low, high = getattr(self, least), getattr(self, most)
        if not 1 <= low <= high:
            raise ValueError(
                f"{who} 1 <= {least} <= {most}, not {least} = {low} and {most} = {high}."
            )
