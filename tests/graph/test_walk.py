"""Walks: along edges, within bounds, spread over the graph, and the same every time."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simkit.graph.function_graph import FunctionGraph
from simkit.graph.graph_file import StoredGraph
from simkit.graph.walk import Walk, Walker
from simkit.traces.functions import Function
from simkit.traces.seeds import derive_seed


def a_graph(functions: int, edges: dict[tuple[int, int], float]) -> FunctionGraph:
    pairs = sorted(edges, key=lambda pair: (pair[0], -edges[pair], pair[1]))
    return FunctionGraph(
        StoredGraph(
            embedder="test",
            min_cosine=0.5,
            functions=tuple(
                Function(
                    name=f"f{index}",
                    description="",
                    parameters={"type": "object", "properties": {}},
                )
                for index in range(functions)
            ),
            source=[source for source, _ in pairs],
            target=[target for _, target in pairs],
            score=[edges[pair] for pair in pairs],
            output=["o"] * len(pairs),
            input=["i"] * len(pairs),
        )
    )


def a_random_graph(functions: int, edges: int, seed: int = 1) -> FunctionGraph:
    draw = Random(seed)
    pairs = {(draw.randrange(functions), draw.randrange(functions)) for _ in range(edges)}
    return a_graph(
        functions, {pair: draw.uniform(0.5, 1) for pair in sorted(pairs) if pair[0] != pair[1]}
    )


def first_walks(walker: Walker, number: int) -> list[Walk]:
    return list(islice(walker.walks(), number))


@st.composite
def graphs(draw: st.DrawFn) -> FunctionGraph:
    functions = draw(st.integers(1, 30))
    pairs = st.tuples(st.integers(0, functions - 1), st.integers(0, functions - 1))
    edges = draw(st.dictionaries(pairs, st.floats(0.5, 1), max_size=80))
    return a_graph(functions, {pair: score for pair, score in edges.items() if len({*pair}) == 2})


@settings(deadline=None)
@given(graph=graphs(), seed=st.integers(0, 9), cap=st.floats(1, 4), length=st.integers(1, 8))
def test_on_any_graph_walks_follow_edges_and_keep_to_the_cap(
    graph: FunctionGraph, seed: int, cap: float, length: int
) -> None:
    """
    Every function but the first is a successor of an earlier one, none comes twice, and no
    function is visited more than the cap allows; whatever the graph, a walk is found.
    """
    walker = Walker(graph, seed=seed, min_length=length, max_length=12, visit_cap=cap)
    visits: Counter[int] = Counter()

    for number, walk in enumerate(first_walks(walker, 40), start=1):
        assert 1 <= len(walk.functions) <= 12
        assert len({*walk.functions}) == len(walk.functions) == len(walk.came_from)
        assert walk.came_from[0] == -1
        for position, function in enumerate(walk.functions[1:], start=1):
            earlier = walk.came_from[position]
            assert 0 <= earlier < position
            assert function in graph.successors(walk.functions[earlier])
        visits.update(walk.functions)
        # The mean is at most the number of walks, as no walk visits a function twice.
        assert max(visits.values()) <= cap * (number + 1)


def test_the_cap_is_relative_to_the_mean() -> None:
    """
    Everything leads to function 0, which may still have no more than its share.
    """
    size = 40
    edges = {(index, (index + step) % size): 0.6 for index in range(size) for step in (1, 2, 3)}
    edges |= {(index, 0): 1.0 for index in range(1, size)}
    walker = Walker(a_graph(size, edges), seed=3, visit_cap=2)
    visits: Counter[int] = Counter()
    for walk in first_walks(walker, 300):
        visits.update(walk.functions)
        assert max(visits.values()) <= 2 * (visits.total() / size + 1)
    assert min(visits.values()) > visits.total() / size / 4


def test_lengths_are_uniform_between_the_bounds_on_a_rich_graph() -> None:
    walks = first_walks(Walker(a_random_graph(300, 3_000), seed=5), 1_600)
    lengths = Counter(len(walk.functions) for walk in walks)
    assert set(lengths) == set(range(5, 21))
    assert all(60 <= lengths[length] <= 145 for length in lengths)


def test_every_function_that_can_be_walked_is_walked() -> None:
    graph = a_random_graph(300, 3_000)
    seen = {index for walk in first_walks(Walker(graph, seed=5), 400) for index in walk.functions}
    assert len(seen) == 300


def test_a_stuck_walk_backs_up_to_the_latest_way_on() -> None:
    """
    A star has no path of three functions, but a tree of five.
    """
    walker = Walker(a_graph(5, {(0, leaf): 0.9 for leaf in range(1, 5)}), seed=1, visit_cap=99)
    walk = first_walks(walker, 1)[0]
    assert walk.functions[0] == 0
    assert {*walk.functions} == set(range(5))
    assert walk.came_from == (-1, 0, 0, 0, 0)


def test_functions_that_lead_nowhere_do_not_start_walks() -> None:
    """
    Six functions in a ring and a hundred alone: chains come from the ring only.
    """
    ring = {(index, (index + 1) % 6): 0.8 for index in range(6)}
    walks = first_walks(Walker(a_graph(106, ring), seed=1), 50)
    assert all(len(walk.functions) >= 5 and max(walk.functions) < 6 for walk in walks)


def test_a_graph_without_edges_gives_chains_of_one() -> None:
    walks = first_walks(Walker(a_graph(4, {}), seed=1), 40)
    visits = Counter(walk.functions for walk in walks)
    assert set(visits) == {(0,), (1,), (2,), (3,)}
    assert max(visits.values()) - min(visits.values()) <= 2


def test_low_temperature_prefers_strong_links_and_high_hardly_does() -> None:
    edges = {(0, 1): 1.0, (0, 2): 0.5}

    def share_of_strong(temperature: float) -> float:
        walker = Walker(
            a_graph(3, edges),
            seed=2,
            min_length=2,
            max_length=2,
            visit_cap=1e6,
            temperature=temperature,
        )
        return sum(walk.functions == (0, 1) for walk in first_walks(walker, 1_000)) / 1_000

    assert share_of_strong(1.0) == pytest.approx(2 / 3, abs=0.05)
    assert share_of_strong(0.1) > 0.99
    assert share_of_strong(100.0) == pytest.approx(1 / 2, abs=0.05)


def test_the_same_seed_gives_the_same_scenarios_and_another_gives_others() -> None:
    graph = a_random_graph(80, 600)
    again = a_random_graph(80, 600)
    first = list(islice(Walker(graph, seed=7).scenarios(), 50))
    assert first == list(islice(Walker(again, seed=7).scenarios(), 50))
    assert first != list(islice(Walker(graph, seed=8).scenarios(), 50))


def test_two_readers_of_one_walker_do_not_disturb_each_other() -> None:
    walker = Walker(a_random_graph(80, 600), seed=7)
    one, other = walker.scenarios(), walker.scenarios()
    mixed = [next(one) for _ in range(5)], [next(other) for _ in range(9)]
    assert mixed[0] == mixed[1][:5]


def test_scenarios_are_numbered_and_each_has_its_own_seed() -> None:
    walker = Walker(a_random_graph(80, 600), seed=7)
    for number, scenario in enumerate(islice(walker.scenarios(), 20)):
        assert scenario.number == number
        assert scenario.seed == derive_seed(7, "scenario", number)


def test_the_order_of_tools_does_not_tell_the_plan() -> None:
    scenarios = list(islice(Walker(a_random_graph(80, 600), seed=7).scenarios(), 200))
    for scenario in scenarios:
        assert sorted(tool.name for tool in scenario.tools) == sorted(scenario.chain)
    leads = sum(scenario.tools[0].name == scenario.chain[0] for scenario in scenarios)
    assert leads < 60


@pytest.mark.parametrize(
    ("numbers", "complaint"),
    [
        ({"min_length": 0}, "min_length = 0"),
        ({"min_length": 9, "max_length": 8}, "min_length = 9 and max_length = 8"),
        ({"visit_cap": 0.5}, "visit_cap must be at least 1"),
        ({"temperature": 0.0}, "temperature at least 0.01"),
    ],
)
def test_numbers_out_of_range_are_refused(numbers: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Walker(a_graph(2, {}), seed=1, **numbers)
