"""Fits the weights behind edges to a person's own labels, and measures what that is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simkit.candidates_of import local_embedder
from simkit.graph.affinity import DEFAULT, Affinity
from simkit.graph.answers import Answer, answers, fitted_to, folds_of, left_out_answers
from simkit.graph.evidence import Evidence
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.labels import LabelsError, read_labels
from simkit.graph.parameters import inputs_of, outputs_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """What came of a calibration."""

    affinity: Affinity
    """Fitted to all labels."""
    before: Sequence[Answer]
    """By simkit's own weights and line."""
    after: Sequence[Answer]
    """Each by what was fitted to the labels of other folds."""
    folds: int
    kept_together: str
    """What no two folds share: "domain" or "function"."""
    problems: Sequence[str]
    """Labels that were passed over, and why."""


def calibrate(graph_file: Path, labels_file: Path, *, line_only: bool = False) -> Calibrated:
    """Fit simkit's own weights and line, or with *line_only* the line alone, to labels.

    Raises:
        GraphError, LabelsError: A file cannot be used, or the labels are of one function only.
        EmbedderUnavailable, ConfigError: The graph's embedder is not on this machine.
    """
    graph = FunctionGraph.load(graph_file)
    inputs = inputs_of(graph.functions)
    labels = read_labels(labels_file, graph.functions, inputs)
    evidence = Evidence(graph.functions, outputs_of(graph.functions), inputs, local_embedder(graph))
    folds, kept_together = folds_of(evidence, labels.questions)
    if len(set(folds)) < 2:
        raise LabelsError(
            f"{labels_file}: all labels are about inputs of one function; label those of at "
            "least two, so that what is learned from some can be tried on others.",
            passed_over=labels.problems,
        )
    return Calibrated(
        affinity=fitted_to(evidence, labels.questions, DEFAULT, line_only=line_only),
        before=answers(evidence, labels.questions, DEFAULT),
        after=left_out_answers(evidence, labels.questions, DEFAULT, folds, line_only=line_only),
        folds=len(set(folds)),
        kept_together=kept_together,
        problems=labels.problems,
    )
