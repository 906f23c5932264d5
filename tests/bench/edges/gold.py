"""Labels brought together with the catalog they are about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from simkit.traces.functions import Function
from tests.bench.edges.feeding import Feeding


@dataclass(frozen=True, slots=True)
class Input:
    """An input parameter of a function of a catalog."""

    function: int
    """Index in the catalog."""
    name: str


@dataclass(frozen=True, slots=True)
class Question:
    """Which function feeds this input? Any of *producers* is right."""

    input: Input
    producers: frozenset[int]
    """Indexes in the catalog; never that of the input's own function."""


@dataclass(frozen=True, slots=True)
class Gold:
    """What a labelled set asks of a catalog, and what of it the catalog does not have."""

    questions: tuple[Question, ...]
    missing: tuple[Feeding, ...]
    """Pairs of which a function or the input parameter was not found."""
    pairs: int
    """Those that were."""
    outputs_known: int
    """Pairs that name the output that feeds..."""
    outputs_found: int
    """...and those of them whose first part is declared by the producer."""


def questions_about(functions: Sequence[Function], feedings: Sequence[Feeding]) -> Gold:
    """One question for each input parameter that *feedings* name, in their order."""
    named: dict[str, list[int]] = defaultdict(list)
    for index, function in enumerate(functions):
        named[function.original_name or function.name].append(index)
    answers: dict[Input, set[int]] = defaultdict(set)
    missing, known, found = [], 0, 0
    for feeding in feedings:
        # Of functions with one name, those that have the parameter are meant.
        consumer = next(
            (at for at in named[feeding.consumer] if _takes(functions[at], feeding.parameter)), None
        )
        producers = [at for at in named[feeding.producer] if at != consumer]
        if consumer is None or not producers:
            missing.append(feeding)
            continue
        answers[Input(consumer, feeding.parameter)].update(producers)
        if feeding.output:
            known += 1
            found += any(_gives(functions[at], feeding.output) for at in producers)
    questions = tuple(Question(taken, frozenset(fed)) for taken, fed in answers.items())
    return Gold(questions, tuple(missing), len(feedings) - len(missing), known, found)


def _takes(function: Function, parameter: str) -> bool:
    return parameter in function.parameters["properties"]


def _gives(function: Function, path: str) -> bool:
    first = path.split(".")[0].split("[")[0]
    return first in (function.outputs or {}).get("properties", {})
