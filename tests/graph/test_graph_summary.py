"""A graph in numbers, and one function with its neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.graph.catalog import demo_catalog
from simkit.graph.edge_rules import PapersRule
from simkit.graph.function_graph import Feed, FunctionGraph
from simkit.graph.graph_summary import EdgeView, view_function
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
def graph(a_function: Build) -> FunctionGraph:
    """Search leads to buy, buy leads to track; the clock stands alone."""
    return FunctionGraph.build(
        [
            a_function(
                "search",
                domain="shop",
                parameters=an_object(words="Search words of a customer."),
                outputs=an_object(sku="Product identifier.", pages="Pages found."),
            ),
            a_function(
                "buy",
                domain="shop",
                parameters=an_object(count="How many pieces.", product="Identifier of product."),
                outputs=an_object(parcel="Parcel tracking number."),
            ),
            a_function(
                "track",
                domain="post",
                original_name="post.track",
                parameters=an_object(parcel="Tracking number of the parcel."),
                outputs=an_object(place="Where it lies."),
            ),
            a_function(
                "clock",
                domain="",
                parameters=an_object(),
                outputs=None,
                outputs_origin="absent",
                description="Get local time.",
            ),
        ],
        Lexical(),
        rule=PapersRule(),
    )


def test_the_summary_counts_what_is_there(graph: FunctionGraph) -> None:
    summary = graph.summary()
    assert (summary.functions, summary.edges, summary.mean_out_degree) == (4, 2, 0.5)
    assert (summary.isolated, summary.components) == (1, (3, 1))
    assert summary.hubs == (("buy", 1), ("track", 1))
    assert dict(summary.domains) == {"shop": 2, "": 1, "post": 1}
    assert summary.cross_domain_share == 0.5
    assert list(summary.communities.values()) == [3]
    assert (summary.in_degrees[0], summary.in_degrees[-1]) == (0, 1)
    assert summary.hubs_out == (("buy", 1), ("search", 1))


def test_coverage_is_of_inputs_functions_and_declared_outputs(graph: FunctionGraph) -> None:
    coverage = graph.summary().coverage
    assert (coverage.inputs, coverage.inputs_fed) == (4, 0.5)
    assert (coverage.functions_fed, coverage.functions_feeding) == (0.5, 0.5)
    assert (coverage.outputs_declared, coverage.outputs_inferred) == (0.75, 0.0)
    assert coverage.edges_from_declared == 1.0


def test_one_function_is_shown_with_its_edges_both_ways(graph: FunctionGraph) -> None:
    view = view_function(graph, "buy")
    assert view is not None
    assert (view.inputs, view.outputs) == (("count", "product"), ("parcel",))
    into, out = Feed("sku", "product", 1.0), Feed("parcel", "parcel", 1.0)
    assert view.fed_by == (EdgeView(source="search", target="buy", score=1.0, feeds=(into,)),)
    assert view.feeds == (EdgeView(source="buy", target="track", score=1.0, feeds=(out,)),)


def test_a_function_is_found_by_its_name_in_the_catalog_too(graph: FunctionGraph) -> None:
    view = view_function(graph, "post.track")
    assert view is not None
    assert view.name == "track"
    assert view_function(graph, "none") is None
    assert view_function(graph, "") is None


def test_example_edges_are_of_different_functions_from_both_ends() -> None:
    summary = FunctionGraph.build(demo_catalog().functions, Lexical()).summary()
    for examples in (summary.strongest, summary.weakest):
        ends = [end for edge in examples for end in (edge.source, edge.target)]
        assert len(ends) == len(set(ends)) == 10
        assert all(edge.feeds for edge in examples)
    assert summary.strongest[-1].score > summary.weakest[-1].score


def test_a_graph_without_edges_has_a_summary(a_function: Build) -> None:
    summary = FunctionGraph.build([a_function("a"), a_function("b")], Lexical()).summary()
    assert (summary.edges, summary.cross_domain_share, summary.isolated) == (0, 0.0, 2)
    assert (summary.strongest, dict(summary.communities)) == ((), {})
