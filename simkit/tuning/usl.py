"""Throughput against concurrency: the Universal Scalability Law, fitted.

Gunther, *Guerrilla Capacity Planning* (2007), chapter 4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Shape = Literal["straight", "flattening", "peaked"]

_NOTICEABLE = 0.02
"""Of the throughput: a loss below that at the highest concurrency is noise."""
_SURE = 4.0
"""Squared standard deviations by which another parameter must bring the law nearer."""
_POINTS_FOR_ALL = 3
_RESAMPLES = 200

_Row = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Throughput at one concurrency."""

    concurrency: float
    """Above 0."""
    per_second: float
    """At least 0."""
    error: float
    """Standard error of `per_second`, above 0: the weight of the point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalability:
    """X(N) = gamma N / (1 + alpha (N - 1) + beta N (N - 1)), with what data say about it."""

    gamma: float
    """Throughput of one at a time."""
    alpha: float
    """Contention, in [0, 1]: what waits for something shared. It bounds the throughput."""
    beta: float
    """Coherency, at least 0: what each costs all others. It lets the throughput fall."""
    shape: Shape
    """As far as the points tell: ``straight`` has neither bound nor peak, and the peak of one that
    is ``flattening``, if it has any, lies far beyond them."""
    peak_interval: tuple[float, float] | None
    """Between which `peak` lies nine times in ten, by resampling; None without a peak."""
    highest: float
    """Highest concurrency that was measured; beyond it the law is a guess."""

    def throughput(self, concurrency: float) -> float:
        """What *concurrency* gives, a second."""
        n = concurrency
        return self.gamma * n / (1 + self.alpha * (n - 1) + self.beta * n * (n - 1))

    @property
    def peak(self) -> float | None:
        """The concurrency with the highest throughput; None where none was seen or is implied."""
        if self.shape != "peaked":
            return None
        return max(1.0, math.sqrt((1 - self.alpha) / self.beta))

    @property
    def most(self) -> float:
        """The highest throughput that there can be; infinite when straight."""
        if self.beta > 0:
            return self.throughput(max(1.0, math.sqrt((1 - self.alpha) / self.beta)))
        return self.gamma / self.alpha if self.alpha > 0 else math.inf

    def knee(self, share: float = 0.95) -> float | None:
        """The lowest concurrency that gives *share* of the best that was seen or is near.

        Of a straight line, which has no knee, None.
        """
        if self.shape == "straight":
            return None
        best = self.highest if self.peak is None else min(self.peak, self.highest)
        wanted = share * self.throughput(best)
        low, high = min(1e-3, best), best
        for _ in range(60):  # the throughput grows up to the peak
            middle = (low + high) / 2
            low, high = (middle, high) if self.throughput(middle) < wanted else (low, middle)
        return high


def fit(points: Sequence[Measured], *, seed: int = 0) -> Scalability:
    """The law that is nearest to *points*, all its parameters at least 0.

    N / X is a polynomial of N, linear in what is looked for: weighted least squares. Parameters
    that would be negative are left out, and those that the errors make doubtful. Two points can
    tell a straight line from one that flattens; a peak takes three.

    Raises:
        ValueError: Fewer than two different concurrencies gave anything.
    """
    usable = [point for point in points if point.per_second > 0 and point.concurrency > 0]
    n = np.array([point.concurrency for point in usable])
    if len(set(n.tolist())) < 2:
        raise ValueError("a law of scalability takes throughput at two concurrencies at least")
    x = np.array([point.per_second for point in usable])
    errors = np.array([point.error for point in usable])
    terms = _POINTS_FOR_ALL if len(set(n.tolist())) >= _POINTS_FOR_ALL else 2
    best = _solve(n, x, errors, terms)
    shape = _shape(best, float(n.max()))
    return Scalability(
        gamma=best[0],
        alpha=0.0 if shape == "straight" else best[1],
        beta=0.0 if shape == "straight" else best[2],
        shape=shape,
        peak_interval=_peak_interval(n, x, errors, terms, seed) if shape == "peaked" else None,
        highest=float(n.max()),
    )


def _solve(n: _Row, x: _Row, errors: _Row, terms: int) -> tuple[float, float, float]:
    """Gamma, alpha and beta by weighted least squares of N / X over the signs that fit."""
    # N / X = (1 + alpha (N - 1) + beta N (N - 1)) / gamma; by error propagation the standard
    # error of N / X is N / X^2 times that of X.
    y = n / x
    weights = x * x / (n * np.maximum(errors, 1e-12))
    columns = np.stack([np.ones_like(n), n - 1, n * (n - 1)][:terms], axis=1)
    best, least = (1.0, 0.0, 0.0), math.inf
    for kept in _subsets(terms):
        solved = np.linalg.lstsq(columns[:, kept] * weights[:, None], y * weights, rcond=None)[0]
        if solved[0] <= 0 or (solved < 0).any():
            continue
        full = np.zeros(3)
        full[list(kept)] = solved
        if full[1] > full[0]:  # alpha above 1: more at once would give less from the start
            full[1] = full[0]
        loss = float(np.sum(((columns @ full[:terms] - y) * weights) ** 2))
        if loss < least - _SURE:
            gamma = 1 / full[0]
            best, least = (float(gamma), float(full[1] * gamma), float(full[2] * gamma)), loss
    return best


def _subsets(terms: int) -> list[list[int]]:
    """Columns that may be kept, the simplest first; the constant always is."""
    return [[0], [0, 1]] if terms == 2 else [[0], [0, 1], [0, 2], [0, 1, 2]]


def _shape(law: tuple[float, float, float], highest: float) -> Shape:
    _, alpha, beta = law
    lost = alpha * (highest - 1) + beta * highest * (highest - 1)
    if lost < _NOTICEABLE:
        return "straight"
    # A peak far beyond what was measured is drawn by noise in the curvature.
    seen = beta > 0 and math.sqrt(max(0.0, 1 - alpha) / beta) <= 2 * highest
    return "peaked" if seen else "flattening"


def _peak_interval(
    n: _Row, x: _Row, errors: _Row, terms: int, seed: int
) -> tuple[float, float] | None:
    noise = np.random.default_rng(seed).normal(size=(_RESAMPLES, len(n)))
    peaks = []
    for row in noise:
        _, alpha, beta = _solve(n, np.maximum(x + row * errors, x * 0.01), errors, terms)
        peaks.append(math.sqrt(max(0.0, 1 - alpha) / beta) if beta > 0 else math.inf)
    low, high = np.quantile(np.array(peaks), [0.05, 0.95], method="nearest")
    return max(1.0, float(low)), max(1.0, float(high))
