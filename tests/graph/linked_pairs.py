"""Evidence of a small catalog, and one pair of it at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from simkit.graph.evidence import Evidence, Weights
from simkit.graph.lexical import Lexical
from simkit.graph.pairs import Listed
from simkit.graph.parameters import inputs_of, outputs_of
from simkit.traces.functions import Function


def schema(*required: str, **properties: Any) -> dict[str, Any]:
    """An object schema: names to descriptions, or to whole schemas."""
    return {
        "type": "object",
        "properties": {
            name: {"type": "string", "description": said} if isinstance(said, str) else said
            for name, said in properties.items()
        },
        "required": list(required),
    }


def evidence_of(functions: Sequence[Function]) -> Evidence:
    return Evidence(functions, outputs_of(functions), inputs_of(functions), Lexical())


def pair(evidence: Evidence, output: int, taken: int) -> dict[str, float]:
    """Every kind of evidence of one pair, by name."""
    kinds = evidence.of(Listed(np.array([output]), np.array([taken])))
    needs = evidence.needs(evidence.givers[[output]], np.array([taken]))
    names = [one.name for one in fields(Weights)]
    return {name: float(kind[0]) for name, kind in zip(names, [*kinds, needs], strict=True)}
