"""What the names of parameters are taken to be about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.graph.naming import Naming, namings, nesting, singular_words
from simkit.graph.parameters import inputs_of, outputs_of
from simkit.traces.functions import Function

Build = Callable[..., Function]


def schema(**properties: Any) -> dict[str, Any]:
    """An object schema: names to descriptions, or to whole schemas."""
    return {
        "type": "object",
        "properties": {
            name: {"type": "string", "description": said} if isinstance(said, str) else said
            for name, said in properties.items()
        },
    }


def naming_of_input(function: Function) -> Naming:
    (naming,) = namings([function], inputs_of([function]))
    return naming


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("listUserIDs", ("list", "user", "id")),
        ("categories", ("category",)),
        ("address", ("address",)),
        ("status", ("status",)),
        ("analysis", ("analysis",)),
        ("trackURIs_v2", ("track", "uri", "v2")),
        ("", ()),
    ],
)
def test_names_are_read_as_singular_words(name: str, words: tuple[str, ...]) -> None:
    assert singular_words(name) == words


def test_an_id_belongs_to_what_its_function_is_about(a_function: Build) -> None:
    made = a_function("create_playlist", outputs=schema(id="The id"))
    (naming,) = namings([made], outputs_of([made]))
    assert naming.is_generic
    assert naming.owner == ("playlist",)
    assert naming.phrase == "playlist id"


def test_an_id_belongs_to_what_holds_it_and_boxes_hold_nothing(a_function: Build) -> None:
    held = schema(items={"type": "array", "items": schema(id="The id")})
    search = a_function("search", outputs=schema(albums=held))
    naming = next(
        naming
        for naming, one in zip(
            namings([search], outputs_of([search])), outputs_of([search]), strict=True
        )
        if one.path == "albums.items[].id"
    )
    assert naming == Naming(("id",), ("album",), ())
    assert nesting("albums.items[].id") == 1
    assert nesting("items[].id") == 0


@pytest.mark.parametrize(
    ("said", "owner"),
    [
        ("The ID of the album to show", ("album",)),
        ("The [Spotify ID](https://example.com/ids) for the artist", ("artist",)),
        ("Identifier (a UUID) of a given order", ("order",)),
        ("The ID of the resource", ("thing",)),
        ("Which one", ("thing",)),
    ],
)
def test_a_description_says_what_a_generic_name_belongs_to(
    a_function: Build, said: str, owner: tuple[str, ...]
) -> None:
    assert naming_of_input(a_function("show_things", parameters=schema(id=said))).owner == owner


def test_a_name_that_says_what_it_is_about_keeps_its_words_alone(a_function: Build) -> None:
    naming = naming_of_input(a_function("pay", parameters=schema(order_number="The ID of a cat")))
    assert not naming.is_generic
    assert naming.phrase == "order number"


def test_a_long_description_is_read_in_no_time(a_function: Build) -> None:
    said = "id (" + "[" * 100_000 + " of the the the " * 10_000
    assert naming_of_input(a_function("show_things", parameters=schema(id=said))).owner


def test_a_function_without_words_has_names_all_the_same(a_function: Build) -> None:
    naming = naming_of_input(a_function("_", parameters=schema(_="")))
    assert naming == Naming((), (), ())
    assert naming.phrase == ""
