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
"""An inferred output passes with a score this much lower, as a guess is a vaguer text. With
MiniLM, 3 to 5 edges a function are at 0.75 where outputs are declared, at 0.6 in BFCL."""
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
    takers = _Takers(inputs, input_vectors)
    sources = _sources(outputs, min_cosine)
    kept = _joined(
        [
            edges
            for block in _blocks(sources, max(1, _BLOCK_CELLS // len(inputs)))
            for edges in _edges_from(block, output_vectors, takers, max_out_edges)
        ]
    )
    return _cap_incoming(kept, max_in_edges)


@dataclass(frozen=True, slots=True)
class _Source:
    """A function that gives: where its outputs lie in their list, and what passes."""

    function: int
    start: int
    end: int
    bar: float


def _sources(outputs: Sequence[Parameter], min_cosine: float) -> list[_Source]:
    guessed_bar = max(0.0, min_cosine - INFERRED_ALLOWANCE)
    functions, starts, ends = _grouped(outputs)
    return [
        _Source(function, start, end, guessed_bar if outputs[start].inferred else min_cosine)
        for function, start, end in zip(
            functions.tolist(), starts.tolist(), ends.tolist(), strict=True
        )
    ]


def _blocks(sources: Sequence[_Source], outputs: int) -> Iterator[Sequence[_Source]]:
    """Runs of sources that have about so many *outputs* together; at least one source each."""
    first = 0
    for last, source in enumerate(sources):
        if last > first and source.end - sources[first].start > outputs:
            yield sources[first:last]
            first = last
    yield sources[first:]


def _edges_from(
    block: Sequence[_Source], output_vectors: Vectors, takers: _Takers, max_out_edges: int
) -> Iterator[Edges]:
    """For each source of *block*, its strongest edges above its bar."""
    offset = block[0].start
    by_output = output_vectors[offset : block[-1].end] @ takers.vectors
    own = [by_output[source.start - offset : source.end - offset] for source in block]
    best = takers.best(np.stack([cosines.max(axis=0) for cosines in own]))
    for source, cosines, row in zip(block, own, best, strict=True):
        chosen, scores = _strongest(source, takers.functions, row, max_out_edges)
        if len(chosen):
            outputs, inputs = takers.closest_pairs(cosines, chosen)
            yield Edges(
                np.full(len(chosen), source.function),
                takers.functions[chosen],
                scores,
                outputs + source.start,
                inputs,
            )


def _strongest(
    source: _Source, functions: Indexes, cosines: Vectors, limit: int
) -> tuple[Indexes, NDArray[np.float64]]:
    """Positions in *functions* of what *source* keeps, strongest first, and the scores."""
    near = np.flatnonzero(cosines > source.bar - 10**-SCORE_DECIMALS)
    scores = np.minimum(cosines[near].astype(np.float64).round(SCORE_DECIMALS), 1.0)
    passes = (scores > source.bar) & (functions[near] != source.function)
    near, scores = near[passes], scores[passes]
    targets = functions[near]
    order = np.lexsort((targets, np.abs(targets - source.function), -scores))[:limit]
    return near[order], scores[order]


class _Takers:
    """The functions that take something, those with most inputs first, and what they take."""

    def __init__(self, inputs: Sequence[Parameter], vectors: Vectors) -> None:
        functions, starts, ends = _grouped(inputs)
        order = np.argsort(starts - ends, kind="stable")
        self.functions = functions[order]
        self._starts, self._ends = starts[order], ends[order]
        text_of: dict[str, int] = {}
        self._texts = np.array(
            [text_of.setdefault(one.text, len(text_of)) for one in inputs], np.int64
        )
        first_with = np.unique(self._texts, return_index=True)[1]
        self.vectors = np.ascontiguousarray(vectors[first_with].T)
        """Shape ``(dims, texts)``: each distinct text once."""
        sizes = self._ends - self._starts
        self._nth_texts = [
            self._texts[self._starts[sizes > nth] + nth] for nth in range(int(sizes[0]))
        ]

    def best(self, by_text: Vectors) -> Vectors:
        """The largest cosine of each taker's inputs: ``(rows, texts)`` to ``(rows, takers)``."""
        # Turned, so that whole rows are gathered and compared; all first inputs, then all
        # second ones, and so on: 5 times faster than np.maximum.reduceat on 20,000 takers.
        turned = np.ascontiguousarray(by_text.T)
        best = turned[self._nth_texts[0]]
        for texts in self._nth_texts[1:]:
            np.maximum(best[: len(texts)], turned[texts], out=best[: len(texts)])
        return np.ascontiguousarray(best.T)

    def closest_pairs(self, cosines: Vectors, takers: Indexes) -> tuple[Indexes, Indexes]:
        """For each of *takers*: the row of *cosines* and the index of the input that are closest.

        *cosines* has shape ``(outputs, texts)``.
        """
        outputs = np.empty(len(takers), np.int64)
        inputs = np.empty(len(takers), np.int64)
        for position, taker in enumerate(takers):
            start, end = self._starts[taker], self._ends[taker]
            pairs = cosines[:, self._texts[start:end]].round(SCORE_DECIMALS)
            row, column = divmod(int(pairs.argmax()), pairs.shape[1])
            outputs[position], inputs[position] = row, start + column
        return outputs, inputs


def _grouped(parameters: Sequence[Parameter]) -> tuple[Indexes, Indexes, Indexes]:
    """The functions of *parameters*, and where each one's lie: first, and one past the last."""
    owners = np.array([parameter.function for parameter in parameters], np.int64)
    functions, starts = np.unique(owners, return_index=True)
    return functions, starts, np.append(starts[1:], len(owners))


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
