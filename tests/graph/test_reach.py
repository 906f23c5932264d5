"""The bound that spares most pairs a full look."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simkit.graph.affinity import DEFAULT
from simkit.graph.catalog import demo_catalog
from simkit.graph.evidence import Evidence, Weights
from simkit.graph.pairs import Grid
from simkit.graph.reach import within_reach
from tests.graph.linked_pairs import evidence_of


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return evidence_of(demo_catalog().functions[:40])


def strengths(evidence: Evidence, weights: Weights, grid: Grid) -> np.ndarray:
    kinds = zip(weights.values(), evidence.of(grid), strict=False)
    return sum((weight * kind for weight, kind in kinds), np.zeros((), np.float32))


@settings(max_examples=25)
@given(st.lists(st.floats(-3, 3), min_size=13, max_size=13), st.floats(-5, 12), st.integers(1, 60))
def test_no_input_is_left_out_that_a_pair_would_reach(
    evidence: Evidence, numbers: list[float], at_least: float, few: int
) -> None:
    names = [one.name for one in fields(Weights)]
    weights = Weights(**dict(zip(names, numbers, strict=True)))
    outputs, inputs = np.arange(few), np.arange(len(evidence.inputs))
    reached = (strengths(evidence, weights, Grid(outputs, inputs)) >= at_least).any(axis=0)
    assert set(inputs[reached]) <= set(within_reach(evidence, weights, at_least, outputs, inputs))


def test_with_the_default_weights_few_are_left(evidence: Evidence) -> None:
    outputs, inputs = np.arange(5), np.arange(len(evidence.inputs))
    at_least = DEFAULT.strength(0.5)
    reached = strengths(evidence, DEFAULT.weights, Grid(outputs, inputs)).max(axis=0) >= at_least
    left = within_reach(evidence, DEFAULT.weights, at_least, outputs, inputs)
    assert len(left) < len(inputs) / 3
    assert len(left) <= reached.sum() + 5


def test_without_a_bar_all_are_left_and_without_outputs_none(evidence: Evidence) -> None:
    outputs, inputs = np.arange(3), np.arange(7)
    assert len(within_reach(evidence, DEFAULT.weights, -np.inf, outputs, inputs)) == 7
    assert len(within_reach(evidence, DEFAULT.weights, 5.0, outputs, inputs[:0])) == 0
    assert len(within_reach(evidence, DEFAULT.weights, 5.0, outputs[:0], inputs)) == 0
