"""What became of earlier scenarios, and how it steers later walks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

_PRIOR = 8.0
"""A function counts as having been in this many more scenarios of average luck."""
_BOUND = 2.0
"""The most that a function's weight is multiplied or divided by: a bad start is no verdict."""

Outcomes = Callable[[int, int], Sequence[bool | None]]
"""Asked for scenarios ``first`` to ``stop - 1``, tells in that order whether the filters kept
each; None where there is nothing to learn from one, as when a provider failed."""


class Yields:
    """Smoothed keep rates of functions; depends only on walks, outcomes and their order.

    Holds the walks that it has not learned from yet.
    """

    def __init__(self, functions: int) -> None:
        self._played = np.zeros(functions, np.int64)
        self._kept = np.zeros(functions, np.int64)
        self._all_played = 0
        self._all_kept = 0
        self._unlearned: deque[NDArray[np.int64]] = deque()
        self._known = 0

    def hold(self, walks: NDArray[np.int64]) -> None:
        """Note the next scenarios' functions by index, a row each; entries below 0 are none."""
        self._unlearned.extend(walks)

    def learn(self, outcomes: Outcomes, until: int) -> None:
        """Take in what is missing of scenarios ``0`` to ``until - 1``, whose walks are noted.

        Raises:
            ValueError: There are more or fewer outcomes than scenarios; drawing on would
                make walks depend on timing.
        """
        missing = until - self._known
        if missing <= 0:
            return
        found = outcomes(self._known, until)
        if len(found) != missing:
            raise ValueError(
                f"walks need the outcomes of scenarios {self._known} to {until - 1}, and got "
                f"{len(found)}; ask `Walker.outcomes_needed` before drawing"
            )
        walks = np.array([self._unlearned.popleft() for _ in range(missing)])
        played = np.array([kept is not None for kept in found])
        self._all_played += _count(walks[played], self._played)
        self._all_kept += _count(walks[np.array([kept is True for kept in found])], self._kept)
        self._known = until

    def factors(self) -> NDArray[np.float64]:
        """For each function what to multiply weights by, in [1/2, 2]: its keep rate beside
        that of all, both smoothed."""
        overall = (self._all_kept + 1) / (self._all_played + 2)
        rates = (self._kept + _PRIOR * overall) / (self._played + _PRIOR)
        factors: NDArray[np.float64] = np.clip(rates / overall, 1 / _BOUND, _BOUND)
        return factors


def _count(walks: NDArray[np.int64], counts: NDArray[np.int64]) -> int:
    """Count the functions of *walks* in *counts*; how many walks these are."""
    np.add.at(counts, walks[walks >= 0], 1)
    return len(walks)
