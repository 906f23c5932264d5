"""For each input of a catalog, the functions that most likely supply it, best first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simkit.graph.evidence import Evidence, Weights
from simkit.graph.pairs import Grid, Indexes, Listed, Pairs, Rows, Vectors
from simkit.graph.reach import within_reach

_EXHAUSTIVE_CELLS = 40_000_000
"""Pairs of a group (a domain, or all) up to which every one is looked at."""
_BLOCK_CELLS = 500_000
"""Pairs looked at together: a dozen arrays of 2 to 4 MB."""
_INPUTS_AT_ONCE = 4_000
"""Inputs whose producers are all found before those of the next: what memory holds at once."""
_PRODUCT_CELLS = 4_000_000
"""Cells of a product of vectors; larger than other blocks, as products like it."""
_NEAREST = 24
"""Beyond the domain of an input: the outputs looked at have one of so many nearest texts..."""
_OUTPUTS_A_TEXT = 4
"""...and for a text that many outputs share, so many of them."""
_MORE = 2
"""So many times more producers are kept until it is known what they need themselves."""


@dataclass(frozen=True, slots=True, eq=False)
class Producers:
    """Arrays of one length; by input, then strongest first, no function twice an input."""

    input: Indexes
    """Index of the input that is fed."""
    function: Indexes
    """Index of the function that feeds it; never the input's own."""
    output: Indexes
    """Index of the function's output that fits best."""
    strength: NDArray[np.float64]
    """The weighted sum of the evidence; any number."""

    def __len__(self) -> int:
        return len(self.input)

    def at(self, positions: Indexes | NDArray[np.bool_]) -> Producers:
        """Those at *positions*, in that order."""
        return Producers(
            self.input[positions],
            self.function[positions],
            self.output[positions],
            self.strength[positions],
        )


def best_producers(
    evidence: Evidence,
    weights: Weights,
    *,
    keep: int,
    inputs: Indexes | None = None,
    outputs: Indexes | None = None,
    at_least: float = -math.inf,
) -> Producers:
    """The *keep* strongest producers of each input.

    Args:
        inputs: Those of interest, as indexes, ascending; None for all.
        outputs: Likewise.
        at_least: Strength below which a producer is of no interest; saves time.

    Small catalogs, and domains in large ones, are looked at whole. Beyond its domain an input
    of a large catalog is compared with the outputs of the nearest texts and names only.
    Ties go to the function that comes first. The same evidence gives the same result.
    """
    wanted = np.arange(len(evidence.inputs)) if inputs is None else inputs
    given = np.arange(len(evidence.outputs)) if outputs is None else outputs
    if outputs is not None and _is_small(evidence, given):
        # They are a few new ones, as a rule; of all outputs, hardly an input is out of reach.
        wanted = within_reach(evidence, weights, at_least, outputs, wanted)
    return _joined(
        [
            _best(
                evidence,
                weights.values(),
                keep,
                at_least,
                given,
                wanted[start : start + _INPUTS_AT_ONCE],
            )
            for start in range(0, len(wanted), _INPUTS_AT_ONCE)
        ]
    )


def _best(
    evidence: Evidence,
    values: NDArray[np.float32],
    keep: int,
    at_least: float,
    outputs: Indexes,
    inputs: Indexes,
) -> Producers:
    needed = min(0.0, float(values[-1]))  # can only take away
    found = _joined(
        [
            _strongest(_best_outputs(evidence, values, pairs, at_least), keep * _MORE)
            for pairs in _pairs_to_compare(evidence, outputs, inputs)
        ]
    )
    found = _strongest(_distinct(found), keep * _MORE)
    found = _strongest(_less_needs(evidence, found, needed), keep)
    return found.at(found.strength >= at_least)


