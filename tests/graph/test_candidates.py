"""Candidates: every input, best first, before any threshold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.graph.affinity import DEFAULT, Affinity
from simkit.graph.candidates import candidates
from simkit.graph.lexical import Lexical
from simkit.traces.functions import Function

Build = Callable[..., Function]


def taking(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


@pytest.fixture
def post(a_function: Build) -> list[Function]:
    number = {"type": "string", "description": "Tracking number of the parcel."}
    return [
        a_function("send_parcel", parameters=taking(), outputs=taking(tracking_number=number)),
        a_function(
            "track_parcel",
            parameters=taking(tracking_number=number, verbose={"type": "boolean"}),
            outputs=taking(place={"type": "string"}),
        ),
        a_function("tell_time", parameters=taking(), outputs=taking(time={"type": "string"})),
    ]


@pytest.mark.parametrize("affinity", [DEFAULT, None])
def test_every_input_has_a_line_with_the_likeliest_function_first(
    post: list[Function], affinity: Affinity | None
) -> None:
    number, verbose = candidates(post, Lexical(), affinity, top=50)
    assert (number.function, number.parameter) == ("track_parcel", "tracking_number")
    assert [one.function for one in number.producers] == ["send_parcel", "tell_time"]
    assert number.producers[0].output == "tracking_number"
    assert number.producers[0].score > number.producers[1].score
    assert (verbose.parameter, len(verbose.producers)) == ("verbose", 2)


def test_a_function_is_no_candidate_for_its_own_inputs(post: list[Function]) -> None:
    for one in candidates(post, Lexical(), DEFAULT, top=50):
        assert one.function not in {producer.function for producer in one.producers}


def test_no_more_are_given_than_asked_for(post: list[Function]) -> None:
    found = list(candidates(post, Lexical(), DEFAULT, top=1))
    assert [len(one.producers) for one in found] == [1, 1]


def test_the_papers_rule_scores_by_the_cosine_of_the_texts(post: list[Function]) -> None:
    number, _ = candidates(post, Lexical(), None, top=1)
    assert number.producers[0].score == pytest.approx(1.0)


def test_functions_without_inputs_have_no_lines(post: list[Function]) -> None:
    assert list(candidates(post[:1], Lexical(), DEFAULT, top=5)) == []
