"""Weights that were fitted without the labels of the set that they are measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

import numpy as np

from simkit.graph.affinity import DEFAULT
from simkit.graph.calibration import fit
from simkit.graph.embed import Embedder
from simkit.graph.evidence import Evidence, Weights
from simkit.graph.labels import Question
from simkit.graph.parameters import inputs_of, outputs_of
from simkit.graph.rivals import Rivals, rivals_of
from simkit.traces.functions import Function
from tests.bench.edges.gold import Gold

OTHERS_LABELS = "simkit, others' labels"
_START = 2.0
"""Every weight at the start, for or against: all that is known without a label is the sign."""

UNLABELLED = replace(
    DEFAULT,
    weights=Weights(
        **{
            one.name: float(np.copysign(_START, getattr(DEFAULT.weights, one.name)))
            for one in fields(Weights)
        }
    ),
)


def rivals_in(functions: Sequence[Function], gold: Gold, embedder: Embedder) -> Rivals:
    """What *gold* has to teach."""
    inputs = inputs_of(functions)
    evidence = Evidence(functions, outputs_of(functions), inputs, embedder)
    position = {(one.function, one.path): at for at, one in enumerate(inputs)}
    asked = [
        Question(
            position[one.input.function, one.input.name],
            dict.fromkeys(one.producers, frozenset[str]()),
        )
        for one in gold.questions
    ]
    asked.sort(key=lambda one: one.input)
    return rivals_of(evidence, asked, UNLABELLED.weights)


def weights_without(left_out: str, taught: Mapping[str, Rivals]) -> Weights:
    """Fitted to all of *taught* but the set called *left_out*."""
    others = [rivals for name, rivals in taught.items() if name != left_out]
    return fit(others, UNLABELLED).weights
