"""From the scores of a validator to the edges that stay, and to those that join them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simkit.graph.validation.questions import EdgeScores


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The lowest scores, 0 to 9, of an edge that is accepted; the paper publishes none."""

    carries_over: int = 6
    plausible_path: int = 6

    def accepts(self, scores: EdgeScores) -> bool:
        """Whether both scores are high enough."""
        return (
            scores.carries_over >= self.carries_over
            and scores.plausible_path >= self.plausible_path
        )


def edges_kept(scores: Sequence[EdgeScores | None], cut: Cut) -> NDArray[np.bool_]:
    """For each edge whether it stays: when *cut* accepts it, or it has no scores."""
    return np.array([one is None or cut.accepts(one) for one in scores], np.bool_)


def accepted_below(
    scores: Sequence[EdgeScores | None], strength: NDArray[np.float64], cut: Cut, *, room: int
) -> NDArray[np.bool_]:
    """Which candidates from below the threshold of a graph join it all the same.

    Args:
        strength: The candidates' own scores.
        room: How many may.

    Returns:
        For each candidate whether it does: of those that *cut* accepts, the *room* ones with
        the highest sum of scores; where sums are equal, the stronger one, then the first.
    """
    accepted = sorted(
        (-one.carries_over - one.plausible_path, -strength[position], position)
        for position, one in enumerate(scores)
        if one is not None and cut.accepts(one)
    )
    joins = np.zeros(len(scores), np.bool_)
    joins[[position for *_, position in accepted[:room]]] = True
    return joins


def room_below(share: float, *, above: int, below: int) -> int:
    """How many edges from below the threshold may join a graph.

    Args:
        share: Of the edges that there will be, in [0, 1), those that may come from below.
        above: Edges of the graph that its own rule made; *below*: the others.
    """
    return max(0, int(above * share / (1 - share)) - below)
