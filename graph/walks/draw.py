"""From block to block: lengths, starts and targets, and another try for walks that got stuck."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from simkit.graph.walks.block import Integers, WalkBlock, grow
from simkit.graph.walks.kinship import kin
from simkit.graph.walks.rules import WalkRules
from simkit.graph.walks.visits import Visits
from simkit.graph.walks.walkable import Walkable
from simkit.graph.walks.ways import functions_reached, functions_reaching, ways_along
from simkit.traces.seeds import derive_seed

BLOCK = 512
"""Walks drawn side by side; walk *n* belongs to block ``n // BLOCK``."""
_ATTEMPTS = 8
"""Walks begun for one chain, at most; the longest is taken when all get stuck early."""
_LED_ATTEMPTS = 2
"""Of these the first that lead to a target: one without kin must not shorten the chain."""
_LOOSE = 0.1
"""What the weight of an edge between strangers is multiplied by, where walks should cohere."""
_START_EXPONENT = 2.0
"""Of the rarity of a function, in its weight as a start."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DrawnBlock:
    """A block of walks and what it took to get them; a row, or an entry, for each walk."""

    walks: WalkBlock
    wanted: Integers
    """The lengths that were drawn."""
    redrawn: Integers
    """Attempts thrown away because they got stuck."""
    targets: Integers
    """The function that the walk was led to; -1 for none."""


class Drawer:
    """Draws any block of walks of *graph*, given how often functions were visited before."""

    def __init__(self, graph: Walkable, rules: WalkRules, seed: int) -> None:
        self._rules = rules
        self._seed = seed
        self._longest = max(rules.max_length, rules.short_max_length)
        size = len(graph.functions)
        sources = np.repeat(np.arange(size), np.diff(graph.row_starts))
        self.scores = graph.scores
        self.domains = [graph.domain(index) for index in range(size)]
        self.holds = kin(graph.functions, self.domains, sources, graph.targets)
        weights = graph.scores ** (1 / rules.temperature)
        if rules.coherence:
            weights = np.where(self.holds, weights, weights * _LOOSE)
        self._ways_on = ways_along(size, sources, graph.targets, weights, self.holds)
        self._ways_back = ways_along(size, graph.targets, sources, weights, self.holds)
        kind = 1 if rules.coherence else 0
        self._starts = functions_reaching(self._ways_on, rules.min_length, kind=kind)
        self.reachable = functions_reached(self._ways_on, self._starts, kind=kind)

    def draw(self, number: int, visits: Visits, factors: NDArray[np.float64]) -> DrawnBlock:
        """Block *number*; counts its visits in *visits*.

        Args:
            factors: Shape ``(functions,)``, above 0: what makes each wanted more or less.
        """
        draw = np.random.Generator(np.random.Philox(key=derive_seed(self._seed, "walks", number)))
        wanted = self._lengths(draw)
        visits.begin_block(int(wanted.sum()))
        targets = self._targets(visits, draw)
        best = WalkBlock.empty(BLOCK, self._longest)
        redrawn = np.zeros(BLOCK, np.int64)
        pending = np.arange(BLOCK)
        for attempt in range(_ATTEMPTS):
            led_to = targets[pending] if attempt < _LED_ATTEMPTS else np.full(len(pending), -1)
            walks = self._attempt(wanted[pending], led_to, visits, factors, draw)
            better = walks.sizes > best.sizes[pending]
            replaced = pending[better]
            visits.take_back(best.functions[replaced])
            visits.take_back(walks.functions[~better])
            best.replace(replaced, walks, np.flatnonzero(better))
            redrawn[pending] = attempt
            pending = pending[best.sizes[pending] < wanted[pending]]
            if not pending.size:
                break
        return DrawnBlock(walks=best, wanted=wanted, redrawn=redrawn, targets=targets)

    def _lengths(self, draw: np.random.Generator) -> Integers:
        rules = self._rules
        short = draw.random(BLOCK) < rules.short_share
        least = np.where(short, rules.short_min_length, rules.min_length)
        most = np.where(short, rules.short_max_length, rules.max_length)
        lengths: Integers = least + (draw.random(BLOCK) * (most - least + 1)).astype(np.int64)
        return lengths

    def _targets(self, visits: Visits, draw: np.random.Generator) -> Integers:
        """For each walk a function that it is led to, or -1."""
        led = np.flatnonzero(draw.random(BLOCK) < self._rules.target_share)
        led = led[: len(self.reachable)]
        keys = visits.counts[self.reachable] + draw.random(len(self.reachable))
        rarest = np.argpartition(keys, len(led) - 1)[: len(led)]
        targets = np.full(BLOCK, -1)
        targets[led] = self.reachable[rarest[np.argsort(keys[rarest])]]
        return targets

    def _attempt(
        self,
        wanted: Integers,
        targets: Integers,
        visits: Visits,
        factors: NDArray[np.float64],
        draw: np.random.Generator,
    ) -> WalkBlock:
        """One walk for each of *wanted*; none, of size 0, where the cap allows no start."""
        rarity = visits.rarity()
        gains = rarity**self._rules.coverage * factors * visits.open()
        go = partial(grow, gains=gains, visits=visits, draw=draw, coherence=self._rules.coherence)
        walks = WalkBlock.empty(len(wanted), self._longest)

        led = np.flatnonzero(targets >= 0)
        led = led[visits.visit(targets[led])]
        gains[visits.full(targets[led])] = 0
        ways_there = WalkBlock.empty(len(led), self._longest)
        ways_there.begin(np.arange(len(led)), targets[led])
        lengths = 1 + (draw.random(len(led)) * wanted[led]).astype(np.int64)
        go(ways_there, lengths, self._ways_back, backs_up=False)
        ways_there.turn_round()
        walks.replace(led, ways_there, np.arange(len(led)))

        self._start(walks, rarity**_START_EXPONENT * factors, visits, draw)
        gains *= visits.open()
        go(walks, wanted, self._ways_on)
        return walks

    def _start(
        self,
        walks: WalkBlock,
        weights: NDArray[np.float64],
        visits: Visits,
        draw: np.random.Generator,
    ) -> None:
        """Begin the walks of size 0: anywhere, where all good starts are at the cap."""
        rows = np.flatnonzero(walks.sizes == 0)
        for pool in (self._starts, self.reachable):
            while rows.size and (left := pool[visits.open()[pool]]).size:
                starts = left[_spread(weights[left], len(rows), draw)]
                granted = visits.visit(starts)
                walks.begin(rows[granted], starts[granted])
                rows = rows[~granted]


def _spread(weights: NDArray[np.float64], number: int, draw: np.random.Generator) -> Integers:
    """*number* positions in proportion to *weights*, as evenly as can be, in random order.

    Systematic sampling: each comes as often as its share says, to within one.
    """
    points = (np.argsort(draw.random(number)) + draw.random()) / number
    sums = np.cumsum(weights)
    positions: Integers = np.searchsorted(sums, points * sums[-1], "right")
    return np.minimum(positions, len(weights) - 1)
