"""The texts that stand for what functions take and give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.graph.parameters import (
    MAX_PER_FUNCTION,
    inputs_of,
    name_words,
    outputs_of,
    parameter_text,
    returned_thing,
)
from simkit.traces.functions import Function

Build = Callable[..., Function]


def an_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def test_the_text_is_description_and_type_without_the_name() -> None:
    schema = {"type": "string", "description": "Name of\n the city."}
    assert parameter_text("qzx", schema) == "Name of the city. (string)"


def test_without_a_description_the_words_of_the_name_stand_in() -> None:
    assert parameter_text("userID", {"type": ["string", "null"]}) == "user id (string)"
    assert parameter_text("tag_ids", {"type": "array", "items": {"type": "integer"}}) == (
        "tag ids (array of integer)"
    )
    assert parameter_text("depth", {"anyOf": [{"type": "integer"}, {"type": "null"}]}) == (
        "depth (integer)"
    )
    assert parameter_text("title", {"description": "Description not available"}) == "title"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("get_user", "get user"),
        ("getHTTPResponse", "get http response"),
        ("v2.list-items", "v2 list items"),
        ("__", ""),
    ],
)
def test_a_name_is_split_where_people_split_it(name: str, words: str) -> None:
    assert name_words(name) == words


def test_nested_outputs_have_paths_down_to_five_names(a_function: Build) -> None:
    """
    Outer fields come before inner ones; what lies deeper than five names is left out.
    """
    order = an_object(
        id={"type": "string"},
        buyer=an_object(
            address=an_object(city=an_object(part=an_object(street={"type": "string"})))
        ),
    )
    function = a_function(
        outputs=an_object(orders={"type": "array", "items": order}, total={"type": "number"})
    )

    assert [output.path for output in outputs_of([function])] == [
        "orders",
        "total",
        "orders[].id",
        "orders[].buyer",
        "orders[].buyer.address",
        "orders[].buyer.address.city",
        "orders[].buyer.address.city.part",
    ]


def test_local_references_are_followed_and_cycles_end(a_function: Build) -> None:
    node = an_object(
        label={"type": "string", "description": "Label."}, child={"$ref": "#/$defs/Node"}
    )
    function = a_function(
        outputs=an_object(root={"$ref": "#/$defs/Node"}) | {"$defs": {"Node": node}}
    )

    outputs = outputs_of([function])

    assert [output.path for output in outputs] == [
        "root",
        "root.label",
        "root.child",
        "root.child.label",
        "root.child.child",
        "root.child.child.label",
        "root.child.child.child",
        "root.child.child.child.label",
        "root.child.child.child.child",
        "root.child.child.child.child.label",
        "root.child.child.child.child.child",
    ][:9]
    assert outputs[1].text == "Label. (string)"


def test_one_function_cannot_flood_the_graph(a_function: Build) -> None:
    wide = an_object(**{f"field_{number}": {"type": "string"} for number in range(200)})
    function = a_function(parameters=wide, outputs=wide)
    assert len(inputs_of([function])) == len(outputs_of([function])) == MAX_PER_FUNCTION


def test_inputs_know_their_types_choices_and_whether_they_are_required(a_function: Build) -> None:
    function = a_function(
        parameters=an_object(
            city={"type": "string", "format": "city", "enum": ["Bern", "Rome"]},
            verbose={"type": ["boolean", "null"]},
            ids={"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
        )
        | {"required": ["ids"]}
    )
    city, verbose, ids = inputs_of([function])
    assert (city.kinds, city.form, city.choices) == ({"string"}, "city", {"Bern", "Rome"})
    assert [one.is_yes_or_no for one in (city, verbose, ids)] == [False, True, False]
    assert [one.required for one in (city, verbose, ids)] == [False, False, True]
    assert ids.kinds == {"array", "integer", "null"}


def test_a_parameter_knows_its_name_and_what_holds_it(a_function: Build) -> None:
    tracks = {"type": "array", "items": an_object(id={"type": "string"})}
    _, inner = outputs_of([a_function(outputs=an_object(tracks=tracks))])
    assert (inner.path, inner.name, inner.around) == ("tracks[].id", "id", "tracks")


def test_a_function_without_outputs_gets_one_inferred_from_its_description(
    a_function: Build,
) -> None:
    functions = [a_function(), a_function("b", outputs=None), a_function("c", outputs=an_object())]

    outputs = outputs_of(functions)

    assert [(one.function, one.path, one.inferred) for one in outputs] == [
        (0, "celsius", False),
        (1, "", True),
        (2, "", True),
    ]
    assert outputs[1].text == "the current temperature in a city"


@pytest.mark.parametrize(
    ("description", "thing"),
    [
        ("Calculates the area of a triangle given its sides.", "the area of a triangle"),
        ("Search for hotels. Prices are in euros.", "hotels"),
        ("This function allows users to create a new order.", "a new order"),
        ("Looks a word up and returns its definition. Slow.", "its definition"),
        ("Summon the elevator", "the elevator"),
        ("", "find user"),
        ("N/A", "find user"),
        ("Get", "Get"),
    ],
)
def test_what_is_returned_is_the_object_of_the_verb(
    a_function: Build, description: str, thing: str
) -> None:
    assert returned_thing(a_function("find_user", description=description)) == thing
