"""Random walks over the function graph: the chains that scenarios are written for.

After ToolMind (arXiv 2511.15718, section 3.1): walks of uniformly drawn length with a cap
on how often each function is visited.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random

from simkit.graph.function_graph import FunctionGraph
from simkit.traces.functions import Function
from simkit.traces.records import Scenario
from simkit.traces.seeds import derive_seed, stream

_ATTEMPTS = 8
"""Walks begun for one chain, at most; the longest is taken when all get stuck early."""
_QUICK_DRAWS = 32


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk: functions by index, none twice, and how each was reached."""

    functions: tuple[int, ...]
    came_from: tuple[int, ...]
    """Position in this walk of the function that led to each; -1 for the first. Where a
    walk backed up it is not the position before."""


class Walker:
    """Draws walks and scenarios without end, each one cheap and in a fixed order.

    Args:
        seed: Of the run. Together with the graph and the numbers below it fixes every
            walk, whatever the timing; a resumed run draws again from the start.
        min_length: Functions in a chain, at least, where the graph allows it.
        max_length: At most; lengths are uniform between the two (the paper: 5 and 20).
        visit_cap: No function is walked more often than this times (mean + 1), where the
            mean is over the functions that walks can reach; at least 1.
        temperature: A step is drawn in proportion to ``score ** (1 / temperature)``. At
            1, to the score itself; lower prefers the strongest links more. At least 0.01.

    Walks start at functions that have been visited least, of those from which enough others
    can be reached. A stuck walk backs up to the latest function with a way on that is
    neither in the walk nor at the cap; without one, another walk is begun, a few times
    over. So functions without any edge appear only when the whole graph has none.

    Raises:
        ValueError: A number is out of range.
    """

    def __init__(
        self,
        graph: FunctionGraph,
        *,
        seed: int,
        min_length: int = 5,
        max_length: int = 20,
        visit_cap: float = 3.0,
        temperature: float = 0.2,
    ) -> None:
        if not 1 <= min_length <= max_length:
            raise ValueError(
                "Chains need 1 <= min_length <= max_length, not "
                f"min_length = {min_length} and max_length = {max_length}."
            )
        if visit_cap < 1 or temperature < 0.01:
            raise ValueError(
                "visit_cap must be at least 1 and temperature at least 0.01, not "
                f"{visit_cap} and {temperature}."
            )
        self._seed = seed
        self._lengths = (min_length, max_length)
        self._visit_cap = visit_cap
        self._functions: Sequence[Function] = graph.functions
        self._ways_on = _weighted_successors(graph, 1 / temperature)
        self._starts = _starts(self._ways_on, min_length)
        self._reachable = sorted(_reached(self._ways_on, self._starts))

    def scenarios(self) -> Iterator[Scenario]:
        """Scenario 0, 1, 2, ... without end.

        The tools of a scenario are its chain in an order of their own, so that the order
        in which the assistant sees them does not give the plan away.
        """
        for number, walk in enumerate(self.walks()):
            seed = derive_seed(self._seed, "scenario", number)
            tools = [self._functions[index] for index in walk.functions]
            chain = tuple(tool.name for tool in tools)
            stream(seed, "tools").shuffle(tools)
            yield Scenario(number=number, seed=seed, chain=chain, tools=tuple(tools))

    def walks(self) -> Iterator[Walk]:
        """The walks behind the scenarios, in their order; every call begins anew."""
        visits = _Visits(self._starts, self._reachable, self._visit_cap)
        for number in count():
            draw = stream(self._seed, "walk", number)
            length = draw.randint(*self._lengths)
            walk = self._longest_walk(length, visits, draw)
            visits.record(walk)
            yield walk

    def _longest_walk(self, length: int, visits: _Visits, draw: Random) -> Walk:
        longest = Walk((), ())
        for _ in range(_ATTEMPTS):
            walk = self._walk(length, visits, draw)
            if len(walk.functions) == length:
                return walk
            longest = max(longest, walk, key=lambda one: len(one.functions))
        return longest

    def _walk(self, length: int, visits: _Visits, draw: Random) -> Walk:
        functions = [visits.draw_start(draw)]
        came_from = [-1]
        ways_back = [0]
        while ways_back and len(functions) < length:
            position = ways_back[-1]
            following = self._step(functions[position], functions, visits, draw)
            if following is None:  # and never again in this walk: back up for good
                ways_back.pop()
            else:
                ways_back.append(len(functions))
                functions.append(following)
                came_from.append(position)
        return Walk(tuple(functions), tuple(came_from))

    def _step(
        self, function: int, taken: Sequence[int], visits: _Visits, draw: Random
    ) -> int | None:
        """A function that follows *function*, or None when every way on is closed."""
        counts, most = visits.counts, visits.most_before_a_visit
        ways = [
            way for way in self._ways_on[function] if counts[way[0]] <= most and way[0] not in taken
        ]
        if not ways:
            return None
        point = draw.random() * sum([weight for _, weight in ways])
        for target, weight in ways:
            point -= weight
            if point < 0:
                return target
        return ways[-1][0]  # rounding left a crumb of the last one's share


