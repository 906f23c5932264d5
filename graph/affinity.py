"""How likely an output feeds an input: the evidence, weighed, as a probability.

The weights and the line between likely and not were fitted to labelled pairs, by
`simkit.graph.calibration`; `simkit graph calibrate` does the same with a user's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simkit.graph.evidence import Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Affinity:
    """What turns evidence into a score."""

    weights: Weights
    middle: float
    """The weighted sum of a pair as like the labelled ones as the others: a score of 0.5."""
    spread: float
    """How far from it the score comes to 0.73; above 0."""

    def strength(self, score: float) -> float:
        """The weighted sum that gives *score*; minus infinity for 0."""
        return (
            -math.inf if score <= 0 else self.middle + self.spread * math.log(score / (1 - score))
        )

    def scores(self, strengths: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weighted sums to scores in (0, 1)."""
        scaled = np.clip((strengths - self.middle) / self.spread, -30, 30)
        scores: NDArray[np.float64] = 1 / (1 + np.exp(-scaled))
        return scores


DEFAULT = Affinity(
    weights=Weights(
        text=2.0,
        phrase=2.3,
        words=2.5,
        same_name=1.8,
        same_last_word=1.7,
        names_giver=2.2,
        context=2.4,
        same_domain=1.9,
        other_type=-2.0,
        echo=-2.3,
        nesting=-2.0,
        repeated=1.8,
        needed=-2.2,
    ),
    middle=9.4,
    spread=1.9,
)
"""Fitted with MiniLM to all labelled pairs that we have; see `docs/graph.md`."""
