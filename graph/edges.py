"""Which function's output can feed which function's input, by the cosine of their texts.

After ToolMind (arXiv 2511.15718, section 3.1): the score of two functions is that of their
closest pair of an output and an input, and an edge is a score above a threshold. On top of
it, each function keeps its strongest edges only, out and in, so that no hub takes over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simkit.graph.parameters import Parameter

Vectors = NDArray[np.float32]
Indexes = NDArray[np.int64]

SCORE_DECIMALS = 4
"""Scores are rounded before they are compared: further digits differ from CPU to CPU."""
INFERRED_ALLOWANCE = 0.15
"""An inferred output passes with a score this much lower: a guess is a vaguer text, and on
catalogs that declare no outputs its matches score 0.15 to 0.2 below those of declared ones."""
_BLOCK_CELLS = 8_000_000
"""Cells of the largest array in a block: 32 MB of float32."""


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Arrays of one length, an edge a position; by source, then strongest first."""

    source: Indexes
    """Index of the function that gives."""
    target: Indexes
    """Index of the function that takes."""
    score: NDArray[np.float64]
    output: Indexes
    """Index of the output, in the list that was scored, that feeds..."""
    input: Indexes
    """...this input: the closest pair of the two functions, the first of equals."""

    def __len__(self) -> int:
        return len(self.source)

    def at(self, positions: Indexes | NDArray[np.bool_]) -> Edges:
        """The edges at *positions*, in that order."""
        return Edges(
            self.source[positions],
            self.target[positions],
            self.score[positions],
            self.output[positions],
            self.input[positions],
        )


