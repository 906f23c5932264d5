"""Measures of a ranking, where scores are equal too."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from tests.bench.edges.ranks import Ranked, mean, ranked


def test_the_best_ranked_of_several_right_candidates_counts() -> None:
    assert ranked(np.array([0.9, 0.1, 0.5, 0.7]), {1, 3}, excluded=2) == Ranked(0.0, 1.0, 0.5)


def test_the_excluded_candidate_takes_no_rank() -> None:
    assert ranked(np.array([0.9, 0.5]), {1}, excluded=0) == Ranked(1.0, 1.0, 1.0)


def test_constant_scores_are_worth_chance() -> None:
    result = ranked(np.zeros(11), {3}, excluded=0)

    assert result.hit_at_1 == pytest.approx(1 / 10)
    assert result.hit_at_5 == pytest.approx(5 / 10)
    assert result.reciprocal_rank == pytest.approx(sum(1 / rank for rank in range(1, 11)) / 10)


def test_ties_are_the_mean_over_every_order_of_the_equal() -> None:
    """
    One candidate is ahead; two right ones and three wrong ones are equal.
    """
    scores = np.array([0.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5])
    first_right = [min(order.index(2), order.index(3)) + 2 for order in permutations(range(2, 7))]

    result = ranked(scores, {2, 3}, excluded=0)

    assert result.hit_at_1 == 0
    assert result.hit_at_5 == pytest.approx(np.mean([rank <= 5 for rank in first_right]))
    assert result.reciprocal_rank == pytest.approx(np.mean([1 / rank for rank in first_right]))


def test_not_a_number_comes_last() -> None:
    result = ranked(np.array([0.0, np.nan, -np.inf, -5.0]), {1}, excluded=0)
    assert result.reciprocal_rank == pytest.approx((1 / 2 + 1 / 3) / 2)


def test_the_mean_is_taken_measure_by_measure() -> None:
    assert mean([Ranked(1.0, 1.0, 1.0), Ranked(0.0, 1.0, 0.5)]) == Ranked(0.5, 1.0, 0.75)
