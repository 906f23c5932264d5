"""Edges below a graph's threshold: found by its own rule, told apart, and kept when it grows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simkit.graph.below_threshold import none_below, strongest_below
from simkit.graph.catalog import read_catalogs
from simkit.graph.edge_rules import AffinityRule, EdgeRule, PapersRule
from simkit.graph.edges import INFERRED_ALLOWANCE
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.lexical import Lexical
from simkit.graph.linked import Linked
from simkit.graph.same_rule import weights_of
from simkit.traces.functions import Function


@pytest.fixture(scope="module")
def functions() -> tuple[Function, ...]:
    return read_catalogs((), demo=True).functions


def built(functions: tuple[Function, ...], rule: EdgeRule, **caps: int) -> FunctionGraph:
    return FunctionGraph.build(functions, Lexical(), rule=rule, **caps)


def below(graph: FunctionGraph, most: int) -> Linked:
    return strongest_below(graph.stored, Lexical(), weights_of(graph.stored, None), most=most)


def pairs(edges: Linked | FunctionGraph) -> set[tuple[int, int]]:
    ends = (
        (edges.source, edges.target)
        if isinstance(edges, Linked)
        else (edges.sources, edges.targets)
    )
    return set(zip(ends[0].tolist(), ends[1].tolist(), strict=True))


@pytest.mark.parametrize(
    ("rule", "lower"),
    [(AffinityRule(), AffinityRule(min_score=0.45)), (PapersRule(), PapersRule(0.6))],
)
def test_candidates_are_the_edges_that_a_lower_threshold_adds(
    functions: tuple[Function, ...], rule: EdgeRule, lower: EdgeRule
) -> None:
    graph, wider = built(functions, rule), built(functions, lower)
    added = pairs(wider) - pairs(graph)
    found = below(graph, len(added))
    assert len(found) == len(added) > 10
    assert pairs(found) == added
    assert (found.score <= graph.stored.threshold).all()


def test_the_strongest_candidates_come_and_of_a_capped_graph_those_with_room(
    functions: tuple[Function, ...],
) -> None:
    graph = built(functions, AffinityRule(), max_out_edges=2, max_in_edges=3)
    every, few = below(graph, 10_000), below(graph, 10)
    assert sorted(few.score, reverse=True) == sorted(every.score, reverse=True)[:10]
    assert pairs(every).isdisjoint(pairs(graph))
    joined = graph.with_edges(np.full(len(graph.targets), True), every.feeds)
    assert pairs(joined) == pairs(graph) | pairs(every)
    assert np.bincount(joined.sources).max() == 2
    assert np.bincount(joined.targets).max() == 3


def test_what_a_cap_dropped_or_a_model_refused_is_no_candidate(
    functions: tuple[Function, ...],
) -> None:
    whole = built(functions, AffinityRule())
    refused = whole.with_edges(np.full(len(whole.targets), False), none_below().feeds)
    assert pairs(below(refused, 10_000)).isdisjoint(pairs(whole))


def test_edges_below_the_threshold_are_told_apart_also_after_saving(
    functions: tuple[Function, ...], tmp_path: Path
) -> None:
    graph = built(functions, AffinityRule())
    found = below(graph, 20)
    joined = graph.with_edges(np.full(len(graph.targets), True), found.feeds)
    joined.save(tmp_path / "graph")
    loaded = FunctionGraph.load(tmp_path / "graph")
    low = np.flatnonzero(loaded.below_threshold)
    assert {(loaded.sources[edge], loaded.targets[edge]) for edge in low} == pairs(found)
    assert sum(loaded.igraph.es["below_threshold"]) == loaded.summary().below_threshold == 20
    assert graph.summary().below_threshold == 0


def test_an_inferred_output_that_the_papers_rule_lets_pass_is_not_below(
    functions: tuple[Function, ...],
) -> None:
    graph = built(
        tuple(Function(**{**_fields(one), "outputs_origin": "inferred"}) for one in functions),
        PapersRule(0.8),
    )
    assert (graph.scores < 0.8).any()
    assert (graph.scores > 0.8 - INFERRED_ALLOWANCE).all()
    assert not graph.below_threshold.any()


def test_a_graph_that_grows_keeps_its_edges_below_the_threshold(
    functions: tuple[Function, ...],
) -> None:
    graph = built(functions[:-10], AffinityRule())
    found = below(graph, 20)
    joined = graph.with_edges(np.full(len(graph.targets), True), found.feeds)
    extended = joined.extended(functions[-10:], Lexical())
    assert pairs(extended) >= pairs(graph) | pairs(found)
    assert extended.summary().below_threshold == 20


def test_communities_follow_the_edges(functions: tuple[Function, ...]) -> None:
    graph = built(functions, AffinityRule())
    same = graph.with_edges(np.full(len(graph.targets), True), none_below().feeds)
    assert same.stored.communities.tolist() == graph.stored.communities.tolist()
    assert same.stored.community_names == graph.stored.community_names
    bare = graph.with_edges(np.full(len(graph.targets), False), none_below().feeds)
    assert (bare.stored.community_names, bare.community(0)) == ((), "")


def _fields(function: Function) -> dict[str, object]:
    return {name: getattr(function, name) for name in function.__slots__ if name[0] != "_"}
