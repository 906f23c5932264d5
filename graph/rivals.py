"""What an answer to a question is picked from: functions that come into question, as arrays.

For each question the functions that the starting weights find strongest, and the right ones;
of each function all outputs, so that weights that move may prefer another of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simkit.graph.evidence import Evidence, Weights
from simkit.graph.labels import Question
from simkit.graph.pairs import Indexes, Listed
from simkit.graph.producers import best_producers

RIVALS = 30
"""Wrong functions of a question, at least, where the graph has so many."""


@dataclass(frozen=True, slots=True, eq=False)
class Rivals:
    """Rows are outputs; groups of rows are functions; runs of groups are questions."""

    evidence: NDArray[np.float32]
    """Shape ``(rows, kinds of evidence)``."""
    first_row: Indexes
    """Of each group."""
    right: NDArray[np.bool_]
    """For each group, whether it answers its question."""
    first_group: Indexes
    """Of each question."""

    def best_rows(self, weights: NDArray[np.float64]) -> tuple[Indexes, NDArray[np.float64]]:
        """For each group its strongest row, the first of equals, and the strength."""
        strengths = self.evidence @ weights
        best = np.maximum.reduceat(strengths, self.first_row)
        sizes = np.diff(np.append(self.first_row, len(strengths)))
        rows = np.where(strengths == np.repeat(best, sizes), np.arange(len(strengths)), 1 << 60)
        return np.minimum.reduceat(rows, self.first_row), best

    def of_questions(self) -> Indexes:
        """For each group, the index of its question."""
        sizes = np.diff(np.append(self.first_group, len(self.right)))
        return np.repeat(np.arange(len(self.first_group)), sizes)


def rivals_of(evidence: Evidence, questions: Sequence[Question], start: Weights) -> Rivals:
    """What is to be told apart; *questions* by input, at least one, each input once."""
    wanted = np.array([one.input for one in questions], np.int64)
    found = best_producers(evidence, start, keep=RIVALS, inputs=wanted)
    labelled = np.array([(one.input, to) for one in questions for to in one.producers], np.int64)
    pairs = np.unique(
        np.concatenate([np.stack([found.input, found.function], axis=1), labelled]), axis=0
    )
    functions = int(pairs[:, 1].max()) + 1
    is_right = np.isin(pairs @ [functions, 1], labelled @ [functions, 1])
    groups, outputs = _outputs_of(evidence, pairs[:, 1])
    fits = _named(evidence, questions, pairs, is_right, groups, outputs)
    groups, outputs = groups[fits], outputs[fits]
    needs = evidence.needs(pairs[:, 1], pairs[:, 0])[groups]
    kinds = [*evidence.of(Listed(outputs, pairs[groups, 0])), needs]
    return Rivals(
        evidence=np.stack(kinds, axis=1).astype(np.float32),
        first_row=np.flatnonzero(np.diff(groups, prepend=-1)),
        right=is_right,
        first_group=np.flatnonzero(np.diff(pairs[:, 0], prepend=-1)),
    )


def _outputs_of(evidence: Evidence, functions: Indexes) -> tuple[Indexes, Indexes]:
    """The outputs of each of *functions*, and by position which one they are of."""
    first = np.searchsorted(evidence.givers, functions, side="left")
    counts = np.searchsorted(evidence.givers, functions, side="right") - first
    groups = np.repeat(np.arange(len(functions)), counts)
    within = np.arange(len(groups)) - np.repeat(np.cumsum(counts) - counts, counts)
    return groups, first[groups] + within


def _named(
    evidence: Evidence,
    questions: Sequence[Question],
    pairs: Indexes,
    is_right: NDArray[np.bool_],
    groups: Indexes,
    outputs: Indexes,
) -> NDArray[np.bool_]:
    """Which of *outputs* may be picked: of a right function, those that its label names.

    All of them where it names none, or none that the function has.
    """
    answers = {one.input: one.producers for one in questions}
    fits = np.ones(len(outputs), bool)
    starts = np.searchsorted(groups, np.arange(len(pairs) + 1))
    for group in np.flatnonzero(is_right).tolist():
        asked, function = pairs[group].tolist()
        part = slice(starts[group], starts[group + 1])
        paths = [evidence.outputs[at].path for at in outputs[part].tolist()]
        named = np.array([path in answers[asked][function] for path in paths])
        if named.any():
            fits[part] = named
    return fits
