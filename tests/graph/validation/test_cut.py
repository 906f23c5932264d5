"""Which edges stay, and which join, by their scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from simkit.graph.validation.cut import Cut, accepted_below, edges_kept, room_below
from simkit.graph.validation.questions import EdgeScores


def scores(*pairs: tuple[int, int] | None) -> list[EdgeScores | None]:
    return [
        None if pair is None else EdgeScores(carries_over=pair[0], plausible_path=pair[1])
        for pair in pairs
    ]


def test_an_edge_stays_when_neither_score_is_too_low_or_it_has_none() -> None:
    kept = edges_kept(scores((6, 6), (9, 5), (5, 9), None), Cut())
    assert kept.tolist() == [True, False, False, True]
    assert edges_kept(scores((3, 1)), Cut(carries_over=3, plausible_path=1)).tolist() == [True]


@pytest.mark.parametrize(("room", "expected"), [(4, [1, 3, 4, 7]), (1, [4]), (0, [])])
def test_the_best_accepted_candidates_join_while_there_is_room(
    room: int, expected: Sequence[int]
) -> None:
    asked = scores((5, 9), (6, 6), None, (7, 7), (9, 9), (6, 6), (6, 6), (8, 8), (0, 0))
    strength = np.array([0.4, 0.4, 0.4, 0.3, 0.3, 0.4, 0.3, 0.3, 0.4])
    joins = accepted_below(asked, strength, Cut(), room=room)
    assert np.flatnonzero(joins).tolist() == expected


def test_of_candidates_with_equal_scores_the_stronger_one_joins() -> None:
    strength = np.array([0.31, 0.33, 0.32])
    joins = accepted_below(scores((6, 6), (6, 6), (6, 6)), strength, Cut(), room=2)
    assert joins.tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("share", "above", "below", "room"),
    [(0.05, 95, 0, 5), (0.05, 95, 3, 2), (0.05, 95, 9, 0), (0.05, 18, 0, 0), (0.0, 1_000, 0, 0)],
)
def test_there_is_room_for_a_share_of_all_edges_less_those_that_are_there(
    share: float, above: int, below: int, room: int
) -> None:
    assert room_below(share, above=above, below=below) == room
