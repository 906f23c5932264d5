"""``simkit graph validate``: over real HTTP, with the stand-in provider as the model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simkit.graph.catalog import read_catalogs
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.lexical import Lexical
from simkit.graph.validation.cut import Cut
from simkit.graph_models.validating import validate
from simkit.graph_models.validation import propose


def test_edges_that_the_model_does_not_accept_are_dropped_and_counted(
    provider_process: str, command: Any, graph: FunctionGraph, tmp_path: Path
) -> None:
    given, out, scores = tmp_path / "graph", tmp_path / "graph2", tmp_path / "scores.jsonl"
    graph.save(given)
    arguments = ("--base-url", provider_process, "--model", "standin", "--scores", scores)
    code, said, _ = command("graph", "validate", given, "-o", out, *arguments)
    assert code == 0
    assert "1 of 3 edges kept, 2 dropped" in said
    validated = FunctionGraph.load(out)
    assert [len(validated.successors(index)) for index in range(3)] == [1, 0, 0]
    assert validated.feeds(0, 1) == graph.feeds(0, 1)
    rows = [json.loads(line) for line in scores.read_text().splitlines()]
    assert [(row["source"], row["target"]) for row in rows] == [
        ("find_order", "pay_order"),
        ("find_order", "get_forecast"),
        ("pay_order", "get_forecast"),
    ]
    assert rows[0]["scores"] == {"carries_over": 9, "plausible_path": 9}


def test_another_cut_asks_nothing_again(
    provider_process: str, command: Any, graph: FunctionGraph, tmp_path: Path
) -> None:
    given, out = tmp_path / "graph", tmp_path / "graph2"
    graph.save(given)
    arguments = ("--base-url", provider_process, "--model", "standin", "--json")
    command("graph", "validate", given, "-o", out, *arguments)
    loose = ("--carries-over", "0", "--plausible-path", "0")
    code, said, _ = command("graph", "validate", given, "-o", out, *arguments, *loose)
    told = json.loads(said)
    assert (code, told["kept"], told["calls"]) == (0, 3, 0)


async def test_edges_without_a_reply_stay_and_are_counted(
    standin: Any, configured: Any, graph: FunctionGraph, tmp_path: Path
) -> None:
    async with standin() as base_url:
        poor = configured("judge", base_url, budget__tokens=10)
        proposal = propose(graph, share=0.0)
        scored = await validate(proposal.questions(), poor, tmp_path / "replies.db")
    assert scored.scores == (None, None, None)
    assert scored.tally.unaffordable == 3
    assert len(proposal.decided(scored.scores, Cut()).graph.targets) == 3


def test_a_provider_that_is_not_there_is_one_line_of_error(
    command: Any, graph: FunctionGraph, tmp_path: Path
) -> None:
    given, out = tmp_path / "graph", tmp_path / "graph2"
    graph.save(given)
    arguments = ("--base-url", "http://127.0.0.1:9/v1", "--model", "standin")
    code, _, said = command("graph", "validate", given, "-o", out, *arguments)
    assert (code, said.count("simkit: error:"), out.exists()) == (1, 1, False)


@pytest.fixture
def built(tmp_path: Path) -> FunctionGraph:
    """The graph of the demo's catalog."""
    functions = read_catalogs((), demo=True).functions
    return FunctionGraph.build(functions, Lexical())


def test_the_best_candidates_below_the_threshold_join_up_to_their_share(
    provider_process: str, command: Any, built: FunctionGraph, tmp_path: Path
) -> None:
    given, out, scores = tmp_path / "graph", tmp_path / "graph2", tmp_path / "scores.jsonl"
    built.save(given)
    arguments = ("--base-url", provider_process, "--model", "standin", "--below-share", "0.1")
    code, said, _ = command(
        "graph", "validate", given, "-o", out, *arguments, "--json", "--scores", scores
    )
    told, validated = json.loads(said), FunctionGraph.load(out)
    assert code == 0
    assert told["edges"] == len(built.targets)
    assert 0 < told["joined"] < told["candidates"] <= 3 * int(len(built.targets) / 9)
    assert int(validated.below_threshold.sum()) == told["joined"]
    assert told["joined"] <= 0.1 * len(validated.targets) == 0.1 * (told["kept"] + told["joined"])
    rows = [json.loads(line) for line in scores.read_text().splitlines()]
    assert sum(row["below_threshold"] for row in rows) == told["candidates"]
    _, shown, _ = command("graph", "show", out, "--json")
    assert json.loads(shown)["below_threshold"] == told["joined"]


def test_edges_that_joined_before_count_towards_the_share(
    provider_process: str, command: Any, built: FunctionGraph, tmp_path: Path
) -> None:
    first, second = tmp_path / "graph", tmp_path / "graph2"
    built.save(first)
    arguments = ("--base-url", provider_process, "--model", "standin", "--below-share", "0.1")
    for given, out in ((first, second), (second, tmp_path / "graph3")):
        assert command("graph", "validate", given, "-o", out, *arguments)[0] == 0
    again = FunctionGraph.load(tmp_path / "graph3")
    assert 0 < again.below_threshold.sum() <= 0.1 * len(again.targets)


def test_another_share_asks_nothing_again_about_the_edges_of_the_graph(
    provider_process: str, command: Any, built: FunctionGraph, tmp_path: Path
) -> None:
    given, out = tmp_path / "graph", tmp_path / "graph2"
    built.save(given)
    arguments = ("--base-url", provider_process, "--model", "standin", "--json")
    command("graph", "validate", given, "-o", out, *arguments)
    code, said, _ = command("graph", "validate", given, "-o", out, *arguments, "--below-share", "0")
    told = json.loads(said)
    assert (code, told["candidates"], told["joined"], told["calls"]) == (0, 0, 0, 0)


def test_without_the_embedder_no_candidates_are_asked_about_and_that_is_said(
    provider_process: str, command: Any, built: FunctionGraph, tmp_path: Path
) -> None:
    given, out = tmp_path / "graph", tmp_path / "graph2"
    FunctionGraph(replace(built.stored, embedder="text-embedding-9")).save(given)
    arguments = ("--base-url", provider_process, "--model", "standin")
    code, said, complaint = command("graph", "validate", given, "-o", out, *arguments)
    assert (code, "candidates" in said) == (0, False)
    assert "no edge below the threshold is asked about" in complaint
    assert "'text-embedding-9'" in complaint
