"""Merging near duplicates, and not merging what only looks alike."""

from __future__ import annotations

import time
from typing import Any

import pytest

from simkit.graph.merging import MOST_COMPARED, Repeat, fill_in, find_repeats
from simkit.traces.functions import Function

CITY = {"city": {"type": "string", "description": "The name of the city, e.g. Oslo"}}
UNIT = {"unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}}
WEATHER = "Get the current weather in a given city"


def a_function(
    description: str = WEATHER,
    properties: dict[str, Any] = CITY,
    *,
    name: str = "get_weather",
    outputs: dict[str, Any] | None = None,
) -> Function:
    return Function(
        name=name,
        description=description,
        parameters={"type": "object", "properties": properties, "required": []},
        outputs=outputs and {"type": "object", "properties": outputs, "required": []},
        outputs_origin="absent" if outputs is None else "declared",
    )


def is_merged(one: Function, other: Function) -> bool:
    return bool(find_repeats([one, other]))


@pytest.mark.parametrize(
    "other",
    [
        a_function("Gets the current weather of a city."),
        a_function(name="getWeather"),
        a_function(name="get-weather"),
        a_function(properties={"city": {"type": "string", "description": "Name of the city"}}),
    ],
)
def test_the_same_function_in_other_words_is_merged(other: Function) -> None:
    assert is_merged(a_function(), other)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(a_function(properties=CITY | UNIT), id="one parameter more"),
        pytest.param(a_function(properties={"town": CITY["city"]}), id="another parameter"),
        pytest.param(
            a_function(properties={"city": {"type": "integer"}}), id="a parameter of another type"
        ),
        pytest.param(a_function(name="set_weather"), id="another name"),
        pytest.param(a_function("Feed the fish in a given pond"), id="another description"),
    ],
)
def test_what_only_looks_alike_stays(other: Function) -> None:
    assert not is_merged(a_function(), other)


def test_versions_that_differ_in_an_enum_stay() -> None:
    kelvin = {"unit": {"type": "string", "enum": ["celsius", "fahrenheit", "kelvin"]}}
    assert not is_merged(a_function(properties=CITY | UNIT), a_function(properties=CITY | kelvin))
    turned = {"unit": {"type": "string", "enum": ["fahrenheit", "celsius"]}}
    assert is_merged(a_function(properties=CITY | UNIT), a_function(properties=CITY | turned))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("List all tables in the SQLite database", "List all tables in the DynamoDB database"),
        ("List the tables of the current database", "List the tables of the current Oracle10"),
        ("List exchanges", "List all exchanges of the broker"),
    ],
)
def test_functions_without_parameters_need_more_in_common(one: str, other: str) -> None:
    """Nothing but a few words speaks for a merge, and one word may make the difference."""
    assert not is_merged(a_function(one, {}), a_function(other, {}))


def test_what_parameters_say_cannot_make_up_for_another_description() -> None:
    """Two servers may describe the parameters of their ``search`` in the same words."""
    said = "The words to look for, as many as you like, in any order and any language"
    query = {"query": {"type": "string", "description": said}}
    assert not is_merged(
        a_function("Search the web", query, name="search"),
        a_function("Search all my notes", query, name="search"),
    )


def test_functions_that_declare_different_outputs_stay() -> None:
    celsius, wind = {"celsius": {"type": "number"}}, {"wind": {"type": "number"}}
    assert not is_merged(a_function(outputs=celsius), a_function(outputs=wind))
    assert is_merged(a_function(), a_function(outputs=wind))


def test_each_is_merged_into_the_first_and_not_into_a_repeat() -> None:
    """Or a row of small changes would join functions that have nothing in common."""
    repeats = find_repeats([a_function(f"{WEATHER}."), a_function("Other things"), a_function()])
    assert repeats == [Repeat(2, 0, 1.0)]


def test_a_merge_fills_in_what_the_first_lacks() -> None:
    celsius = {"celsius": {"type": "number"}}
    nested = {"where": {"type": "object", "properties": {"city": {"type": "string"}}}}
    told = {"where": {"type": "object", "description": "Place", "properties": CITY}}
    kept = a_function(properties=nested)
    filled, what = fill_in(kept, a_function(properties=told, outputs=celsius))
    assert what == ("descriptions", "outputs")
    assert filled.parameters["properties"] == told
    assert (filled.outputs_origin, filled.name) == ("declared", kept.name)
    assert filled.outputs is not None
    assert filled.outputs["properties"] == celsius
    assert fill_in(filled, kept) == (filled, ())


def test_a_property_called_description_is_a_parameter() -> None:
    text = {"description": {"type": "string"}}
    assert not is_merged(a_function(properties=CITY | text), a_function())
    assert is_merged(a_function(properties=CITY | text), a_function(properties=text | CITY))


def test_many_functions_of_one_outline_are_found_as_few_are() -> None:
    """From the 51st on an index of hashes says whom to compare."""
    subjects = [f"thing{number} number {number} of {number + 1000}" for number in range(80)]
    first = [a_function(f"Order one {each} now") for each in subjects]
    second = [a_function(f"Orders one {each} now.") for each in subjects]
    assert len(first) > MOST_COMPARED
    repeats = find_repeats([*first, *second])
    assert repeats == [Repeat(80 + number, number, 1.0) for number in range(80)]


def test_time_does_not_grow_with_the_number_of_pairs() -> None:
    functions = [
        a_function(f"Do {n} things with {n * 7} others", name=f"f{n}") for n in range(4000)
    ]
    start = time.process_time()
    assert find_repeats(functions) == []
    assert time.process_time() - start < 5
