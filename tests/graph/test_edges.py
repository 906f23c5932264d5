"""Edges: exactly what the definition says, within bounds, and the same every time."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simkit.graph.edges import INFERRED_ALLOWANCE, Edges, similarity_edges
from simkit.graph.parameters import Parameter

Side = tuple[list[Parameter], NDArray[np.float32]]
Row = tuple[int, int, float, int, int]


def random_side(draw: np.random.Generator, functions: int, texts: int, what: str) -> Side:
    """Up to four parameters a function, some texts shared, some vectors zero."""
    vectors = draw.standard_normal((texts, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[0] = 0
    parameters = []
    for function in range(functions):
        inferred = what == "output" and function % 3 == 0
        parameters += [
            Parameter(function=function, path="p", text=f"{text}", inferred=inferred)
            for text in draw.integers(texts, size=draw.integers(5))
        ]
    return parameters, vectors[[int(one.text) for one in parameters]]


def by_definition(outputs: Side, inputs: Side, min_cosine: float, most: int) -> list[Row]:
    """All pairs one by one, with no regard to time and memory; no cap on incoming edges."""
    rows: list[Row] = []
    for source, gives in groupby(enumerate(outputs[0]), key=lambda item: item[1].function):
        own = list(gives)
        bar = min_cosine - INFERRED_ALLOWANCE * own[0][1].inferred
        found = []
        for target, takes in groupby(enumerate(inputs[0]), key=lambda item: item[1].function):
            theirs = list(takes)
            score, output, taken = max(
                (
                    (round(float(outputs[1][o] @ inputs[1][i]), 4), -o, -i)
                    for o, _ in own
                    for i, _ in theirs
                ),
                default=(0.0, 0, 0),
            )
            if target != source and score > bar:
                found.append((source, target, score, -output, -taken))
        rows += sorted(found, key=lambda row: (-row[2], abs(row[1] - source), row[1]))[:most]
    return rows


def rows_of(edges: Edges) -> list[Row]:
    columns = (edges.source, edges.target, edges.score, edges.output, edges.input)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@given(seed=st.integers(0, 2**32), functions=st.integers(1, 25), most=st.integers(1, 12))
def test_edges_are_those_of_the_definition(seed: int, functions: int, most: int) -> None:
    draw = np.random.default_rng(seed)
    outputs = random_side(draw, functions, 20, "output")
    inputs = random_side(draw, functions, 20, "input")

    edges = similarity_edges(
        *(outputs[0], inputs[0], outputs[1], inputs[1]),
        min_cosine=0.4,
        max_out_edges=most,
        max_in_edges=functions,
    )

    expected = by_definition(outputs, inputs, 0.4, most)
    assert [row[:2] for row in rows_of(edges)] == [row[:2] for row in expected]
    assert np.allclose(edges.score, [row[2] for row in expected], atol=2e-4)
    pairs = np.einsum("ij,ij->i", outputs[1][edges.output], inputs[1][edges.input])
    assert np.allclose(pairs, edges.score, atol=2e-4)


def test_a_source_has_the_same_edges_whichever_block_it_falls_in() -> None:
    """
    3,000 functions need several blocks; the last 50 of them alone fit in one.
    """
    draw = np.random.default_rng(5)
    outputs, vectors = random_side(draw, 3_000, 900, "output")
    inputs, input_vectors = random_side(draw, 3_000, 900, "input")
    first = next(index for index, one in enumerate(outputs) if one.function >= 2_950)

    def edges_of(start: int) -> list[Row]:
        edges = similarity_edges(
            *(outputs[start:], inputs, vectors[start:], input_vectors),
            min_cosine=0.9,
            max_out_edges=5,
            max_in_edges=3_000,
        )
        late = edges.at(edges.source >= 2_950)
        return [(*row[:3], row[3] + start, row[4]) for row in rows_of(late)]

    assert edges_of(0) == edges_of(first) != []


def same_text(functions: int) -> Side:
    parameters = [Parameter(function=index, path="id", text="id") for index in range(functions)]
    return parameters, np.ones((functions, 1), np.float32)


def test_equals_go_to_the_nearest_functions_of_the_catalog() -> None:
    """
    A text that everyone shares must not lead everyone to the first few functions.
    """
    parameters, vectors = same_text(100)
    edges = similarity_edges(
        parameters, parameters, vectors, vectors, min_cosine=0.5, max_out_edges=4, max_in_edges=9
    )
    assert edges.target[edges.source == 50].tolist() == [49, 51, 48, 52]
    assert set(edges.target.tolist()) == set(range(100))


def test_a_target_keeps_no_more_than_its_strongest_incoming_edges() -> None:
    outputs = [Parameter(function=index, path="o", text=f"{index}") for index in range(4)]
    angles = np.array([0.3, 0.1, 0.2, 0.4])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    hub = [Parameter(function=9, path="i", text="hub")]
    edges = similarity_edges(
        *(outputs, hub, vectors, np.array([[1, 0]], np.float32)),
        min_cosine=0.5,
        max_out_edges=3,
        max_in_edges=2,
    )
    assert edges.source.tolist() == [1, 2]


def test_no_parameters_give_no_edges() -> None:
    parameters, vectors = same_text(3)
    edges = similarity_edges(
        *(parameters, [], vectors, vectors[:0]), min_cosine=0.5, max_out_edges=3, max_in_edges=3
    )
    assert len(edges) == 0


def test_a_vector_that_is_not_normalised_is_named() -> None:
    parameters, vectors = same_text(3)
    vectors[1] = 2
    with pytest.raises(ValueError, match=r"input 1 has length 2\.000"):
        similarity_edges(
            *(parameters, parameters, np.ones((3, 1), np.float32), vectors),
            min_cosine=0.5,
            max_out_edges=3,
            max_in_edges=3,
        )


@pytest.mark.parametrize(
    ("min_cosine", "max_out", "max_in"), [(-0.1, 1, 1), (1.0, 1, 1), (0.5, 0, 1), (0.5, 1, 0)]
)
def test_numbers_out_of_range_are_refused(min_cosine: float, max_out: int, max_in: int) -> None:
    parameters, vectors = same_text(2)
    with pytest.raises(ValueError, match="min_cosine must be in"):
        similarity_edges(
            *(parameters, parameters, vectors, vectors),
            min_cosine=min_cosine,
            max_out_edges=max_out,
            max_in_edges=max_in,
        )
