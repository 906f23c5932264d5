"""Graphs remember what scored their edges, weights included, and refuse anything else."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from simkit.graph.affinity import DEFAULT, Affinity
from simkit.graph.affinity_file import affinity_toml, load_affinity
from simkit.graph.edge_rules import AffinityRule, EdgeRule, PapersRule
from simkit.graph.function_graph import FunctionGraph, GraphError
from simkit.graph.lexical import Lexical
from simkit.graph.same_rule import weights_of
from simkit.traces.functions import Function
from tests.graph.linked_pairs import schema

Build = Callable[..., Function]
FITTED = replace(DEFAULT, middle=9.0)


@pytest.fixture
def functions(a_function: Build) -> list[Function]:
    order = {"order_id": "Id of the order"}
    return [
        a_function("make_order", parameters=schema(), outputs=schema(**order)),
        a_function("show_order", parameters=schema("order_id", **order), outputs=schema(ok="Ok")),
    ]


def test_the_name_of_a_rule_tells_its_weights(tmp_path: Path) -> None:
    assert AffinityRule().name == AffinityRule(min_score=0.2).name == "affinity"
    assert re.fullmatch("affinity:[0-9a-f]{8}", AffinityRule(FITTED).name)
    assert AffinityRule(FITTED).name != AffinityRule(replace(FITTED, spread=1.0)).name
    path = tmp_path / "weights.toml"
    path.write_text(affinity_toml(FITTED))
    assert AffinityRule(load_affinity(path)).name == AffinityRule(FITTED).name


@pytest.mark.parametrize(
    ("built", "given", "message"),
    [
        (FITTED, DEFAULT, "simkit's own weights: .* of its weights with --affinity FILE "),
        (DEFAULT, FITTED, "built with simkit's own weights, not the .* Leave --affinity out, or"),
        (FITTED, replace(FITTED, spread=1.0), "the weights 'affinity:.*', not the weights 'aff"),
    ],
)
def test_what_is_added_must_be_scored_by_the_same_weights(
    functions: list[Function], built: Affinity, given: Affinity, message: str
) -> None:
    graph = FunctionGraph.build(functions[:1], Lexical(), rule=AffinityRule(built))
    with pytest.raises(GraphError, match=message):
        graph.extended(functions[1:], Lexical(), rule=AffinityRule(given))
    with pytest.raises(GraphError, match=message):
        weights_of(graph.stored, None if given is DEFAULT else given)
    extended = graph.extended(functions[1:], Lexical(), rule=AffinityRule(built))
    assert extended.stored.scorer == AffinityRule(built).name


@pytest.mark.parametrize(
    ("rule", "given", "weights"),
    [
        (AffinityRule(), None, DEFAULT),
        (AffinityRule(FITTED), FITTED, FITTED),
        (PapersRule(), None, None),
    ],
)
def test_the_weights_of_a_graph_are_those_that_built_it(
    functions: list[Function], rule: EdgeRule, given: Affinity | None, weights: Affinity | None
) -> None:
    stored = FunctionGraph.build(functions, Lexical(), rule=rule).stored
    assert weights_of(stored, given) == weights


def test_the_papers_rule_takes_no_weights(functions: list[Function]) -> None:
    stored = FunctionGraph.build(functions, Lexical(), rule=PapersRule()).stored
    with pytest.raises(GraphError, match="'similarity', which takes no weights"):
        weights_of(stored, DEFAULT)
