"""Which functions are found to feed an input, in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest

from simkit.graph.affinity import DEFAULT
from simkit.graph.evidence import Evidence, Weights
from simkit.graph.producers import best_producers
from simkit.traces.functions import Function
from tests.graph.linked_pairs import evidence_of, pair, schema

Build = Callable[..., Function]
NOTHING = Weights(**{one.name: 0.0 for one in fields(Weights)})


@pytest.fixture
def shop(a_function: Build) -> Evidence:
    """Twelve kinds of thing, each with who makes, shows and drops it."""
    functions = []
    for at, thing in enumerate(
        [
            "album",
            "order",
            "user",
            "city",
            "flight",
            "hotel",
            "recipe",
            "song",
            "team",
            "match",
            "ticket",
            "post",
        ]
    ):
        taken = schema(f"{thing}_id", **{f"{thing}_id": f"Id of the {thing}"})
        domain = f"domain {at % 3}"
        functions += [
            a_function(
                f"make_{thing}",
                domain=domain,
                parameters=schema(title=f"Title of the {thing}"),
                outputs=schema(id=f"Id of the {thing}", made=f"When the {thing} was made"),
            ),
            a_function(
                f"show_{thing}", domain=domain, parameters=taken, outputs=schema(size="Size")
            ),
            a_function(
                f"drop_{thing}", domain=domain, parameters=taken, outputs=schema(done="Done")
            ),
        ]
    return evidence_of(functions)


def test_who_makes_a_thing_feeds_who_takes_its_id(shop: Evidence) -> None:
    taking = np.flatnonzero([one.path.endswith("_id") for one in shop.inputs])
    found = best_producers(shop, DEFAULT.weights, keep=1, inputs=taking)
    assert found.input.tolist() == taking.tolist()
    assert found.function.tolist() == (shop.takers[taking] // 3 * 3).tolist()
    assert {shop.outputs[at].path for at in found.output.tolist()} == {"id"}


def test_strength_is_the_weighted_sum_of_the_best_output(shop: Evidence) -> None:
    found = best_producers(shop, DEFAULT.weights, keep=2, inputs=np.array([1]))
    weights = DEFAULT.weights.values()
    for output, strength in zip(found.output.tolist(), found.strength.tolist(), strict=True):
        kinds = pair(shop, output, 1)
        assert strength == pytest.approx(float(np.dot(weights, list(kinds.values()))), abs=1e-4)


def test_each_input_has_its_own_strongest_first_and_no_function_twice(shop: Evidence) -> None:
    found = best_producers(shop, DEFAULT.weights, keep=5)
    assert (np.bincount(found.input) == 5).all()
    assert (np.diff(found.input) >= 0).all()
    same = np.diff(found.input) == 0
    assert (np.diff(found.strength)[same] <= 0).all()
    assert len(set(zip(found.input.tolist(), found.function.tolist(), strict=True))) == len(found)
    assert (found.function != shop.takers[found.input]).all()


def test_equals_come_in_the_order_of_the_catalog(shop: Evidence) -> None:
    found = best_producers(shop, NOTHING, keep=3, inputs=np.array([0]))
    assert found.function.tolist() == [1, 2, 3]
    assert found.strength.tolist() == [0, 0, 0]


def test_asking_for_some_inputs_gives_what_asking_for_all_gives(shop: Evidence) -> None:
    everything = best_producers(shop, DEFAULT.weights, keep=4)
    some = best_producers(shop, DEFAULT.weights, keep=4, inputs=np.array([2, 7]))
    chosen = everything.at(np.isin(everything.input, [2, 7]))
    assert some.function.tolist() == chosen.function.tolist()
    assert some.output.tolist() == chosen.output.tolist()


def test_no_inputs_have_no_producers(a_function: Build, shop: Evidence) -> None:
    assert len(best_producers(shop, DEFAULT.weights, keep=3, inputs=np.arange(0))) == 0
    lonely = evidence_of([a_function("a", parameters=schema(), outputs=schema())])
    assert len(best_producers(lonely, DEFAULT.weights, keep=3)) == 0


def test_a_function_alone_feeds_nobody(a_function: Build) -> None:
    alone = evidence_of([a_function("a", parameters=schema(x="x"), outputs=schema(x="x"))])
    assert len(best_producers(alone, DEFAULT.weights, keep=3)) == 0


def test_who_needs_a_value_itself_falls_behind(shop: Evidence) -> None:
    even = replace(NOTHING, text=0.1)
    asked = np.array([one.path for one in shop.inputs].index("album_id"))[None]
    before = best_producers(shop, even, keep=36, inputs=asked).function.tolist()
    after = best_producers(shop, replace(even, needed=-5.0), keep=36, inputs=asked)
    dropper = 2  # drop_album needs the same id
    assert after.function.tolist().index(dropper) > before.index(dropper)
