"""Many walks drawn side by side: one step of all of them is a few numpy calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simkit.graph.walks.visits import Visits
from simkit.graph.walks.ways import Ways

Integers = NDArray[np.int64]


@dataclass(slots=True, eq=False)
class WalkBlock:
    """Walks as rows; positions beyond a walk's size hold -1."""

    functions: Integers
    """Shape ``(walks, longest)``: functions by index, none twice in a row."""
    came_from: Integers
    """Position in the same row of the function that led to each; -1 for the first."""
    edges: Integers
    """Which edge led to each, as a position in the graph's arrays; -1 for the first."""
    sizes: Integers
    """Functions in each walk."""
    loose: Integers
    """Steps of each walk that do not hold."""

    @classmethod
    def empty(cls, walks: int, longest: int) -> WalkBlock:
        shape = (walks, longest)
        return cls(
            functions=np.full(shape, -1),
            came_from=np.full(shape, -1),
            edges=np.full(shape, -1),
            sizes=np.zeros(walks, np.int64),
            loose=np.zeros(walks, np.int64),
        )

    def begin(self, rows: Integers, starts: Integers) -> None:
        """Make *starts* the first functions of the walks *rows*."""
        self.functions[rows, 0] = starts
        self.sizes[rows] = 1

    def step(self, ways: Ways, rows: Integers, positions: Integers, columns: Integers) -> None:
        """Let the function at each of *positions* lead on by the way in *columns*."""
        ends = self.sizes[rows]
        way = self.functions[rows, positions], columns
        self.functions[rows, ends] = ways.targets[way]
        self.came_from[rows, ends] = positions
        self.edges[rows, ends] = ways.edges[way]
        self.sizes[rows] += 1
        self.loose[rows] += ~ways.holds[way]

    def replace(self, rows: Integers, other: WalkBlock, theirs: Integers) -> None:
        """Put the walks *theirs* of *other* in the place of *rows*."""
        self.functions[rows] = other.functions[theirs]
        self.came_from[rows] = other.came_from[theirs]
        self.edges[rows] = other.edges[theirs]
        self.sizes[rows] = other.sizes[theirs]
        self.loose[rows] = other.loose[theirs]

    def turn_round(self) -> None:
        """Let each walk, a path along reversed edges, run the other way."""
        columns = np.arange(self.functions.shape[1])
        inside = columns < self.sizes[:, None]
        mirrored = np.where(inside, self.sizes[:, None] - 1 - columns, columns)
        self.functions = np.take_along_axis(self.functions, mirrored, axis=1)
        # The edge at position p joins p - 1 and p: turned round, it ends one further on.
        edges = np.take_along_axis(self.edges, mirrored, axis=1)
        self.edges[:, 1:] = np.where(inside[:, 1:], edges[:, :-1], -1)
        self.edges[:, 0] = -1
        self.came_from = np.where(inside, columns - 1, -1)


def grow(
    walks: WalkBlock,
    wanted: Integers,
    ways: Ways,
    gains: NDArray[np.float64],
    visits: Visits,
    draw: np.random.Generator,
    *,
    coherence: float,
    backs_up: bool = True,
) -> None:
    """Let the begun *walks* go on from their last functions until they have *wanted* sizes.

    Args:
        gains: Shape ``(functions,)``: what the weight of a way to each is multiplied by.
            Functions at their cap are set to 0 here.
        coherence: Share of the steps of each walk, counted from its first, that hold at
            least, in [0, 1]: a step that does not hold is only taken where this stays true.
        backs_up: Whether a stuck walk goes on from the latest function with a way on that
            is neither in the walk nor at the cap. Without one it stays short.
    """
    heads = walks.sizes - 1
    while (rows := np.flatnonzero((heads >= 0) & (walks.sizes < wanted))).size:
        at = walks.functions[rows, heads[rows]]
        # 1e-9: a quarter of 12 steps and the like are not always exact in binary.
        strict = walks.loose[rows] + 1 > (1 - coherence) * walks.sizes[rows] + 1e-9
        targets = ways.targets.take(at, axis=0)  # twice as fast as indexing
        weights = ways.weights[strict.astype(np.intp), at] * gains.take(targets)
        columns = _choose(weights, targets, walks.functions[rows], draw)
        stuck = rows[columns < 0]
        heads[stuck] = walks.came_from[stuck, heads[stuck]] if backs_up else -1
        rows, at, columns = (part[columns >= 0] for part in (rows, at, columns))
        to = ways.targets[at, columns]
        granted = visits.visit(to)  # who is refused chooses again, among what is left
        gains[visits.full(to)] = 0
        rows, columns = rows[granted], columns[granted]
        walks.step(ways, rows, heads[rows], columns)
        heads[rows] = walks.sizes[rows] - 1


def _choose(
    weights: NDArray[np.float64],
    targets: Integers,
    taken: Integers,
    draw: np.random.Generator,
) -> Integers:
    """For each row a column in proportion to *weights*, but none whose target is in the row of
    *taken*; -1 where nothing is left."""
    columns = _draw(weights, draw.random(len(weights)))
    chosen = np.take_along_axis(targets, columns[:, None], axis=1)
    # Most first draws are fine; drawing the others again among what is not taken gives the
    # same distribution as looking at what is taken for all.
    again = np.flatnonzero((chosen == taken).any(axis=1) | (columns < 0))
    if again.size:
        repeats = (targets[again][:, :, None] == taken[again][:, None, :]).any(axis=2)
        columns[again] = _draw(np.where(repeats, 0, weights[again]), draw.random(len(again)))
    return columns


def _draw(weights: NDArray[np.float64], points: NDArray[np.float64]) -> Integers:
    """For each row a column in proportion to its weights; -1 where all are 0."""
    sums = np.cumsum(weights, axis=1)
    totals = sums[:, -1]
    # A rounded-up product must not land beyond the last way that has a weight.
    scaled = np.minimum(points * totals, np.nextafter(totals, 0))
    columns = (sums <= scaled[:, None]).sum(axis=1)
    return np.where(totals > 0, columns, -1)
