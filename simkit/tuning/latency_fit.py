"""Latencies of recorded calls with the load taken out, and how load slowed them down.

The model is the simulated provider's: a call takes base x (1 + n / doubled_at) with n calls in
flight when it is sent, itself included. The base is a distribution for each role, model and size,
whose spread is taken for a factor, as that of lognormal latencies is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simkit.traces.call_times import CallTable, Floats, Integers
from simkit.tuning.workload import Latencies

MOST_BINS = 8
"""Of sizes, for each role and model."""
FEWEST_IN_BIN = 20
MOST_VALUES = 2_000
"""Of each class."""

_LEAST_T = 3.0
"""Slow-downs of which the slope is fewer standard errors from 0 are taken for chance."""
_LEAST_EFFECT = 0.03
"""Slow-downs that make less of a difference over the loads that were seen are left out."""
_INPUT_BINS = 4
_STEEPEST = 10.0
"""Largest slope; a tenth of a call in flight doubles latency then."""
_TINY = 1e-6
"""Slopes below it make no difference to anything."""
_STEPS = 60
_GOLDEN = (5**0.5 - 1) / 2
_LEAST_SECONDS = 1e-6
"""Whose logarithm stands for that of no time at all."""
_FAR = 4.5
"""Times the median distance of logarithms from the mean of their class: what is farther counts as
this far. It is three standard deviations of a normal distribution."""
_NEVER_FAR = 0.7
"""A factor of two, which is near whatever the others are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyFit:
    """What the calls of a run tell about their provider."""

    latencies: Latencies
    latency_class: Integers
    """For each call, its index into ``latencies.classes``."""
    loads: Integers
    """For each call, how many of its model were in flight when it was sent, itself included."""
    peak_calls_in_flight: int
    """Of all models together."""
    loads_differ: bool
    """Whether a slow-down to the double over the loads that were seen would have shown."""


@dataclass(frozen=True, slots=True)
class _Slope:
    per_call: float
    standard_error: float

    @property
    def shows(self) -> bool:
        return self.per_call > _LEAST_T * self.standard_error


def fit_latencies(calls: CallTable) -> LatencyFit:
    """The latencies of *calls*, all of a run; at least one.

    The same calls give the same fit, in whatever order the provider answered. Some seconds for
    millions.
    """
    seconds = np.maximum(calls.ended_at - calls.sent_at, 0.0)
    loads = _loads(calls)
    classes = _classes(calls)
    slope = _fit_slope(seconds, loads, _finer(classes, calls.input_tokens))
    low, high = np.quantile(loads, (0.01, 0.99))
    effect = (1 + slope.per_call * high) / (1 + slope.per_call * low) - 1
    per_call = slope.per_call if slope.shows and effect > _LEAST_EFFECT else 0.0
    unloaded = seconds / (1 + per_call * loads)
    return LatencyFit(
        latencies=Latencies(
            classes=tuple(_thinned(values) for values in _grouped(unloaded, classes)),
            doubled_at=1 / per_call if per_call > 0 else None,
        ),
        latency_class=classes,
        loads=loads,
        peak_calls_in_flight=int(_in_flight(calls.sent_at, calls.ended_at).max(initial=1)),
        loads_differ=bool(slope.shows or _LEAST_T * slope.standard_error * high < 1.0),
    )


def _loads(calls: CallTable) -> Integers:
    """See `LatencyFit.loads`: the calls of a model share its limits, and so its load."""
    loads = np.empty(len(calls), dtype=np.int64)
    models = np.unique([model for _, model in calls.kinds], return_inverse=True)[1]
    model_of = models[calls.kind]
    for model in range(int(models.max()) + 1):
        of_model = np.flatnonzero(model_of == model)
        loads[of_model] = _in_flight(calls.sent_at[of_model], calls.ended_at[of_model])
    return loads


def _in_flight(sent_at: Floats, ended_at: Floats) -> Integers:
    """For each call, the calls that had been sent when it was, and had not ended."""
    sent = np.searchsorted(np.sort(sent_at), sent_at, side="right")
    ended = np.searchsorted(np.sort(ended_at), sent_at, side="right")
    in_flight: Integers = np.maximum(sent - ended, 1)  # those without duration count, too
    return in_flight


def _classes(calls: CallTable) -> Integers:
    """A number from 0 for each call: of its role, model and size of output; all are in use."""
    bins = np.zeros(len(calls), dtype=np.int64)
    for kind in range(len(calls.kinds)):
        of_kind = np.flatnonzero(calls.kind == kind)
        bins[of_kind] = _size_bins(calls.output_tokens[of_kind], MOST_BINS)
    return _numbered(calls.kind * MOST_BINS + bins)


