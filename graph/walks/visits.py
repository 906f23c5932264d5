"""How often each function was visited, and which may be visited again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Visits:
    """Counts of visits in a graph of *functions*, of which walks can reach *reachable*.

    Args:
        cap: No count exceeds this times (mean + 1), the mean being that over *reachable*
            at the end of the block, when each of its walks gets as long as wanted.
    """

    def __init__(self, functions: int, reachable: NDArray[np.int64], cap: float) -> None:
        self._reachable = reachable
        self._cap = cap
        self._limit = 0.0
        self.counts: NDArray[np.int64] = np.zeros(functions, np.int64)

    def begin_block(self, wanted: int) -> None:
        """Make room for the *wanted* visits of a block's walks.

        With a cap of at least 1 there is always a function that may be visited, until all
        of them are made.
        """
        total = int(self.counts.sum()) + wanted
        self._limit = self._cap * (total / len(self._reachable) + 1)

    def open(self) -> NDArray[np.bool_]:
        """For each function, whether it may be visited again in this block."""
        return self.counts + 1 <= self._limit

    def rarity(self) -> NDArray[np.float64]:
        """For each function ``(mean + 1) / (visits + 1)``: above 1 for what is behind."""
        mean = self.counts.sum() / len(self._reachable)
        rarity: NDArray[np.float64] = (mean + 1) / (self.counts + 1)
        return rarity

    def visit(self, functions: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Count one visit for each entry, in order, up to the cap; which were counted."""
        before = self.counts[functions]
        np.add.at(self.counts, functions, 1)
        granted = self.counts[functions] <= self._limit
        if not granted.all():
            granted = before + _repetition(functions) + 1 <= self._limit
            np.subtract.at(self.counts, functions[~granted], 1)
        return np.asarray(granted, np.bool_)

    def take_back(self, functions: NDArray[np.int64]) -> None:
        """Uncount visits of walks that were drawn and not used; entries below 0 are none."""
        np.subtract.at(self.counts, functions[functions >= 0], 1)

    def full(self, functions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of *functions* that may not be visited again in this block."""
        return functions[self.counts[functions] + 1 > self._limit]


def _repetition(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each entry, how many entries before it are equal to it."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    repetition = np.empty(len(values), np.int64)
    repetition[order] = np.arange(len(values)) - np.searchsorted(ordered, ordered)
    return repetition


def gini(counts: NDArray[np.int64]) -> float:
    """Inequality of *counts*: 0 when all are equal, towards 1 when one has everything."""
    total = counts.sum()
    if not total:
        return 0.0
    ranks = np.arange(1, len(counts) + 1)
    return float(2 * (ranks * np.sort(counts)).sum() / (len(counts) * total)) - 1 - 1 / len(counts)
