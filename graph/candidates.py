"""What might feed each input of a catalog, for people who want to look, label or compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from simkit.graph.affinity import Affinity
from simkit.graph.embed import Embedder
from simkit.graph.evidence import Evidence, Weights
from simkit.graph.parameters import inputs_of, outputs_of
from simkit.graph.producers import Producers, best_producers
from simkit.traces.functions import Function

_INPUTS_AT_ONCE = 4_000
TEXT_ALONE = replace(Weights(**{one.name: 0.0 for one in fields(Weights)}), text=1.0)
"""The paper's rule as weights: a score is the cosine of descriptions and types."""


@dataclass(frozen=True, slots=True)
class Producer:
    """A function that might feed an input."""

    function: str
    output: str
    """Path of the output that fits best; empty where none is declared."""
    score: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """An input parameter, and what might feed it."""

    function: str
    parameter: str
    producers: tuple[Producer, ...]
    """Best first; no threshold is applied."""


def candidates(
    functions: Sequence[Function], embedder: Embedder, affinity: Affinity | None, *, top: int
) -> Iterator[Candidates]:
    """The *top* candidates of every input, in catalog order.

    Args:
        affinity: None for the paper's rule.

    Embedding takes most of the time, and comes first.
    """
    outputs, inputs = outputs_of(functions), inputs_of(functions)
    evidence = Evidence(functions, outputs, inputs, embedder)
    weights = TEXT_ALONE if affinity is None else affinity.weights
    for start in range(0, len(inputs), _INPUTS_AT_ONCE):
        asked = np.arange(start, min(start + _INPUTS_AT_ONCE, len(inputs)))
        found = best_producers(evidence, weights, keep=top, inputs=asked)
        scores = found.strength if affinity is None else affinity.scores(found.strength)
        starts = np.searchsorted(found.input, np.append(asked, asked[-1] + 1))
        for at, taken in enumerate(asked.tolist()):
            part = slice(starts[at], starts[at + 1])
            yield Candidates(
                functions[inputs[taken].function].name,
                inputs[taken].path,
                tuple(_producers(functions, evidence, found, scores.tolist(), part)),
            )


def _producers(
    functions: Sequence[Function],
    evidence: Evidence,
    found: Producers,
    scores: Sequence[float],
    part: slice,
) -> Iterator[Producer]:
    for at in range(part.start, part.stop):
        function, output = functions[found.function[at]], evidence.outputs[found.output[at]]
        yield Producer(function.name, output.path, round(scores[at], 6))
