"""Walks: along edges, within bounds, spread over the graph, and the same every time."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simkit.graph import walk as walk_module
from simkit.graph.walk import BLOCK, Walk
from tests.graph.linked import LinkedFunctions, a_graph, a_random_graph

Walker = partial(walk_module.Walker, coherence=0)  # these graphs have no kin; see test_walk_kin


def first_walks(walker: walk_module.Walker, number: int) -> list[Walk]:
    return list(islice(walker.walks(), number))


@st.composite
def graphs(draw: st.DrawFn) -> LinkedFunctions:
    functions = draw(st.integers(1, 30))
    pairs = st.tuples(st.integers(0, functions - 1), st.integers(0, functions - 1))
    edges = draw(st.dictionaries(pairs, st.floats(0.5, 1), max_size=80))
    domains = draw(st.lists(st.sampled_from("ab"), min_size=functions, max_size=functions))
    return a_graph(
        functions, {pair: score for pair, score in edges.items() if len({*pair}) == 2}, domains
    )


@settings(deadline=None, max_examples=40)
@given(
    graph=graphs(),
    seed=st.integers(0, 9),
    cap=st.floats(1, 4),
    length=st.integers(1, 8),
    coherence=st.sampled_from([0, 0.7, 0.9, 1]),
    share=st.sampled_from([0, 0.3, 1]),
)
def test_on_any_graph_walks_follow_edges_hang_together_and_keep_to_the_cap(
    graph: LinkedFunctions, seed: int, cap: float, length: int, coherence: float, share: float
) -> None:
    """
    Every function but the first is a successor of an earlier one, none comes twice, enough
    steps stay in a domain, and no function is visited more than the cap allows; whatever the
    graph, a walk is found.
    """
    walker = walk_module.Walker(
        graph,
        seed=seed,
        min_length=length,
        max_length=12,
        visit_cap=cap,
        coherence=coherence,
        target_share=share,
        short_share=share,
    )
    visits: Counter[int] = Counter()
    walks = first_walks(walker, 2 * BLOCK)
    for number, walk in enumerate(walks, start=1):
        assert 1 <= len(walk.functions) <= 12
        assert len({*walk.functions}) == len(walk.functions) == len(walk.came_from)
        assert walk.came_from[0] == -1
        loose = 0
        for position, function in enumerate(walk.functions[1:], start=1):
            earlier = walk.came_from[position]
            assert 0 <= earlier < position
            assert function in graph.successors(walk.functions[earlier])
            loose += graph.domain(function) != graph.domain(walk.functions[earlier])
        assert loose <= (1 - coherence) * (len(walk.functions) - 1) + 1e-6
        visits.update(walk.functions)
        # The mean is at most the number of walks, as no walk visits a function twice.
        if number % BLOCK == 0:
            assert max(visits.values()) <= cap * (visits.total() + 12 * BLOCK + 1)


def test_the_cap_is_relative_to_the_mean_at_the_end_of_a_block() -> None:
    """
    Everything leads to function 0, which may still have no more than its share.
    """
    size = 40
    edges = {(index, (index + step) % size): 0.6 for index in range(size) for step in (1, 2, 3)}
    edges |= {(index, 0): 1.0 for index in range(1, size)}
    walks = Walker(a_graph(size, edges), seed=3, visit_cap=1.5, coverage=0).walks()
    visits: Counter[int] = Counter()
    for _ in range(20):
        for walk in islice(walks, BLOCK):
            visits.update(walk.functions)
        assert max(visits.values()) <= 1.5 * (visits.total() / size + 1) + 1
    assert visits[0] == max(visits.values()) > 1.4 * visits.total() / size


def test_lengths_are_uniform_between_the_bounds_on_a_rich_graph() -> None:
    walks = first_walks(Walker(a_random_graph(300, 3_000), seed=5), 1_600)
    lengths = Counter(len(walk.functions) for walk in walks)
    assert set(lengths) == set(range(5, 21))
    assert all(60 <= lengths[length] <= 145 for length in lengths)


def test_a_share_of_walks_is_short_when_asked_for() -> None:
    walker = Walker(a_random_graph(300, 3_000), seed=5, short_share=0.25)
    lengths = Counter(len(walk.functions) for walk in first_walks(walker, 4_000))
    assert set(lengths) == set(range(1, 21))
    assert sum(lengths[length] for length in (1, 2, 3, 4)) == pytest.approx(1_000, rel=0.1)


def test_every_function_that_can_be_walked_is_walked() -> None:
    graph = a_random_graph(300, 3_000)
    seen = {index for walk in first_walks(Walker(graph, seed=5), 400) for index in walk.functions}
    assert len(seen) == 300


def test_walks_are_led_to_a_function_that_edges_hardly_lead_to() -> None:
    """
    From each of 99 functions one weak edge in twenty leads to the last one, a dead end.
    """
    size = 100
    edges = {(index, (index + step) % 99): 1.0 for index in range(99) for step in range(1, 20)}
    edges |= {(index, 99): 0.5 for index in range(99)}
    fair = {"visit_cap": 99, "coverage": 0, "temperature": 0.05, "min_length": 20}
    graph = a_graph(size, edges)

    def visits_to_the_last(target_share: float) -> int:
        walker = Walker(graph, seed=1, target_share=target_share, **fair)
        return sum(99 in walk.functions for walk in islice(walker.walks(), 8 * BLOCK))

    assert visits_to_the_last(0) == 0
    assert visits_to_the_last(0.2) >= 6


def test_a_stuck_walk_backs_up_to_the_latest_way_on() -> None:
    """
    A star has no path of three functions, but a tree of five.
    """
    star = a_graph(5, {(0, leaf): 0.9 for leaf in range(1, 5)})
    walk = first_walks(Walker(star, seed=1, visit_cap=99), 1)[0]
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
    walks = first_walks(Walker(a_graph(4, {}), seed=1), BLOCK)
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
            coverage=0,
            target_share=0,
        )
        return sum(walk.functions == (0, 1) for walk in first_walks(walker, 1_000)) / 1_000

    assert share_of_strong(1.0) == pytest.approx(2 / 3, abs=0.05)
    assert share_of_strong(0.1) > 0.99
    assert share_of_strong(100.0) == pytest.approx(1 / 2, abs=0.05)


def test_of_a_functions_ways_only_the_heaviest_64_are_walked() -> None:
    edges = {(0, leaf): 1 - leaf / 1_000 for leaf in range(1, 101)}
    walker = Walker(a_graph(101, edges), seed=2, target_share=0, visit_cap=1e6, temperature=9)
    seen = {index for walk in first_walks(walker, 2_000) for index in walk.functions}
    assert seen == set(range(65))


def test_the_same_seed_gives_the_same_walks_and_another_gives_others() -> None:
    graph = a_random_graph(80, 600)
    again = a_random_graph(80, 600)
    first = first_walks(Walker(graph, seed=7), 2 * BLOCK)
    assert first == first_walks(Walker(again, seed=7), 2 * BLOCK)
    assert first != first_walks(Walker(graph, seed=8), 2 * BLOCK)


def test_two_readers_of_one_walker_do_not_disturb_each_other() -> None:
    walker = Walker(a_random_graph(80, 600), seed=7)
    one, other = walker.walks(), walker.walks()
    mixed = [next(one) for _ in range(5)], [next(other) for _ in range(9)]
    assert mixed[0] == mixed[1][:5]


@pytest.mark.parametrize(
    ("numbers", "complaint"),
    [
        ({"min_length": 0}, "min_length = 0"),
        ({"min_length": 9, "max_length": 8}, "min_length = 9 and max_length = 8"),
        ({"short_max_length": 0}, "short_min_length = 1 and short_max_length = 0"),
        ({"short_share": 1.5}, "short_share is a share"),
        ({"visit_cap": 0.5}, "visit_cap must be at least 1"),
        ({"temperature": 0.0}, "temperature at least 0.01"),
        ({"coverage": -1}, r"coverage must be in \[0, 4\], not -1"),
        ({"yield_lag": -1}, "yield_lag must be at least 0"),
    ],
)
def test_numbers_out_of_range_are_refused(numbers: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Walker(a_graph(2, {}), seed=1, **numbers)
