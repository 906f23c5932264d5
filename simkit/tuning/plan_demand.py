"""What conversations ask for, and how far off a total may be that a few of them foretell.

The intervals come from the bootstrap (Efron 1979): the recorded conversations are drawn again
with replacement, many times, and the spread of the means is the spread to expect.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simkit.prices import Price
from simkit.traces.calls import Usage
from simkit.tuning.workload import Workload, WorkloadCall, calls_of

Values = NDArray[np.float64]

REPLICATES = 400
_INTERVAL = (0.05, 0.95)
_NORMAL = 1.6449
"""Above it lies 5 % of a normal distribution."""
_FEW_ARE_OFF = 3.0
"""Factor up to which an interval is widened for how few conversations it comes from."""
_MOST_UNLIKE = 1e3
"""Replicates that are further off, or empty, count as this much; keeps logarithms finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A figure that is not known exactly."""

    low: float
    """One time in twenty it is lower."""
    expected: float
    high: float
    """One time in twenty it is higher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What each recorded conversation took; all arrays are of shape ``(conversations,)``."""

    calls: Values
    input_tokens: Values
    output_tokens: Values
    money: Values | None
    """None where a model has no price."""


def spent_by(workload: Workload, prices: Mapping[str, Price]) -> Spent:
    """What the conversations of *workload* took, at *prices* by model.

    Input that a provider served from its prompt cache counts as other input: a workload does
    not tell it apart.
    """

    def column(of: Callable[[WorkloadCall], float]) -> Values:
        return per_conversation(workload, of)

    priced = models_of(workload) <= prices.keys()
    return Spent(
        calls=column(lambda call: 1),
        input_tokens=column(lambda call: call.input_tokens),
        output_tokens=column(lambda call: call.output_tokens),
        money=column(lambda call: _price(call, prices)) if priced else None,
    )


def models_of(workload: Workload) -> set[str]:
    """Whom its calls ask."""
    return {call.model for one in workload.conversations for call in calls_of(one)}


def per_conversation(workload: Workload, of: Callable[[WorkloadCall], float]) -> Values:
    """The sum of *of* over the calls of each conversation; shape ``(conversations,)``."""
    return np.array([sum(map(of, calls_of(one))) for one in workload.conversations], dtype=float)


def _price(call: WorkloadCall, prices: Mapping[str, Price]) -> float:
    usage = Usage(input_tokens=call.input_tokens, output_tokens=call.output_tokens)
    return prices[call.model].of(usage)


class Resampling:
    """The recorded conversations, drawn again with replacement `REPLICATES` times.

    Args:
        recorded: How many there are.
        seed: Of the draws; the same one gives the same intervals.
    """

    def __init__(self, recorded: int, *, seed: int = 0) -> None:
        self._recorded = recorded
        self._random = np.random.default_rng(seed)
        drawn = self._random.multinomial(recorded, np.full(recorded, 1 / recorded), REPLICATES)
        self._weights: Values = drawn / recorded

    def means(self, values: Values) -> Values:
        """The mean of each replicate.

        Args:
            values: Shape ``(conversations,)``, or ``(conversations, columns)``.

        Returns:
            Shape ``(replicates,)``, or ``(replicates, columns)``.
        """
        means: Values = self._weights @ values
        return means

    def ratios(self, values: Values) -> Values:
        """The means of the replicates beside that of *values*; shape ``(replicates,)``."""
        mean = float(values.mean())
        return self.means(values) / mean if mean > 0 else np.ones(REPLICATES)

    def total(self, values: Values, wanted: int) -> Range:
        """The sum over *wanted* conversations like the recorded ones.

        Args:
            values: Shape ``(conversations,)``, none negative.
        """
        return self.around(wanted * float(values.mean()), self.ratios(values), wanted)

    def around(
        self, expected: float, ratios: Values, wanted: int, *, model_error: float = 0.0
    ) -> Range:
        """The interval about *expected* when replicates give *ratios* of it.

        It is made on a logarithmic scale, reaches as far down as up, and is wider than the
        percentiles of *ratios* are (nine in ten of such intervals then hold the truth, or a
        little more, for lengths and sizes as skewed as a lognormal of 0.8 or less):

        - by sqrt(1 + recorded / wanted), since the conversations to come vary too;
        - by Student's t for the normal distribution, sqrt(n / (n - 1)) and 1 + 1 / n, since the
          spread itself is known from n conversations only: twice at 4, by a sixth at 16, but
          not beyond a factor of 3;
        - to 1 + 2 / n at least, as few conversations may be alike by chance: one of them tells
          the figure to a factor of 3, and 100 to 2 %.

        Args:
            ratios: Shape ``(replicates,)``.
            wanted: How many conversations *expected* is about.
            model_error: Half of the interval that there would be even if demand were known
                exactly, as a share of *expected*.
        """
        n = self._recorded
        logs = np.log(np.clip(ratios, 1 / _MOST_UNLIKE, _MOST_UNLIKE))
        reach = float(np.abs(np.quantile(logs, _INTERVAL)).max())
        reach = max(reach, min(reach * _few(n), math.log(_FEW_ARE_OFF)))
        reach *= math.sqrt(1 + n / wanted)
        factor = math.exp(math.hypot(max(reach, math.log1p(2 / n)), math.log1p(model_error)))
        return Range(low=expected / factor, expected=expected, high=expected * factor)

    def kept(self, share: float, wanted: int) -> Range:
        """How many of *wanted* conversations will be kept where *share* of the recorded were.

        From Jeffreys' distribution of a share, and the draw of those to come.
        """
        kept = share * self._recorded
        shares = self._random.beta(kept + 0.5, self._recorded - kept + 0.5, 10 * REPLICATES)
        low, high = np.quantile(self._random.binomial(wanted, shares), _INTERVAL).tolist()
        expected = share * wanted
        return Range(low=min(low, expected), expected=expected, high=max(high, expected))


def _few(n: int) -> float:
    """How much wider an interval from *n* values is than one whose spread is known."""
    if n < 2:
        return 1.0  # there is no spread to widen
    return _student_t(n - 1) / _NORMAL * math.sqrt(n / (n - 1)) * (1 + 1 / n)


def _student_t(freedom: int) -> float:
    """Above it lies 5 % of Student's t; the first two exact, then to 2 %."""
    if freedom < 3:
        return (6.3138, 2.9200)[freedom - 1]
    z = _NORMAL
    first = (z**3 + z) / (4 * freedom)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    return z + first + second
