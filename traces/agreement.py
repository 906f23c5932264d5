"""How far the judges of a panel agree beyond chance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(slots=True)
class Agreement:
    """Counts over trajectories on which at least two judges gave a usable ruling."""

    trajectories: int = 0
    unanimous: int = 0
    """Of these, those on which all of them ruled alike."""
    votes: int = 0
    for_keeping: int = 0
    pairs: float = 0.0
    """Sum over trajectories of the share of pairs of judges that ruled alike."""

    def add(self, votes: Iterable[bool | None]) -> None:
        """Count one trajectory; None is a judge without a usable ruling."""
        usable = [vote for vote in votes if vote is not None]
        number, ok = len(usable), sum(usable)
        if number < 2:
            return
        self.trajectories += 1
        self.unanimous += ok in (0, number)
        self.votes += number
        self.for_keeping += ok
        alike = ok * (ok - 1) + (number - ok) * (number - ok - 1)
        self.pairs += alike / (number * (number - 1))

    @property
    def unanimous_share(self) -> float | None:
        """Share of the trajectories on which all ruled alike; None where there is none."""
        return self.unanimous / self.trajectories if self.trajectories else None

    @property
    def kappa(self) -> float | None:
        """Fleiss' kappa: 1 is full agreement, 0 what chance would give, below 0 is less.

        The mean of the shares of pairs that agree, where not all judges gave a ruling on each
        (Fleiss 1971, "Measuring nominal scale agreement among many raters"). None where it says
        nothing: there is no trajectory, or every single ruling was the same.
        """
        if self.for_keeping in (0, self.votes):
            return None
        keeping = self.for_keeping / self.votes
        by_chance = keeping**2 + (1 - keeping) ** 2
        return (self.pairs / self.trajectories - by_chance) / (1 - by_chance)

    def as_json(self) -> dict[str, float | int | None]:
        """The figures by name."""
        return {
            "trajectories": self.trajectories,
            "unanimous": self.unanimous,
            "unanimous_share": self.unanimous_share,
            "kappa": self.kappa,
        }
