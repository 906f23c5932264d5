"""How good the answers to labelled questions are: ranks, and what a threshold keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simkit.graph.affinity import Affinity
from simkit.graph.calibration import fit, fit_line
from simkit.graph.evidence import Evidence
from simkit.graph.labels import Question
from simkit.graph.producers import best_producers
from simkit.graph.rivals import rivals_of

KEPT = 50
"""Functions of an answer: what comes later counts as not found."""
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The functions found for one question, strongest first."""

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]
    labelled: int
    """Right ones in all, found or not."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """Means over questions; of several right functions the best ranked counts."""

    hit_at_1: float
    hit_at_5: float
    reciprocal_rank: float


@dataclass(frozen=True, slots=True)
class Cut:
    """What a threshold makes of the pairs of a question and a function.

    Labels seldom name all that is right, so that precision is what it is at least.
    """

    threshold: float
    kept: float
    """Functions a question."""
    precision: float
    """Right ones among them; 0 where none is kept."""
    recall: float
    """Kept ones among the right."""


def answers(evidence: Evidence, questions: Sequence[Question], affinity: Affinity) -> list[Answer]:
    """What *affinity* answers, among all functions; *questions* by input, each input once."""
    wanted = np.array([one.input for one in questions], np.int64)
    found = best_producers(evidence, affinity.weights, keep=KEPT, inputs=wanted)
    scores = affinity.scores(found.strength)
    ends = np.searchsorted(found.input, wanted, side="right")
    starts = np.searchsorted(found.input, wanted, side="left")
    return [
        Answer(
            scores[start:end],
            np.isin(found.function[start:end], list(one.producers)),
            len(one.producers),
        )
        for one, start, end in zip(questions, starts, ends, strict=True)
    ]


def ranks(given: Sequence[Answer]) -> Ranks:
    """How early a right function comes; at least one answer."""
    first = np.array([one.right.argmax() if one.right.any() else KEPT for one in given])
    found = first < KEPT
    return Ranks(
        float((first < 1).mean()),
        float((first < 5).mean()),
        float((found / (first + 1)).mean()),
    )


def cuts(given: Sequence[Answer]) -> list[Cut]:
    """What each of `THRESHOLDS` keeps of the answers; at least one."""
    scores = np.concatenate([one.scores for one in given])
    right = np.concatenate([one.right for one in given])
    labelled = sum(one.labelled for one in given)
    return [
        Cut(
            threshold,
            float((scores > threshold).sum() / len(given)),
            float(right[scores > threshold].mean()) if (scores > threshold).any() else 0.0,
            float(right[scores > threshold].sum() / labelled),
        )
        for threshold in THRESHOLDS
    ]


def left_out_answers(
    evidence: Evidence,
    questions: Sequence[Question],
    start: Affinity,
    folds: Sequence[int],
    *,
    line_only: bool,
) -> list[Answer]:
    """The answer to each question by what was fitted to the questions of other folds.

    Args:
        folds: For each question, the fold that it is in; at least two.
    """
    given: list[Answer] = []
    for left_out in sorted(set(folds)):
        learned = [one for one, fold in zip(questions, folds, strict=True) if fold != left_out]
        asked = [one for one, fold in zip(questions, folds, strict=True) if fold == left_out]
        fitted = fitted_to(evidence, learned, start, line_only=line_only)
        given += answers(evidence, asked, fitted)
    return given


def fitted_to(
    evidence: Evidence, questions: Sequence[Question], start: Affinity, *, line_only: bool
) -> Affinity:
    """*start* fitted to *questions*; with *line_only* its weights stay."""
    rivals = [rivals_of(evidence, questions, start.weights)]
    return fit_line(rivals, start.weights) if line_only else fit(rivals, start)


def folds_of(evidence: Evidence, questions: Sequence[Question]) -> tuple[list[int], str]:
    """A fold for each question, and what is kept together in one: "domain" or "function".

    The domains of the functions that take, where there are as many as folds. Fewer than two
    functions make one fold.
    """
    functions = evidence.takers[[one.input for one in questions]]
    domains = evidence.domains[functions]
    by_domain = len(np.unique(domains)) >= _FOLDS
    _, group = np.unique(domains if by_domain else functions, return_inverse=True)
    return (group % _FOLDS).tolist(), "domain" if by_domain else "function"
