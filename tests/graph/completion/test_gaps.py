"""What counts as missing in a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.graph.completion.batches import (
    MOST_CHARACTERS,
    MOST_FUNCTIONS,
    Incomplete,
    batches,
    incomplete,
)
from simkit.graph.completion.gaps import gaps_of
from simkit.traces.functions import Function

Build = Callable[..., Function]


def inputs(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": []}


def test_a_function_with_everything_has_no_gaps(a_function: Build) -> None:
    assert not gaps_of(a_function())
    assert list(incomplete([a_function()])) == []


@pytest.mark.parametrize("description", ["", "N/A", "Get temperature.", "getTemperature"])
def test_a_description_that_says_only_the_name_is_missing(
    a_function: Build, description: str
) -> None:
    assert gaps_of(a_function(description=description)).description


def test_an_input_without_description_or_type_is_a_gap_and_an_enum_tells_a_type(
    a_function: Build,
) -> None:
    fields = inputs(
        whole={"type": "string", "description": "Something."},
        silent={"type": "string"},
        untyped={"description": "Something."},
        chosen={"enum": ["a", "b"], "description": "Something."},
        anything=True,
    )
    assert gaps_of(a_function(parameters=fields)).inputs == ("silent", "untyped", "anything")


def test_outputs_are_missing_when_no_field_is_declared(a_function: Build) -> None:
    assert gaps_of(a_function(outputs=None, outputs_origin="absent")).outputs
    assert gaps_of(a_function(outputs={"type": "object"})).outputs
    declared = gaps_of(a_function(outputs=inputs(celsius={"type": "number"})))
    assert (declared.outputs, declared.output_fields) == (False, ("celsius",))


def bare(a_function: Build, number: int) -> list[Function]:
    return [a_function(name=f"get_thing_{index}", outputs=None) for index in range(number)]


def test_batches_hold_every_function_once_in_order_and_never_too_many(a_function: Build) -> None:
    functions = bare(a_function, 100)
    made = list(batches(incomplete(functions)))
    assert [one.function for batch in made for one in batch] == functions
    assert max(map(len, made)) <= MOST_FUNCTIONS
    assert len(made) < 40


def test_a_function_more_leaves_the_batches_that_are_not_around_it_as_they_were(
    a_function: Build,
) -> None:
    functions = bare(a_function, 200)

    def names(functions: list[Function]) -> set[tuple[str, ...]]:
        return {
            tuple(one.function.name for one in batch) for batch in batches(incomplete(functions))
        }

    before = names(functions)
    changed = before - names([functions[0], a_function(name="new", outputs=None), *functions[1:]])
    assert len(changed) < len(before) / 4


def test_a_function_too_large_for_a_request_is_left_out_of_all_batches(a_function: Build) -> None:
    fields = {f"field_{index}": {"description": "x" * 300} for index in range(100)}
    large = a_function(name="large", parameters=inputs(**fields))
    (one,) = incomplete([large])
    assert one.size > MOST_CHARACTERS
    assert list(batches([one])) == []


def test_long_texts_are_shown_cut(a_function: Build) -> None:
    fields = inputs(note={"type": "string", "description": "x" * 4_000, "enum": ["y"] * 5_000})
    (one,) = incomplete([a_function(description="z" * 4_000, parameters=fields, outputs=None)])
    assert isinstance(one, Incomplete)
    assert one.size < 2_500
