"""Where functions are drawn: apart, by community, and always in the same place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simkit.graph.catalog import demo_catalog
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.graph_file import NO_COMMUNITY, StoredGraph
from simkit.graph.layout import positions
from simkit.graph.lexical import Lexical
from simkit.traces.functions import Function


def test_communities_lie_in_discs_that_do_not_overlap() -> None:
    graph = FunctionGraph.build(demo_catalog().functions, Lexical())
    points = positions(graph)
    assert points.shape == (len(graph.functions), 2)
    assert np.isfinite(points).all()
    groups = [
        points[graph.stored.communities == number]
        for number in range(len(graph.stored.community_names))
    ]
    for one, group in enumerate(groups):
        for other in groups[:one]:
            gaps = np.hypot(*(group[:, None] - other[None]).transpose(2, 0, 1))
            assert gaps.min() > 0.5


def test_the_same_graph_is_drawn_the_same() -> None:
    functions = demo_catalog().functions
    first, again = (positions(FunctionGraph.build(functions, Lexical())) for _ in range(2))
    assert np.array_equal(first, again)


def test_functions_without_edges_and_a_graph_of_one_are_drawn(
    a_function: Callable[..., Function],
) -> None:
    alone = [a_function(f"f{index}") for index in range(9)]
    points = positions(FunctionGraph.build(alone, Lexical()))
    assert len({tuple(point) for point in points.round(3).tolist()}) == 9
    assert positions(FunctionGraph.build(alone[:1], Lexical())).tolist() == [[0, 0]]


def test_hundreds_of_small_communities_are_drawn_apart(
    a_function: Callable[..., Function],
) -> None:
    pairs = 300
    sources = np.arange(pairs) * 2
    graph = FunctionGraph(
        StoredGraph(
            scorer="test",
            embedder="test",
            threshold=0.5,
            max_out_edges=1,
            max_in_edges=1,
            functions=tuple(a_function(f"f{index}") for index in range(2 * pairs + 40)),
            communities=np.append(np.repeat(np.arange(pairs), 2), np.full(40, NO_COMMUNITY)),
            community_names=tuple(f"c{index}" for index in range(pairs)),
            source=sources,
            target=sources + 1,
            score=np.ones(pairs),
            feed_starts=np.arange(pairs + 1),
            feed_output=np.zeros(pairs, np.int64),
            feed_input=np.zeros(pairs, np.int64),
            feed_score=np.ones(pairs),
            output_paths=("o",),
            input_names=("i",),
        )
    )
    points = positions(graph)
    gaps = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    assert gaps[~np.eye(len(points), dtype=bool)].min() > 0.5
