"""How well scores put a right answer first: exact expectations, ties in random order."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Ranked:
    """Of one question, or the means over several; each in [0, 1]."""

    hit_at_1: float
    hit_at_5: float
    reciprocal_rank: float


def ranked(scores: NDArray[Any], right: Set[int], *, excluded: int) -> Ranked:
    """Where the best of the *right* candidates comes, highest score first.

    Args:
        scores: One for each candidate; not-a-number counts as the lowest.
        right: Positions of the right candidates, at least one.
        excluded: Position of the one that is no candidate.

    Returns:
        Expectations over every order of equal scores, so that constant scores are worth
        as much as chance.
    """
    scores = np.nan_to_num(np.asarray(scores, np.float64), nan=-np.inf, neginf=-np.inf)
    candidate = np.arange(len(scores)) != excluded
    chosen = np.array(sorted(right))
    best = scores[chosen].max()
    above = int((scores[candidate] > best).sum())
    tied = int((scores[candidate] == best).sum())
    first = _first_of(int((scores[chosen] == best).sum()), tied)
    ranks = above + 1 + np.arange(tied)
    return Ranked(
        float(first[ranks <= 1].sum()),
        float(first[ranks <= 5].sum()),
        float((first / ranks).sum()),
    )


def mean(results: list[Ranked]) -> Ranked:
    """The mean of each measure; all 0 without results."""
    if not results:
        return Ranked(0.0, 0.0, 0.0)
    return Ranked(
        float(np.mean([one.hit_at_1 for one in results])),
        float(np.mean([one.hit_at_5 for one in results])),
        float(np.mean([one.reciprocal_rank for one in results])),
    )


def _first_of(right: int, tied: int) -> NDArray[np.float64]:
    """The chance of each position of *tied*, shuffled, to hold the first of *right* ones."""
    chances = np.zeros(tied)
    left = 1.0  # the chance that none came before
    for position in range(tied - right + 1):
        chances[position] = left * right / (tied - position)
        left -= chances[position]
    return chances
