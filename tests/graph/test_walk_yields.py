"""Yields: what filters kept steers later walks, the same way whatever the timing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkit.graph import walk as walk_module
from simkit.graph.walk import BLOCK, Walk
from simkit.graph.walks.yields import Yields
from tests.graph.linked import a_random_graph

Walker = partial(walk_module.Walker, coherence=0, yield_lag=100)
GRAPH = a_random_graph(60, 900)


class Filters:
    """Keeps or drops the conversations about function 0 alone, of the walks that it steers."""

    def __init__(self, walker: walk_module.Walker, *, keeps: bool) -> None:
        self._keeps = keeps
        self._walks = walker.walks(self.outcomes_of)
        self._drawn: list[Walk] = []

    def walks(self, number: int) -> list[Walk]:
        self._drawn.extend(islice(self._walks, number - len(self._drawn)))
        return self._drawn

    def outcomes_of(self, first: int, stop: int) -> Sequence[bool | None]:
        return [(0 in walk.functions) == self._keeps for walk in self._drawn[first:stop]]


def test_what_is_dropped_is_walked_less_and_what_is_kept_more() -> None:
    def visits_to_0(walks: Sequence[Walk]) -> int:
        return Counter(index for walk in walks for index in walk.functions)[0]

    # Coverage would make up for it in the end.
    walker = Walker(GRAPH, seed=1, coverage=0, target_share=0)
    unsteered = visits_to_0(list(islice(walker.walks(), 4 * BLOCK)))
    assert visits_to_0(Filters(walker, keeps=False).walks(4 * BLOCK)) < 0.85 * unsteered
    assert visits_to_0(Filters(walker, keeps=True).walks(4 * BLOCK)) > 1.15 * unsteered


def test_outcomes_are_asked_for_in_order_each_once_and_no_earlier_than_needed() -> None:
    walker = Walker(GRAPH, seed=1)
    asked: list[tuple[int, int]] = []

    def outcomes_of(first: int, stop: int) -> Sequence[bool | None]:
        asked.append((first, stop))
        return [True] * (stop - first)

    list(islice(walker.walks(outcomes_of), 3 * BLOCK + 1))
    assert asked == [
        (0, BLOCK - 100),
        (BLOCK - 100, 2 * BLOCK - 100),
        (2 * BLOCK - 100, 3 * BLOCK - 100),
    ]
    assert walker.outcomes_needed(BLOCK - 1) == 0
    assert walker.outcomes_needed(BLOCK) == walker.outcomes_needed(2 * BLOCK - 1) == BLOCK - 100


def test_the_same_outcomes_give_the_same_walks_and_others_give_others() -> None:
    def draw(outcome: bool | None) -> list[Walk]:
        outcomes = Filters(Walker(GRAPH, seed=1), keeps=False)
        outcomes.walks(2 * BLOCK)

        def changed(first: int, stop: int) -> Sequence[bool | None]:
            return [outcome, *outcomes.outcomes_of(first, stop)[1:]]

        return list(islice(Walker(GRAPH, seed=1).walks(changed), 2 * BLOCK))

    assert draw(True) == draw(True)
    assert draw(True)[:BLOCK] == draw(None)[:BLOCK]
    assert draw(True)[BLOCK:] != draw(None)[BLOCK:]


def test_walks_drawn_before_their_outcomes_are_known_are_refused() -> None:
    walks = Walker(GRAPH, seed=1).walks(lambda first, stop: [])
    list(islice(walks, BLOCK))
    complaint = f"outcomes of scenarios 0 to {BLOCK - 101}, and got 0"
    with pytest.raises(ValueError, match=complaint):
        next(walks)


scenarios = st.lists(
    st.tuples(
        st.lists(st.integers(0, 9), min_size=3, max_size=3, unique=True),
        st.sampled_from([True, False, None]),
    ),
    max_size=60,
)


@given(scenarios)
def test_factors_are_bounded_and_do_not_depend_on_how_outcomes_are_handed_over(
    played: list[tuple[list[int], bool | None]],
) -> None:
    walks = np.array([functions for functions, _ in played], np.int64).reshape(-1, 3)
    at_once, piecemeal = Yields(10), Yields(10)

    def outcomes_of(first: int, stop: int) -> Sequence[bool | None]:
        return [outcome for _, outcome in played[first:stop]]

    at_once.hold(walks)
    at_once.learn(outcomes_of, len(played))
    for number in range(len(played)):
        piecemeal.hold(walks[number : number + 1])
        piecemeal.learn(outcomes_of, number + 1)
    assert at_once.factors().tolist() == piecemeal.factors().tolist()
    assert all(0.5 <= factor <= 2 for factor in at_once.factors())


def test_a_function_that_is_never_kept_is_wanted_less_and_positions_without_one_do_not_count() -> (
    None
):
    yields = Yields(3)
    yields.hold(np.array([[0, 1], [2, -1]] * 20))
    yields.learn(lambda first, stop: [False, True] * 20, 40)
    first, second, third = yields.factors()
    assert first == second < 1 < third


def test_a_scenario_that_says_nothing_changes_nothing() -> None:
    yields = Yields(3)
    yields.hold(np.array([[0, 1]] * 50))
    yields.learn(lambda first, stop: [None] * (stop - first), 50)
    assert yields.factors().tolist() == [1, 1, 1]