def _finer(classes: Integers, input_tokens: Integers) -> Integers:
    """*classes* by size of input, too.

    Conversations grow, and so does the load while a run begins: what long inputs cost would
    look like load.
    """
    bins = np.zeros(len(classes), dtype=np.int64)
    order = np.argsort(classes, kind="stable")
    for of_class in np.split(order, np.flatnonzero(np.diff(classes[order])) + 1):
        bins[of_class] = _size_bins(input_tokens[of_class], _INPUT_BINS)
    return _numbered(classes * _INPUT_BINS + bins)


def _numbered(labels: Integers) -> Integers:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _size_bins(sizes: Integers, most: int) -> Integers:
    """At most *most* bins of about as many sizes, equal sizes in one, none with only a few."""
    values, counts = np.unique(sizes, return_counts=True)
    enough = max(FEWEST_IN_BIN, len(sizes) / most)
    lasts, held, left = [], 0, len(sizes)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        held, left = held + count, left - count
        if held >= enough and left >= FEWEST_IN_BIN:
            lasts.append(value)
            held = 0
    bins: Integers = np.searchsorted(np.array(lasts), sizes, side="left").astype(np.int64)
    return bins


def _fit_slope(seconds: Floats, loads: Integers, classes: Integers) -> _Slope:
    """The slow-down per call in flight that explains most of what differs within classes.

    Least squares of the logarithms, in which each class has a level of its own: that classes
    see different loads is no slow-down. Calls of one class and load are one cell, so the
    search is as quick for millions as for thousands.
    """
    logs = _levelled(np.log(np.maximum(seconds, _LEAST_SECONDS)), classes)
    cells, cell_of = np.unique(classes * (loads.max() + 1) + loads, return_inverse=True)
    counts = np.bincount(cell_of).astype(np.float64)
    means = np.bincount(cell_of, weights=logs) / counts
    group, load = np.divmod(cells, loads.max() + 1)
    spread = float(((logs - means[cell_of]) ** 2).sum())

    def misfit(per_call: float) -> float:
        left = _within(means - np.log1p(per_call * load), group, counts)
        return float((counts * left**2).sum())

    per_call = _least(misfit, _STEEPEST)
    freedom = max(len(logs) - int(group.max()) - 2, 1)
    variance = (misfit(per_call) + spread) / freedom
    turn = _within(load / (1 + per_call * load), group, counts)
    information = float((counts * turn**2).sum())
    error = float(np.sqrt(variance / information)) if information > 0 else np.inf
    return _Slope(per_call, error)


def _levelled(logs: Floats, classes: Integers) -> Floats:
    """*logs* less the level of their class; a few calls that hung, or took no time, are not to
    decide."""
    apart = _within(logs, classes, np.ones(len(logs)))
    far = max(_NEVER_FAR, _FAR * float(np.median(np.abs(apart))))
    return np.clip(apart, -far, far)


def _within(values: Floats, group: Integers, weights: Floats) -> Floats:
    """*values* less the weighted mean of their group."""
    means = np.bincount(group, weights=weights * values) / np.bincount(group, weights=weights)
    left: Floats = values - means[group]
    return left


def _least(misfit: Callable[[float], float], most: float) -> float:
    """Where in [0, *most*] *misfit* is least, to about a millionth of the place.

    A search by golden section, on a scale on which small slopes have as much room as large.
    """
    low, high = 0.0, float(np.log1p(most / _TINY))
    for _ in range(_STEPS):
        step = _GOLDEN * (high - low)
        left, right = high - step, low + step
        if misfit(_TINY * np.expm1(left)) <= misfit(_TINY * np.expm1(right)):
            high = right
        else:
            low = left
    return float(_TINY * np.expm1((low + high) / 2))


def _grouped(values: Floats, classes: Integers) -> list[Floats]:
    order = np.argsort(classes, kind="stable")
    return np.split(values[order], np.flatnonzero(np.diff(classes[order])) + 1)


def _thinned(values: Floats) -> tuple[float, ...]:
    """*values* ascending; of many, as many quantiles at equal distances."""
    ordered = np.sort(values)
    if len(ordered) > MOST_VALUES:
        places = (np.arange(MOST_VALUES) + 0.5) * (len(ordered) / MOST_VALUES)
        ordered = ordered[places.astype(np.int64)]
    return tuple(ordered.tolist())
