"""Random walks over the function graph: the chains that scenarios are written for.

After ToolMind (arXiv 2511.15718, section 3.1): walks of uniformly drawn length with a cap
on how often each function is visited. Beyond the paper: walks hang together, are spread
over the graph, and follow what filters kept. The parts are in `simkit.graph.walks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from simkit.graph.walks.draw import BLOCK, Drawer, DrawnBlock
from simkit.graph.walks.rules import WalkRules
from simkit.graph.walks.tally import Tally, WalkReport
from simkit.graph.walks.visits import Visits
from simkit.graph.walks.walkable import Walkable
from simkit.graph.walks.yields import Outcomes, Yields

__all__ = ["BLOCK", "Outcomes", "Walk", "WalkReport", "WalkRules", "Walker"]


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk: functions by index, none twice, and how each was reached."""

    functions: tuple[int, ...]
    came_from: tuple[int, ...]
    """Position in this walk of the function that led to each; -1 for the first. Where a
    walk backed up it is not the position before."""


class Walker:
    """Draws walks without end, each one cheap and in a fixed order.

    Args:
        seed: Of the run. Together with the graph, the rules and the outcomes it fixes every
            walk, whatever the timing.
        rules: The numbers of `WalkRules`, by name; what is not given has its default.

    Walks are drawn in blocks of `BLOCK`, all of a block side by side. They start at
    functions that were visited least, of those from which enough others can be reached; a
    share is led to a function visited least instead, first backwards from it and then on. A
    stuck walk backs up to the latest function with a way on that is neither in the walk nor
    at the cap. One that is still too short is begun again a few times over; then the longest
    is taken, down to a single function. Walks hang together: a step between functions that
    have nothing to do with each other is only taken while enough of a walk's steps join kin.
    Functions without a step to kin start walks only when all are like that.

    A run that is resumed draws the blocks before again, tens of thousands of walks a
    second; what is held does not grow with their number, but with `yield_lag` where walks are
    steered.

    Raises:
        ValueError: A number is out of range.
        TypeError: There is no such rule.
    """

    def __init__(self, graph: Walkable, *, seed: int, **rules: Any) -> None:
        self._rules = WalkRules(**rules)
        self._functions = len(graph.functions)
        self._drawer = Drawer(graph, self._rules, seed)

    def walks(self, outcomes: Outcomes | None = None) -> Iterator[Walk]:
        """The walks of scenarios 0, 1, 2, ... without end; every call begins anew.

        Args:
            outcomes: Steers walks towards what was kept. It is asked before the first walk
                of a block is drawn, each time for the scenarios since it was asked last, up
                to `outcomes_needed`; None lets walks go unsteered.

        Raises:
            ValueError: *outcomes* gave more or fewer than asked for.
        """
        for block in self._blocks(outcomes):
            yield from _walks_of(block)

    def outcomes_needed(self, number: int) -> int:
        """How many scenarios must have an outcome before steered scenario *number* is drawn:
        those numbered below what is returned must."""
        return max(0, number // BLOCK * BLOCK - self._rules.yield_lag)

    def report(self, walks: int, outcomes: Outcomes | None = None) -> WalkReport:
        """The first *walks* walks in numbers."""
        drawer = self._drawer
        tally = Tally(drawer.domains, drawer.scores, drawer.holds)
        for first, block in zip(range(0, walks, BLOCK), self._blocks(outcomes), strict=False):
            tally.add(block, min(BLOCK, walks - first))
        return tally.report(drawer.reachable)

    def _blocks(self, outcomes: Outcomes | None) -> Iterator[DrawnBlock]:
        size = self._functions
        visits = Visits(size, self._drawer.reachable, self._rules.visit_cap)
        yields = Yields(size)
        for number in count():
            if outcomes is not None:
                yields.learn(outcomes, self.outcomes_needed(number * BLOCK))
            block = self._drawer.draw(number, visits, yields.factors())
            if outcomes is not None:
                yields.hold(block.walks.functions)
            yield block


def _walks_of(block: DrawnBlock) -> Iterator[Walk]:
    walks = block.walks
    rows = zip(
        walks.functions.tolist(), walks.came_from.tolist(), walks.sizes.tolist(), strict=True
    )
    for functions, came_from, size in rows:
        yield Walk(tuple(functions[:size]), tuple(came_from[:size]))
