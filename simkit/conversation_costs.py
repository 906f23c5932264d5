"""What a whole conversation costs, learned while many are still going on."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

_STEP = math.log(1.05)
"""Costs are told apart when they differ by 5 %."""
_DOUBT = 8
"""With so many ended conversations the mean may be wrong by itself."""
_NOTHING = -100_000
"""The step of a cost of 0: its `_cost` is 0 too, in floating point."""


def _step(cost: float) -> int:
    return round(math.log(cost) / _STEP) if cost > 0 else _NOTHING


def _cost(step: int) -> float:
    return math.exp(step * _STEP)


@dataclass(frozen=True, slots=True)
class Expected:
    """What conversations cost."""

    mean: float
    """A whole one, its judging included."""
    sd: float
    """Standard deviation of that."""
    rest: float
    """What all that are in flight cost still, together."""
    ended: int
    """How many have ended, from which this is known."""
    in_flight: int

    def with_another(self, margin_sds: float) -> float:
        """What those in flight and one more cost still, with a margin.

        The margin holds the luck of those conversations, and the error of a mean that is
        known from few: by their spread, and, as the spread of very few says nothing, also
        by how few they are.
        """
        count = self.in_flight + 1
        luck = self.sd**2 * count
        error = (self.sd * count) ** 2 / self.ended + (self.mean * count * _DOUBT / self.ended) ** 2
        return self.rest + self.mean + margin_sds * math.sqrt(luck + error)


class ConversationCosts:
    """Costs of conversations in one unit: of those that ended, and of those in flight.

    Short conversations end first. To take the mean of what has ended for the mean of all
    would make all look cheap, just when it is decided how many to start. So the distribution
    is that of Kaplan and Meier (1958), with cost in the place of time: a conversation in
    flight says that it costs more than it has so far, and no more than that.
    """

    def __init__(self) -> None:
        self._spent: dict[int, float] = {}
        self._in_flight: Counter[int] = Counter()
        self._ended: Counter[int] = Counter()
        self.ended = 0

    @property
    def in_flight(self) -> int:
        return len(self._spent)

    def begin(self, scenario: int) -> None:
        """A conversation is in flight from now on."""
        self._spent[scenario] = 0.0
        self._in_flight[_NOTHING] += 1

    def spend(self, scenario: int, amount: float) -> None:
        """A call of *scenario* has cost *amount*; nothing happens when it is not in flight."""
        if scenario in self._spent:
            self._leave(self._spent[scenario])
            self._spent[scenario] += amount
            self._in_flight[_step(self._spent[scenario])] += 1

    def end(self, scenario: int) -> None:
        """A conversation is judged, or cannot go on."""
        cost = self._spent.pop(scenario)
        self._leave(cost)
        self._ended[_step(cost)] += 1
        self.ended += 1

    def _leave(self, spent: float) -> None:
        step = _step(spent)
        self._in_flight[step] -= 1
        if not self._in_flight[step]:
            del self._in_flight[step]

    def expected(self) -> Expected | None:
        """What conversations cost; None before one has ended.

        Takes a fraction of a millisecond, however many conversations there are.
        """
        if not self.ended:
            return None
        steps = sorted(self._ended.keys() | self._in_flight.keys())
        costs = [_cost(step) for step in steps]
        longer = self._share_above(steps)
        # What nobody has reached yet is unknown: the longest goes on for as long as it has.
        beyond = longer[-1] * costs[-1]
        squares = 4 * longer[-1] * costs[-1] ** 2
        rest = self._in_flight[steps[-1]] * costs[-1]
        for i in range(len(steps) - 2, -1, -1):
            beyond += longer[i] * (costs[i + 1] - costs[i])
            squares += longer[i] * (costs[i + 1] ** 2 - costs[i] ** 2)
            if count := self._in_flight[steps[i]]:
                rest += count * beyond / longer[i]
        mean = beyond + costs[0]
        variance = max(squares + costs[0] ** 2 - mean**2, 0.0)
        return Expected(mean, math.sqrt(variance), rest, self.ended, self.in_flight)

    def _share_above(self, steps: list[int]) -> list[float]:
        """For each of *steps*, which ascend, the share of conversations that cost more."""
        at_risk = self.ended + self.in_flight
        share = 1.0
        shares = []
        for step in steps:
            share *= 1 - self._ended[step] / at_risk
            at_risk -= self._ended[step] + self._in_flight[step]
            shares.append(share)
        return shares
