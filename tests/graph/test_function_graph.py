"""The function graph: built from functions, kept in a file, described in numbers."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from simkit.graph.edge_rules import PapersRule
from simkit.graph.function_graph import Feed, FunctionGraph, GraphError
from simkit.graph.lexical import Lexical
from simkit.traces.functions import Function

Build = Callable[..., Function]


def an_object(**descriptions: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            name: {"type": "string", "description": text} for name, text in descriptions.items()
        },
    }


@pytest.fixture
def shop(a_function: Build) -> list[Function]:
    """Search leads to buy, buy leads to track; the clock stands alone."""
    return [
        a_function(
            "search",
            domain="shop",
            parameters=an_object(words="Search words of a customer."),
            outputs=an_object(sku="Product identifier.", pages="Pages found."),
        ),
        a_function(
            "buy",
            domain="shop",
            parameters=an_object(count="How many pieces.", product="Identifier of the product."),
            outputs=an_object(parcel="Parcel tracking number."),
        ),
        a_function(
            "track",
            domain="post",
            parameters=an_object(parcel="Tracking number of the parcel."),
            outputs=an_object(place="Where it lies."),
        ),
        a_function(
            "clock",
            domain="",
            parameters=an_object(),
            outputs=None,
            description="Get local time.",
        ),
    ]


@pytest.fixture
def graph(shop: list[Function]) -> FunctionGraph:
    return FunctionGraph.build(shop, Lexical(), rule=PapersRule())


def test_functions_are_linked_where_an_output_says_what_an_input_says(
    graph: FunctionGraph,
) -> None:
    assert [graph.successors(index).tolist() for index in range(4)] == [[1], [2], [], []]
    assert graph.feeds(0, 1) == (Feed("sku", "product", 1.0),)
    assert graph.feeds(1, 0) == ()


def test_igraph_holds_the_same_edges_in_the_same_order(graph: FunctionGraph) -> None:
    assert graph.igraph.vs["name"] == ["search", "buy", "track", "clock"]
    assert [edge.tuple for edge in graph.igraph.es] == [(0, 1), (1, 2)]
    assert graph.igraph.es["score"] == graph.scores.tolist()
    assert graph.igraph.es["feeds"] == ["sku -> product", "parcel -> parcel"]


def test_igraph_knows_what_each_function_is(graph: FunctionGraph) -> None:
    search, clock = graph.igraph.vs[0].attributes(), graph.igraph.vs[3].attributes()
    assert search == {
        "name": "search",
        "original_name": "search",
        "domain": "shop",
        "source": "test",
        "community": graph.community(0),
        "inputs": 1,
        "outputs": 2,
        "outputs_origin": "declared",
    }
    assert (clock["community"], clock["domain"]) == ("", "")


def test_a_threshold_of_ones_own_replaces_the_embedders(shop: list[Function]) -> None:
    loose = FunctionGraph.build(shop, Lexical(), rule=PapersRule(0.0), max_out_edges=2)
    assert loose.igraph.ecount() > 2
    assert max(len(loose.successors(index)) for index in range(4)) <= 2


def test_a_saved_graph_loads_equal_and_saves_to_the_same_bytes(
    graph: FunctionGraph, tmp_path: Path
) -> None:
    path = tmp_path / "new" / "graph.json.gz"
    graph.save(path)
    loaded = FunctionGraph.load(path)
    loaded.save(tmp_path / "again.gz")

    assert loaded.functions == graph.functions
    assert loaded.summary() == graph.summary()
    assert loaded.feeds(0, 1) == graph.feeds(0, 1)
    built = loaded.stored
    assert (built.scorer, built.embedder, built.threshold) == ("similarity", "lexical-1", 0.65)
    assert (built.max_out_edges, built.max_in_edges) == (30, 60)
    assert (tmp_path / "again.gz").read_bytes() == path.read_bytes()
    assert sorted(one.name for one in path.parent.iterdir()) == ["graph.json.gz"]


def rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    document = orjson.loads(gzip.decompress(path.read_bytes()))
    change(document)
    path.write_bytes(gzip.compress(orjson.dumps(document)))
    return path


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda document: document.update(version=1), "version 1; this simkit reads version 2"),
        (lambda document: document.update(format="other"), "is no graph file"),
        (lambda document: document.pop("graph"), "is damaged"),
        (lambda document: document["graph"]["source"].pop(), "edge lists differ in length"),
        (lambda document: document["graph"].update(target=[1, 9]), "leads to no function"),
        (lambda document: document["graph"].update(target=[1, -1]), "leads to no function"),
        (lambda document: document["graph"].update(target=[1, 1.5]), "target: .*whole numbers"),
        (lambda document: document["graph"].update(target=[1, "2"]), "target: .*whole numbers"),
        (lambda document: document["graph"].update(target=[1, (1 << 64) - 1]), "is damaged"),
        (lambda document: document["graph"].update(target=[[1], [2]]), "target: .*whole numbers"),
        (lambda document: document["graph"].update(source=[0, 0], target=[1, 1]), "same functions"),
        (lambda document: document["graph"].update(feed_starts=[0, 2, 2]), "edge has no feed"),
        (lambda document: document["graph"].update(feed_starts=[0, 2]), "do not belong"),
        (lambda document: document["graph"]["feed_input"].pop(), "feed lists differ"),
        (lambda document: document["graph"].update(feed_output=[0, 7]), "feed has no parameter"),
        (lambda document: document["graph"].update(feed_score=[1, 0]), "feed's score is not in"),
        (lambda document: document["graph"].update(communities=[0, 0, 0, 5]), "has no name"),
        (lambda document: document["graph"].update(communities=[0]), "one community for each"),
        (lambda document: document["graph"].pop("scorer"), "damaged at scorer"),
        (lambda document: document["graph"].update(target=[1, 1]), "back to its own function"),
        (lambda document: document["graph"].update(score=[0.9, 2]), r"not in \(0, 1\]"),
        (lambda document: document["graph"].update(functions=[]), "no functions"),
        (lambda document: document["graph"]["functions"][0].update(x=1), r"functions\.0\.x"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(
    graph: FunctionGraph,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], object],
    complaint: str,
) -> None:
    path = tmp_path / "graph.gz"
    graph.save(path)
    rewritten(path, change)
    with pytest.raises(GraphError, match=complaint) as refusal:
        FunctionGraph.load(path)
    assert str(path) in str(refusal.value)
    assert "simkit graph build" in str(refusal.value)


@pytest.mark.parametrize("keep", [0, 1, 50, -1])
def test_a_file_that_was_cut_short_is_refused(
    graph: FunctionGraph, tmp_path: Path, keep: int
) -> None:
    path = tmp_path / "graph.gz"
    graph.save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(GraphError, match="damaged"):
        FunctionGraph.load(path)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"There is no graph at .*simkit graph build CATALOG"):
        FunctionGraph.load(tmp_path / "none.gz")


def test_a_graph_that_cannot_be_written_leaves_nothing_behind(
    graph: FunctionGraph, tmp_path: Path
) -> None:
    (tmp_path / "graph.gz").mkdir()
    with pytest.raises(GraphError, match="cannot be written"):
        graph.save(tmp_path / "graph.gz")
    assert [one.name for one in tmp_path.iterdir()] == ["graph.gz"]


def test_no_functions_or_two_of_one_name_are_refused(a_function: Build) -> None:
    with pytest.raises(GraphError, match="at least one function"):
        FunctionGraph.build([], Lexical())
    with pytest.raises(GraphError, match="2 functions are called 'twice'"):
        FunctionGraph.build([a_function("twice"), a_function("twice")], Lexical())


def test_a_function_without_a_domain_takes_the_name_of_its_community(shop: list[Function]) -> None:
    graph = FunctionGraph.build(
        [replace(function, domain="") for function in shop], Lexical(), rule=PapersRule()
    )
    assert graph.community(0) == graph.community(1) == graph.community(2) == graph.domain(2) != ""
    assert (graph.community(3), graph.domain(3)) == ("", "")
    assert graph.functions[2].domain == ""


def test_the_same_functions_give_the_same_communities_and_leave_random_alone(
    shop: list[Function],
) -> None:
    random.seed(5)
    first = FunctionGraph.build(shop, Lexical(), rule=PapersRule())
    drawn = random.random()
    random.seed(5)
    assert random.random() == drawn
    again = FunctionGraph.build(shop, Lexical(), rule=PapersRule())
    assert again.stored.communities.tolist() == first.stored.communities.tolist()


def test_a_graph_of_another_scorer_or_embedder_is_not_extended(
    graph: FunctionGraph, tmp_path: Path
) -> None:
    path = tmp_path / "graph.gz"
    graph.save(path)
    FunctionGraph.load(path, scorer="similarity", embedder="lexical-1")
    with pytest.raises(GraphError, match="embedder 'lexical-1', not 'minilm'"):
        FunctionGraph.load(path, embedder="minilm")
    with pytest.raises(GraphError, match="scorer 'similarity', not 'learned'"):
        FunctionGraph.load(path, scorer="learned")
