"""Kin: what makes a step of a walk hold, and how walks keep to it."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from simkit.graph.walk import Walker
from simkit.graph.walks.kinship import kin
from simkit.traces.functions import Function
from tests.graph.linked import LinkedFunctions, a_function, a_graph

CATALOG = [
    a_function("getWebhook", "Get a webhook by its id."),
    a_function("delete_webhook", "Delete one webhook."),
    a_function("delete_flag", "Delete a feature flag."),
    a_function("delete_message", "Delete a message in a chat."),
    a_function("send_chat", "Send a chat message to a room."),
]


def are_kin(source: int, target: int, domains: list[str], catalog: list[Function]) -> bool:
    return bool(kin(catalog, domains, np.array([source]), np.array([target]))[0])


def test_functions_about_the_same_thing_are_kin_and_those_that_do_the_same_are_not() -> None:
    nowhere = [""] * len(CATALOG)
    assert are_kin(0, 1, nowhere, CATALOG)
    assert are_kin(3, 4, nowhere, CATALOG)
    assert not are_kin(1, 2, nowhere, CATALOG)
    assert not are_kin(2, 3, nowhere, CATALOG)


def test_a_small_domain_makes_kin_and_a_large_one_only_with_words_in_common() -> None:
    assert are_kin(1, 2, ["API"] * len(CATALOG), CATALOG)
    crowd = CATALOG + [a_function(f"thing{index}") for index in range(60)]
    assert not are_kin(1, 2, ["Others"] * len(crowd), crowd)
    assert are_kin(0, 1, ["Others"] * len(crowd), crowd)


def test_functions_without_words_and_domain_are_nobodys_kin() -> None:
    wordless = [a_function("get"), a_function("update")]
    assert not are_kin(0, 1, ["", ""], wordless)


def two_worlds() -> LinkedFunctions:
    """Twenty functions in each of two domains, everyone linked to everyone."""
    edges = {(one, other): 0.8 for one in range(40) for other in range(40) if one != other}
    return a_graph(40, edges, ["left"] * 20 + ["right"] * 20)


def crossings(coherence: float) -> list[int]:
    """For each of 200 walks of 11 functions, how many steps lead from one world to the other."""
    walker = Walker(two_worlds(), seed=1, min_length=11, max_length=11, coherence=coherence)
    return [
        sum(
            (function < 20) != (walk.functions[earlier] < 20)
            for function, earlier in zip(walk.functions[1:], walk.came_from[1:], strict=True)
        )
        for walk in islice(walker.walks(), 200)
    ]


@pytest.mark.parametrize(("coherence", "most"), [(1.0, 0), (0.9, 1), (0.8, 2), (0.5, 5)])
def test_no_more_steps_cross_worlds_than_the_coherence_allows(coherence: float, most: int) -> None:
    assert max(crossings(coherence)) <= most


def test_without_coherence_walks_cross_at_will() -> None:
    assert np.mean(crossings(0)) > 4


def test_walks_of_functions_that_nothing_joins_stay_single() -> None:
    """
    A chain of strangers is worse than a short one.
    """
    strangers = a_graph(6, {(index, (index + 1) % 6): 0.8 for index in range(6)})
    assert {len(walk.functions) for walk in islice(Walker(strangers, seed=1).walks(), 50)} == {1}
