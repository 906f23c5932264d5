"""Each kind of evidence, on pairs that differ in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest

from simkit.graph.affinity import DEFAULT
from simkit.graph.evidence import Weights
from simkit.graph.pairs import Grid, Listed
from simkit.traces.functions import Function
from tests.graph.linked_pairs import evidence_of, pair, schema

Build = Callable[..., Function]


@pytest.fixture
def music(a_function: Build) -> list[Function]:
    """Outputs 0 id, 1 title; 2 weather; 3 id, of a function that was given it. Inputs: 0 of
    show_album, 1 of rename_album, 2 of get_weather."""
    return [
        a_function(
            "find_album", domain="music", parameters=schema(), outputs=schema(id="Id", title="Name")
        ),
        a_function(
            "show_album",
            domain="music",
            parameters=schema("album_id", album_id="Id of the album, from find album"),
            outputs=schema(weather="Weather"),
        ),
        a_function(
            "rename_album",
            domain="music",
            parameters=schema("id", id="Id of the album"),
            outputs=schema(id="Id"),
        ),
        a_function(
            "get_weather", domain="weather", parameters=schema(city="City"), outputs=schema()
        ),
    ]


def test_an_id_of_the_same_thing_shares_words_where_its_title_shares_fewer(
    music: list[Function],
) -> None:
    evidence = evidence_of(music)
    id_, title = pair(evidence, 0, 0), pair(evidence, 1, 0)
    assert id_["words"] > title["words"]
    assert id_["phrase"] > title["phrase"]


def test_names_that_end_alike_are_one_property(music: list[Function]) -> None:
    evidence = evidence_of(music)
    assert pair(evidence, 0, 0)["same_last_word"] == 1
    assert pair(evidence, 1, 0)["same_last_word"] == 0


def test_the_same_name_counts_less_the_more_functions_give_it(a_function: Build) -> None:
    taker = a_function("take", parameters=schema(sku="Number"), outputs=schema(done="Done"))
    givers = [
        a_function(f"give_{at}", parameters=schema(), outputs=schema(sku="Number"))
        for at in range(6)
    ]
    rare = pair(evidence_of([taker, givers[0]]), 1, 0)["same_name"]
    frequent = pair(evidence_of([taker, *givers]), 1, 0)["same_name"]
    assert 0 < frequent < rare <= 1


def test_a_description_may_name_the_function_to_ask(music: list[Function]) -> None:
    evidence = evidence_of(music)
    assert pair(evidence, 0, 0)["names_giver"] > pair(evidence, 2, 2)["names_giver"]


def test_functions_of_one_domain_are_told_from_others(music: list[Function]) -> None:
    evidence = evidence_of(music)
    assert pair(evidence, 0, 0)["same_domain"] == 1
    assert pair(evidence, 0, 2)["same_domain"] == 0


def test_what_a_function_was_given_it_only_repeats(music: list[Function]) -> None:
    evidence = evidence_of(music)
    assert pair(evidence, 3, 0)["echo"] == 1
    assert pair(evidence, 0, 0)["echo"] == 0


def test_who_needs_the_same_value_cannot_be_where_it_comes_from(music: list[Function]) -> None:
    evidence = evidence_of(music)
    assert pair(evidence, 3, 0)["needed"] > pair(evidence, 0, 0)["needed"] == 0


def test_an_optional_input_needs_less(a_function: Build) -> None:
    taken = schema("sku", sku="Number of the product")
    functions = [
        a_function("a", parameters=taken, outputs=schema(x="x")),
        a_function("b", parameters=taken, outputs=schema(x="x")),
        a_function("c", parameters={**taken, "required": []}, outputs=schema(x="x")),
    ]
    evidence = evidence_of(functions)
    assert pair(evidence, 1, 0)["needed"] > pair(evidence, 2, 0)["needed"] > 0


@pytest.mark.parametrize(
    ("gives", "takes", "other"),
    [
        ("boolean", "string", 1),
        ("object", "integer", 1),
        ("integer", "string", 0),
        ("boolean", "boolean", 0),
    ],
)
def test_text_and_numbers_pass_for_each_other_and_nothing_else_does(
    a_function: Build, gives: str, takes: str, other: float
) -> None:
    functions = [
        a_function("a", parameters=schema(), outputs=schema(x={"type": gives})),
        a_function("b", parameters=schema(x={"type": takes}), outputs=schema()),
    ]
    assert pair(evidence_of(functions), 0, 0)["other_type"] == other


@pytest.mark.parametrize(
    ("gives", "takes", "other"),
    [("date", "date-time", 0), ("email", "date", 1), ("email", "", 0), ("byte", "password", 0)],
)
def test_formats_of_two_families_are_no_one_thing(
    a_function: Build, gives: str, takes: str, other: float
) -> None:
    functions = [
        a_function("a", parameters=schema(), outputs=schema(x={"type": "string", "format": gives})),
        a_function("b", parameters=schema(x={"type": "string", "format": takes}), outputs=schema()),
    ]
    assert pair(evidence_of(functions), 0, 0)["other_type"] == other


def test_an_output_of_many_lies_deep(a_function: Build) -> None:
    listed = {"type": "array", "items": schema(id="Id")}
    functions = [
        a_function("find", parameters=schema(), outputs=schema(albums=listed)),
        a_function("show", parameters=schema(id="Id"), outputs=schema()),
    ]
    evidence = evidence_of(functions)
    inner = next(at for at, one in enumerate(evidence.outputs) if one.path == "albums[].id")
    assert pair(evidence, inner, 0)["repeated"] == 1
    assert pair(evidence, inner, 0)["nesting"] == pytest.approx(1 / 3)


def test_pairs_in_a_grid_and_one_by_one_have_the_same_evidence(music: list[Function]) -> None:
    evidence = evidence_of(music)
    givers, takers = np.arange(len(evidence.outputs)), np.arange(len(evidence.inputs))
    grid = list(evidence.of(Grid(givers, takers)))
    rows, columns = (side.ravel() for side in np.meshgrid(givers, takers, indexing="ij"))
    listed = list(evidence.of(Listed(rows, columns)))
    assert len(grid) == len(listed) == len(fields(Weights)) - 1
    shape = (len(givers), len(takers))
    for one, other in zip(grid, listed, strict=True):
        np.testing.assert_allclose(np.broadcast_to(one, shape).ravel(), other, atol=1e-6)


def test_a_catalog_of_one_function_without_inputs_has_evidence_of_nothing(
    a_function: Build,
) -> None:
    evidence = evidence_of([a_function("a", parameters=schema(), outputs=schema())])
    grid = Grid(np.arange(len(evidence.outputs)), np.arange(0))
    assert all(one.size == 0 or one.shape[1] <= 1 for one in evidence.of(grid))


def test_a_score_is_half_in_the_middle_and_grows_with_strength() -> None:
    strengths = np.array([-1e9, DEFAULT.middle, DEFAULT.middle + DEFAULT.spread, 1e9])
    scores = DEFAULT.scores(strengths)
    assert scores[1] == 0.5
    assert scores[2] == pytest.approx(0.731, abs=1e-3)
    assert (np.diff(scores) > 0).all()
    assert 0 < scores[0] < scores[-1] < 1
