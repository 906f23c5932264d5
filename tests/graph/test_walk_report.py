"""The report of walks says what the walks themselves say."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkit.graph.walk import BLOCK, Walker
from simkit.graph.walks.visits import gini
from tests.graph.linked import a_graph, a_random_graph


@pytest.mark.parametrize("number", [1, BLOCK, BLOCK + 88])
def test_a_report_counts_the_walks_that_were_asked_for(number: int) -> None:
    graph = a_random_graph(80, 900)
    walker = Walker(graph, seed=7, coherence=0)
    walks = list(islice(walker.walks(), number))
    visits = Counter(index for walk in walks for index in walk.functions)

    report = walker.report(number)

    assert report.walks == number
    assert report.lengths == Counter(len(walk.functions) for walk in walks)
    assert list(report.lengths) == sorted(report.lengths)
    assert report.functions == 80
    assert report.visited == len(visits)
    assert report.most_visits == max(visits.values())
    assert report.domains == {"": visits.total()}
    assert report.domains_of_a_walk == 1
    assert 0.5 <= report.mean_score <= 1
    assert report.targets_met <= report.targeted


def test_a_report_tells_domains_and_steps_within_them() -> None:
    """
    Two rings of ten, and no way from one to the other.
    """
    edges = {(index, index - index % 10 + (index + 1) % 10): 0.75 for index in range(20)}
    walker = Walker(a_graph(20, edges, ["b"] * 10 + ["a"] * 10), seed=1, max_length=10)
    report = walker.report(BLOCK)
    assert set(report.domains) == {"a", "b"}
    assert report.domains_of_a_walk == 1
    assert report.holding_share == 1
    assert report.mean_score == pytest.approx(0.75)
    assert report.reachable == report.visited == 20
    assert report.gini < 0.1


def test_walks_that_found_no_way_on_are_counted() -> None:
    report = Walker(a_graph(3, {(0, 1): 0.9}, ["a"] * 3), seed=1).report(100)
    assert set(report.lengths) <= {1, 2}
    assert report.short == 100
    assert report.redrawn == 700


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30))
def test_gini_is_half_the_mean_difference_over_the_mean(counts: list[int]) -> None:
    differences = sum(abs(one - other) for one in counts for other in counts)
    expected = differences / (2 * len(counts) * sum(counts)) if sum(counts) else 0
    assert gini(np.array(counts)) == pytest.approx(expected, abs=1e-9)
