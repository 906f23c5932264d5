"""Fits the weights of the evidence, and the line between likely and not, to labelled pairs.

For each question (which function feeds this input?) a softmax over the functions that come
into question, each standing for its best output, gives a chance to every function; weights
that give the labelled ones more chance are better. They stay near where they started, as a few
labels can say little about a dozen weights, and none changes its sign. The line is a logistic
regression of right on strength over the same functions, right ones and others of a question
weighing the same: labels name few of all that is right, so that the share of right ones among
the strongest says nothing. A score is thus not the share of such edges that are right, but how
much more a pair is like the labelled ones than like the strongest others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simkit.graph.affinity import DEFAULT, Affinity
from simkit.graph.evidence import Weights
from simkit.graph.rivals import Rivals

FULL_SET = 10
"""A set of fewer questions than this weighs less than others, by its number of them."""
_STEPS = 300
_STEP = 0.05
_DECAY_MEAN, _DECAY_SQUARE, _TINY = 0.9, 0.99, 1e-8
"""Of Adam (arXiv 1412.6980)."""
PULL = 0.1
"""How strongly weights are held near the start, beside the mean loss of a question."""
_NEWTON_STEPS = 30
_LINE_PULL = 1e-3
"""Keeps the line finite where strengths tell right from wrong without a fault."""
_FLATTEST = 0.01
"""Stronger is never less likely, whatever the labels say."""

Numbers = NDArray[np.float64]


def fit(sets: Sequence[Rivals], start: Affinity = DEFAULT) -> Affinity:
    """Weights and line that answer the questions of *sets* best; each set weighs the same,
    but for those of few questions (`FULL_SET`).

    Deterministic; seconds for a thousand questions.

    Raises:
        ValueError: There is no question.
    """
    together = _Joined.of(sets)
    weights = _fitted_weights(together, start.weights.values().astype(np.float64))
    return _with_line(together, weights)


def fit_line(sets: Sequence[Rivals], weights: Weights) -> Affinity:
    """Likewise, but *weights* stay as they are."""
    return _with_line(_Joined.of(sets), weights.values().astype(np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class _Joined:
    """Several sets as one, with what each of its functions weighs."""

    rivals: Rivals
    question: NDArray[np.int64]
    """Of each group."""
    share: Numbers
    """Of each group: that of its question, over all questions 1."""

    @classmethod
    def of(cls, sets: Sequence[Rivals]) -> _Joined:
        sets = [one for one in sets if len(one.first_group)]
        if not sets:
            raise ValueError("There is no question to learn from.")
        rows = np.cumsum([0, *(len(one.evidence) for one in sets)])
        groups = np.cumsum([0, *(len(one.right) for one in sets)])
        rivals = Rivals(
            np.concatenate([one.evidence for one in sets]),
            np.concatenate([one.first_row + row for one, row in zip(sets, rows, strict=False)]),
            np.concatenate([one.right for one in sets]),
            np.concatenate([one.first_group + at for one, at in zip(sets, groups, strict=False)]),
        )
        asked = np.array([len(one.first_group) for one in sets])
        weight = np.minimum(asked, FULL_SET) / np.minimum(asked, FULL_SET).sum()
        shares = np.repeat(weight / asked, [len(one.right) for one in sets])
        return cls(rivals, rivals.of_questions(), shares)


def _fitted_weights(joined: _Joined, start: Numbers) -> Numbers:
    weights, mean, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for step in range(1, _STEPS + 1):
        slope = _slope(joined, weights) + PULL * (weights - start)
        mean = _DECAY_MEAN * mean + (1 - _DECAY_MEAN) * slope
        square = _DECAY_SQUARE * square + (1 - _DECAY_SQUARE) * slope**2
        size = np.sqrt(square / (1 - _DECAY_SQUARE**step)) + _TINY
        weights -= _STEP * mean / (1 - _DECAY_MEAN**step) / size
        weights = np.where(weights * start < 0, 0, weights)
    return weights


def _slope(joined: _Joined, weights: Numbers) -> Numbers:
    """Of the mean over the questions of -log(chance that a right function is picked)."""
    rivals = joined.rivals
    rows, strengths = rivals.best_rows(weights)
    chances = _softmax(strengths, rivals, joined.question)
    right = chances * rivals.right
    of_right = right / np.add.reduceat(right, rivals.first_group)[joined.question]
    slope: Numbers = (joined.share * (chances - of_right)) @ rivals.evidence[rows]
    return slope


def _softmax(strengths: Numbers, rivals: Rivals, question: NDArray[np.int64]) -> Numbers:
    highest = np.maximum.reduceat(strengths, rivals.first_group)[question]
    # Above 0, so that a question whose right answers are far behind still has a slope.
    powers = np.exp(np.maximum(strengths - highest, -50))
    chances: Numbers = powers / np.add.reduceat(powers, rivals.first_group)[question]
    return chances


def _with_line(joined: _Joined, weights: Numbers) -> Affinity:
    _, strengths = joined.rivals.best_rows(weights)
    middle, spread = _line(strengths, joined.rivals.right, _balanced(joined))
    kinds = {one.name: float(weight) for one, weight in zip(fields(Weights), weights, strict=True)}
    return Affinity(weights=Weights(**kinds), middle=middle, spread=spread)


def _balanced(joined: _Joined) -> Numbers:
    """What each group weighs when those right and those not of a question weigh the same."""
    right, starts = joined.rivals.right, joined.rivals.first_group
    of_right = np.add.reduceat(right.astype(np.float64), starts)[joined.question]
    of_others = np.add.reduceat((~right).astype(np.float64), starts)[joined.question]
    weights: Numbers = joined.share / 2 / np.where(right, of_right, of_others)
    return weights


def _line(strengths: Numbers, right: NDArray[np.bool_], share: Numbers) -> tuple[float, float]:
    """Middle and spread of the logistic curve, by Newton's method."""
    centre, scale = float(strengths.mean()), float(strengths.std()) or 1.0
    terms = np.stack([(strengths - centre) / scale, np.ones_like(strengths)], axis=1)
    pull = np.array([_LINE_PULL, 0.0])
    slope = np.zeros(2)
    for _ in range(_NEWTON_STEPS):
        chances = 1 / (1 + np.exp(-np.clip(terms @ slope, -30, 30)))
        gradient = terms.T @ (share * (chances - right)) + pull * slope
        curvature = share * np.maximum(chances * (1 - chances), _TINY)
        slope = slope - np.linalg.solve((terms.T * curvature) @ terms + np.diag(pull), gradient)
    steepness = max(float(slope[0]), _FLATTEST)
    return centre - scale * float(slope[1]) / steepness, scale / steepness