def _less_needs(evidence: Evidence, found: Producers, weight: float) -> Producers:
    if not weight:
        return found
    strength = found.strength.copy()
    for start in range(0, len(found), _BLOCK_CELLS // 4):  # several inputs a function
        part = slice(start, start + _BLOCK_CELLS // 4)
        strength[part] += weight * evidence.needs(found.function[part], found.input[part])
    return Producers(found.input, found.function, found.output, strength)


def _best_outputs(
    evidence: Evidence, values: NDArray[np.float32], pairs: Pairs, at_least: float
) -> Producers:
    """The best output of each function for each input in *pairs*, the weak ones left out."""
    strength = sum(
        (weight * one for weight, one in zip(values, evidence.of(pairs), strict=False) if weight),
        np.zeros((), np.float32),
    )
    if isinstance(pairs, Grid):
        found = _best_in_grid(evidence, pairs, strength)
        return found.at(found.strength >= at_least)
    listed = Producers(
        pairs.takers,
        evidence.givers[pairs.givers],
        pairs.givers,
        np.broadcast_to(strength, pairs.givers.shape).astype(np.float64),
    )
    return _distinct(_without_own(evidence, listed.at(listed.strength >= at_least)))


def _best_in_grid(evidence: Evidence, grid: Grid, strength: Vectors) -> Producers:
    shape = (len(grid.givers), len(grid.takers))
    strength = np.broadcast_to(strength, shape)
    functions, starts = np.unique(evidence.givers[grid.givers], return_index=True)
    best = np.maximum.reduceat(strength, starts, axis=0)
    owners = np.repeat(np.arange(len(functions)), np.diff(np.append(starts, shape[0])))
    rows = np.where(strength == best[owners], np.arange(shape[0])[:, None], shape[0])
    first = np.minimum.reduceat(rows, starts, axis=0)
    listed = Producers(
        np.tile(grid.takers, len(functions)),
        np.repeat(functions, shape[1]),
        grid.givers[first.ravel()],
        best.ravel().astype(np.float64),
    )
    return _without_own(evidence, listed)


def _without_own(evidence: Evidence, found: Producers) -> Producers:
    return found.at(found.function != evidence.takers[found.input])


def _distinct(found: Producers) -> Producers:
    """The strongest of each function for each input; the first output of equals."""
    order = np.lexsort((found.output, -found.strength, found.function, found.input))
    found = found.at(order)
    is_first = np.ones(len(found), bool)
    is_first[1:] = (np.diff(found.input) != 0) | (np.diff(found.function) != 0)
    return found.at(is_first)


def _strongest(found: Producers, keep: int) -> Producers:
    """The *keep* strongest of each input, in order."""
    order = np.lexsort((found.function, -found.strength, found.input))
    ordered = found.input[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered, side="left")
    return found.at(order[rank < keep])


def _joined(parts: Sequence[Producers]) -> Producers:
    indexes = np.empty(0, np.int64)
    parts = [Producers(indexes, indexes, indexes, np.empty(0)), *parts]
    return Producers(
        np.concatenate([part.input for part in parts]),
        np.concatenate([part.function for part in parts]),
        np.concatenate([part.output for part in parts]),
        np.concatenate([part.strength for part in parts]),
    )


def _pairs_to_compare(evidence: Evidence, outputs: Indexes, wanted: Indexes) -> Iterator[Pairs]:
    if not len(outputs) or not len(wanted):
        return
    if _is_small(evidence, outputs):
        yield from _blocks(outputs, wanted)
        return
    for givers, takers in _by_domain(evidence, outputs, wanted):
        if len(givers) * len(takers) <= _EXHAUSTIVE_CELLS:
            yield from _blocks(givers, takers)
    for given, taken in (
        (evidence.output_texts, evidence.input_texts),
        (evidence.output_phrases, evidence.input_phrases),
    ):
        yield from _nearest(given.vectors, _grouped(given, outputs), _grouped(taken, wanted))


def _is_small(evidence: Evidence, outputs: Indexes) -> bool:
    """Whether each of *outputs* is compared with every input."""
    return len(outputs) * len(evidence.inputs) <= _EXHAUSTIVE_CELLS


def _blocks(givers: Indexes, takers: Indexes) -> Iterator[Grid]:
    size = max(1, _BLOCK_CELLS // len(givers))
    for start in range(0, len(takers), size):
        yield Grid(givers, takers[start : start + size])


def _by_domain(
    evidence: Evidence, outputs: Indexes, inputs: Indexes
) -> Iterator[tuple[Indexes, Indexes]]:
    """The outputs and the inputs of each domain that has both."""
    of_outputs = evidence.domains[evidence.givers[outputs]]
    of_inputs = evidence.domains[evidence.takers[inputs]]
    outputs = outputs[np.argsort(of_outputs, kind="stable")]
    inputs = inputs[np.argsort(of_inputs, kind="stable")]
    of_outputs, of_inputs = np.sort(of_outputs), np.sort(of_inputs)
    for domain in np.intersect1d(of_outputs, of_inputs):
        yield (
            outputs[
                np.searchsorted(of_outputs, domain) : np.searchsorted(of_outputs, domain, "right")
            ],
            inputs[
                np.searchsorted(of_inputs, domain) : np.searchsorted(of_inputs, domain, "right")
            ],
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Grouped:
    """Parameters of one vector together."""

    rows: Indexes
    """The row of each group's vector."""
    members: Indexes
    starts: Indexes
    """Where each group starts in `members`, and one past the last."""

    def sizes(self, groups: Indexes) -> Indexes:
        """How many members each of *groups* has."""
        return self.starts[groups + 1] - self.starts[groups]


def _grouped(parameters: Rows, chosen: Indexes) -> _Grouped:
    rows, groups = np.unique(parameters.number[chosen], return_inverse=True)
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(len(rows) + 1))
    return _Grouped(rows, chosen[order], starts)


def _nearest(vectors: Vectors, givers: _Grouped, takers: _Grouped) -> Iterator[Listed]:
    """Pairs of every taker with givers whose vectors are nearest to its own."""
    of_givers = vectors[givers.rows].T
    most = min(_NEAREST, of_givers.shape[1])
    size = max(1, _PRODUCT_CELLS // of_givers.shape[1])
    for begin in range(0, len(takers.rows), size):
        cosines = vectors[takers.rows[begin : begin + size]] @ of_givers
        near = np.argpartition(cosines, -most, axis=1)[:, -most:]
        asked = np.repeat(np.arange(begin, begin + len(near)), most)
        yield from _expanded(near.ravel(), asked, givers, takers)


def _expanded(
    near: Indexes, asked: Indexes, givers: _Grouped, takers: _Grouped
) -> Iterator[Listed]:
    """From a text near another to parameters: every taker, with a few givers a text."""
    few = np.minimum(givers.sizes(near), _OUTPUTS_A_TEXT)
    pairs = few * takers.sizes(asked)
    owner = np.repeat(np.arange(len(near)), pairs)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    outputs = givers.members[givers.starts[near[owner]] + within % few[owner]]
    inputs = takers.members[takers.starts[asked[owner]] + within // few[owner]]
    for start in range(0, len(outputs), _BLOCK_CELLS):
        part = slice(start, start + _BLOCK_CELLS)
        yield Listed(outputs[part], inputs[part])