class _Visits:
    """How often each function was walked, and what follows from it for the next walk."""

    def __init__(self, starts: Sequence[int], reachable: Sequence[int], cap: float) -> None:
        self._starts = starts
        self._start_set = frozenset(starts)
        self._reachable = reachable
        self._cap = cap
        self._total = 0
        self._total_of_starts = 0
        self.counts = [0] * (max(reachable) + 1)
        self.most_before_a_visit = cap - 1
        """A function with more visits than this must not be visited in the next walk."""

    def record(self, walk: Walk) -> None:
        for function in walk.functions:
            self.counts[function] += 1
        self._total += len(walk.functions)
        self._total_of_starts += len(self._start_set.intersection(walk.functions))
        self.most_before_a_visit = self._cap * (self._mean() + 1) - 1

    def draw_start(self, draw: Random) -> int:
        """A start with no more visits than the starts' mean, uniformly.

        When every start is at the cap, any function with no more visits than the mean.
        """
        most = min(self._total_of_starts / len(self._starts), self.most_before_a_visit)
        for _ in range(_QUICK_DRAWS):
            start = draw.choice(self._starts)
            if self.counts[start] <= most:
                return start
        # Rarely needed; drawing from the list has the same distribution, only slower.
        return draw.choice(
            self._visited_at_most(most, self._starts)
            or self._visited_at_most(self._mean(), self._reachable)
        )

    def _mean(self) -> float:
        return self._total / len(self._reachable)

    def _visited_at_most(self, most: float, functions: Iterable[int]) -> list[int]:
        return [function for function in functions if self.counts[function] <= most]


WaysOn = Sequence[Sequence[tuple[int, float]]]
"""For each function: the functions that can follow it, with their weights."""


def _weighted_successors(graph: FunctionGraph, exponent: float) -> WaysOn:
    weights = graph.scores**exponent
    return [
        list(zip(graph.targets[start:end].tolist(), weights[start:end].tolist(), strict=True))
        for start, end in zip(graph.row_starts[:-1], graph.row_starts[1:], strict=True)
    ]


def _starts(ways_on: WaysOn, enough: int) -> list[int]:
    """The functions that reach *enough* (counting themselves), or the most that any does."""
    reach = [len(_reached(ways_on, [index], enough)) for index in range(len(ways_on))]
    most = min(enough, max(reach))
    return [index for index, reached in enumerate(reach) if reached >= most]


def _reached(ways_on: WaysOn, starts: Sequence[int], enough: int | None = None) -> set[int]:
    """All functions that walks from *starts* can come to; stops once it found *enough*."""
    found = set(starts)
    waiting = list(starts)
    while waiting and (enough is None or len(found) < enough):
        fresh = {target for target, _ in ways_on[waiting.pop()]} - found
        found |= fresh
        waiting.extend(sorted(fresh))
    return found
