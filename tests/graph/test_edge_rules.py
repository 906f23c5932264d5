"""The default rule for edges: what people would join, and nothing that joins the world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from simkit.graph.edge_rules import AffinityRule, PapersRule
from simkit.graph.function_graph import FunctionGraph, GraphError
from simkit.graph.lexical import Lexical
from simkit.traces.functions import Function

Build = Callable[..., Function]


def an_object(required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description} | more


@pytest.fixture
def library(a_function: Build) -> list[Function]:
    albums = {"type": "array", "items": an_object(id=text("The id."), title=text("The title."))}
    return [
        a_function(
            "search_albums",
            domain="music",
            description="Search for albums by words.",
            parameters=an_object(["words"], words=text("What to look for.")),
            outputs=an_object(albums=albums),
        ),
        a_function(
            "get_album",
            domain="music",
            description="Get an album.",
            parameters=an_object(["id"], id=text("The id of the album.")),
            outputs=an_object(
                id=text("The id of the album."), label_id=text("The id of its label.")
            ),
        ),
        a_function(
            "get_label",
            domain="music",
            description="Get a record label.",
            parameters=an_object(
                ["label_id"],
                label_id=text("The id of the label."),
                page_size={"type": "integer", "description": "How many a page."},
                verbose={"type": "boolean", "description": "Say more."},
                genre=text("Genre.", enum=["jazz", "rock"]),
            ),
            outputs=an_object(
                name=text("Name."), page_size={"type": "integer"}, genre=text("Genre.")
            ),
        ),
    ]


def edges(graph: FunctionGraph) -> dict[tuple[str, str], list[tuple[str, str]]]:
    names = [function.name for function in graph.functions]
    return {
        (names[source], names[target]): [
            (feed.output, feed.input) for feed in graph.feeds(source, target)
        ]
        for source, target in zip(graph.sources.tolist(), graph.targets.tolist(), strict=True)
    }


def test_a_search_feeds_what_takes_the_id_of_one_of_its_results(library: list[Function]) -> None:
    found = edges(FunctionGraph.build(library, Lexical()))
    assert found["search_albums", "get_album"] == [("albums[].id", "id")]
    assert found["get_album", "get_label"] == [("label_id", "label_id")]


def test_settings_flags_and_choices_are_fed_by_nothing(
    library: list[Function], a_function: Build
) -> None:
    other = a_function(
        "list_labels",
        domain="music",
        parameters=an_object(page_size={"type": "integer", "description": "How many a page."}),
        outputs=an_object(
            verbose={"type": "boolean"}, genre=text("Genre."), page_size=text("Size.")
        ),
    )
    graph = FunctionGraph.build([*library, other], Lexical(), rule=AffinityRule(min_score=0.0))
    taken = {taken for feeds in edges(graph).values() for _, taken in feeds}
    assert taken.isdisjoint({"page_size", "verbose", "genre"})


def test_a_choice_is_fed_by_an_output_with_some_of_its_values(
    library: list[Function], a_function: Build
) -> None:
    teller = a_function(
        "get_genre", domain="music", outputs=an_object(genre=text("Genre.", enum=["jazz", "pop"]))
    )
    graph = FunctionGraph.build([*library, teller], Lexical(), rule=AffinityRule(min_score=0.0))
    assert ("genre", "genre") in edges(graph)["get_genre", "get_label"]


def test_a_threshold_outside_its_range_is_refused(library: list[Function]) -> None:
    with pytest.raises(ValueError, match=r"min_score must be in \[0, 1\), not 1.0"):
        FunctionGraph.build(library, Lexical(), rule=AffinityRule(min_score=1.0))


@pytest.mark.parametrize("rule", [AffinityRule(min_score=0.2), PapersRule(0.3)])
@pytest.mark.parametrize("split", [1, 2])
def test_a_graph_that_is_added_to_has_the_edges_of_one_built_at_once(
    library: list[Function], rule: AffinityRule | PapersRule, split: int
) -> None:
    at_once = FunctionGraph.build(library, Lexical(), rule=rule)
    begun = FunctionGraph.build(library[:split], Lexical(), rule=rule)
    grown = begun.extended(library[split:], Lexical(), rule=rule)
    assert grown.functions == at_once.functions
    assert edges(grown) == edges(at_once)


def test_a_graph_is_not_added_to_by_another_rule_or_under_a_taken_name(
    library: list[Function],
) -> None:
    graph = FunctionGraph.build(library[:2], Lexical())
    with pytest.raises(GraphError, match="was built with the rule 'affinity', not 'similarity'"):
        graph.extended(library[2:], Lexical(), rule=PapersRule())
    with pytest.raises(GraphError, match="was built with the threshold"):
        graph.extended(library[2:], Lexical(), rule=AffinityRule(min_score=0.9))
    with pytest.raises(GraphError, match="2 functions are called 'get_album'"):
        graph.extended([library[1]], Lexical())