def similarity_edges(
    outputs: Sequence[Parameter],
    inputs: Sequence[Parameter],
    output_vectors: Vectors,
    input_vectors: Vectors,
    *,
    min_cosine: float,
    max_out_edges: int,
    max_in_edges: int,
) -> Edges:
    """Join functions by their most similar pair of an output and an input.

    Args:
        outputs: Grouped by function, functions ascending; *inputs* likewise.
        output_vectors: Shape ``(outputs, dims)``; rows of length 1, or all zero.
        input_vectors: Shape ``(inputs, dims)``, likewise; equal texts have equal rows.
        min_cosine: An edge's score is above this; in [0, 1). For a function whose outputs
            are inferred, above this less `INFERRED_ALLOWANCE`.
        max_out_edges: The strongest edges that a source keeps. Among equals, those to the
            functions nearest in the catalog: texts are often shared word for word, and
            neighbours belong together where the order of index would favour the first.
        max_in_edges: Likewise for a target, of those that its sources kept.

    Returns:
        Each ordered pair of different functions at most once; exact, and the same for the
        same input.

    Raises:
        ValueError: A row is of another length, a number is out of range, or the
            parameters are not grouped.

    Time grows with outputs x distinct input texts; memory with functions x *max_out_edges*
    and the distinct texts, never with the square of either.
    """
    _check(outputs, output_vectors, "output")
    _check(inputs, input_vectors, "input")
    if not 0 <= min_cosine < 1 or max_out_edges < 1 or max_in_edges < 1:
        raise ValueError(
            "min_cosine must be in [0, 1), max_out_edges and max_in_edges at least 1, not "
            f"{min_cosine}, {max_out_edges} and {max_in_edges}."
        )
    if not outputs or not inputs:
        return _joined([])
    gives = _Groups.of(outputs)
    guessed = np.array([outputs[start].inferred for start in gives.starts])
    bars = np.where(guessed, max(0.0, min_cosine - INFERRED_ALLOWANCE), min_cosine)
    scorer = _Scorer(inputs, input_vectors, max_out_edges)
    kept = _joined(
        [
            edges
            for first, last in gives.blocks(max(1, _BLOCK_CELLS // scorer.width))
            for edges in scorer.edges_from(gives, first, last, output_vectors, bars)
        ]
    )
    return _cap_incoming(kept, max_in_edges)


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """Where each function's parameters lie in their list."""

    functions: Indexes
    starts: Indexes
    ends: Indexes

    @classmethod
    def of(cls, parameters: Sequence[Parameter]) -> _Groups:
        owners = np.array([parameter.function for parameter in parameters], np.int64)
        functions, starts = np.unique(owners, return_index=True)
        return cls(functions, starts, np.append(starts[1:], len(owners)))

    def blocks(self, rows: int) -> Iterator[tuple[int, int]]:
        """Ranges of groups that hold about *rows* parameters each, and at least one group."""
        first = 0
        while first < len(self.starts):
            last = int(np.searchsorted(self.ends, self.starts[first] + rows, side="right"))
            last = max(last, first + 1)
            yield first, last
            first = last


class _Scorer:
    """Everything about the inputs, prepared once; then block after block of sources."""

    def __init__(self, inputs: Sequence[Parameter], vectors: Vectors, max_out_edges: int) -> None:
        self._takes = _Groups.of(inputs)
        texts = {parameter.text: None for parameter in inputs}
        column_of = {text: column for column, text in enumerate(texts)}
        self._columns = np.array([column_of[parameter.text] for parameter in inputs], np.int64)
        first_with = np.unique(self._columns, return_index=True)[1]
        self._distinct = np.ascontiguousarray(vectors[first_with].T)
        self._max_out_edges = max_out_edges
        self.width = len(inputs)

    def edges_from(
        self,
        gives: _Groups,
        first: int,
        last: int,
        output_vectors: Vectors,
        bars: NDArray[np.float64],
    ) -> Iterator[Edges]:
        """The strongest edges above its bar of each source of *gives*, *first* to *last*."""
        start = gives.starts[first]
        cosines = output_vectors[start : gives.ends[last - 1]] @ self._distinct
        by_text = np.maximum.reduceat(cosines, gives.starts[first:last] - start, axis=0)
        scores = np.maximum.reduceat(by_text[:, self._columns], self._takes.starts, axis=1)
        scores = np.minimum(scores.astype(np.float64).round(SCORE_DECIMALS), 1.0)
        for row, group in enumerate(range(first, last)):
            source = int(gives.functions[group])
            chosen = self._strongest(scores[row], source, bars[group])
            if len(chosen):
                own = slice(gives.starts[group] - start, gives.ends[group] - start)
                output, taken = self._closest_pairs(cosines[own], chosen)
                yield Edges(
                    np.full(len(chosen), source),
                    self._takes.functions[chosen],
                    scores[row, chosen],
                    output + gives.starts[group],
                    taken,
                )

    def _strongest(self, scores: NDArray[np.float64], source: int, bar: float) -> Indexes:
        """Groups of the targets that *source* keeps, strongest first."""
        groups = np.flatnonzero((scores > bar) & (self._takes.functions != source))
        targets = self._takes.functions[groups]
        order = np.lexsort((targets, np.abs(targets - source), -scores[groups]))
        return groups[order[: self._max_out_edges]]

    def _closest_pairs(self, cosines: Vectors, groups: Indexes) -> tuple[Indexes, Indexes]:
        """For each target group: the row of the output and the index of the input."""
        outputs = np.empty(len(groups), np.int64)
        inputs = np.empty(len(groups), np.int64)
        for position, group in enumerate(groups):
            start, end = self._takes.starts[group], self._takes.ends[group]
            pairs = cosines[:, self._columns[start:end]].round(SCORE_DECIMALS)
            row, column = divmod(int(pairs.argmax()), pairs.shape[1])
            outputs[position], inputs[position] = row, start + column
        return outputs, inputs


def _cap_incoming(edges: Edges, limit: int) -> Edges:
    """Without the edges that are not among the *limit* strongest of their target."""
    distance = np.abs(edges.source - edges.target)
    order = np.lexsort((edges.source, distance, -edges.score, edges.target))
    targets = edges.target[order]
    first_of_target = np.searchsorted(targets, targets, side="left")
    rank = np.arange(len(edges)) - first_of_target
    return edges.at(np.sort(order[rank < limit]))


def _joined(parts: Sequence[Edges]) -> Edges:
    indexes = np.empty(0, np.int64)
    parts = [Edges(indexes, indexes, np.empty(0), indexes, indexes), *parts]
    return Edges(
        np.concatenate([part.source for part in parts]),
        np.concatenate([part.target for part in parts]),
        np.concatenate([part.score for part in parts]),
        np.concatenate([part.output for part in parts]),
        np.concatenate([part.input for part in parts]),
    )


def _check(parameters: Sequence[Parameter], vectors: Vectors, what: str) -> None:
    if len(parameters) != len(vectors):
        raise ValueError(f"{len(parameters)} {what}s need as many vectors, not {len(vectors)}.")
    owners = [parameter.function for parameter in parameters]
    if owners != sorted(owners):
        raise ValueError(f"The {what}s must be grouped by function, functions ascending.")
    lengths = np.linalg.norm(vectors, axis=1) if len(vectors) else np.empty(0)
    wrong = np.flatnonzero((np.abs(lengths - 1) > 1e-3) & (lengths != 0))
    if len(wrong):
        row = int(wrong[0])
        raise ValueError(f"The vector of {what} {row} has length {lengths[row]:.3f}, not 1 or 0.")
