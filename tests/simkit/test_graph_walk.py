"""``simkit graph walk``: chains, plans and figures of walks over a graph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from simkit.cli.main import main
from simkit.graph.catalog import demo_catalog
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.lexical import Lexical

WalkCommand = Callable[..., str]


@pytest.fixture(scope="module")
def graph_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "demo.graph"
    FunctionGraph.build(demo_catalog().functions, Lexical()).save(path)
    return path


@pytest.fixture
def walk(capsys: pytest.CaptureFixture[str], graph_file: Path) -> WalkCommand:
    def run(*arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["graph", "walk", str(graph_file), *arguments])
        captured = capsys.readouterr()
        assert (ended.value.code or 0) == code
        return captured.err if code else captured.out

    return run


def test_chains_are_printed_one_a_line_and_the_same_as_json(walk: WalkCommand) -> None:
    lines = walk("--count", "5").splitlines()
    chains = orjson.loads(walk("--count", "5", "--json"))
    assert [f"{one['number']}: {' -> '.join(one['chain'])}" for one in chains] == lines
    assert len(lines) == 5


def test_options_of_walks_come_from_flags_and_from_a_configuration(
    walk: WalkCommand, tmp_path: Path
) -> None:
    short = ("--short-share", "1", "--short-max-length", "2")
    chains = orjson.loads(walk(*short, "--json"))
    assert {len(one["chain"]) for one in chains} == {1, 2}
    config = tmp_path / "run.toml"
    config.write_text("[walk]\nshort_share = 1.0\nshort_max_length = 2\n")
    assert orjson.loads(walk("--config", str(config), "--json")) == chains


def test_a_report_tells_what_walks_are_like(walk: WalkCommand) -> None:
    text = walk("--report", "--count", "600")
    figures = orjson.loads(walk("--report", "--count", "600", "--json"))
    assert figures["walks"] == sum(figures["lengths"].values()) == 600
    assert f"{figures['gini']:.3f}" in text
    assert f"{figures['visited']:,} of {figures['functions']:,}" in text


def test_a_plan_tells_kind_steps_and_what_is_on_offer(walk: WalkCommand, tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text("[chain]\nmissing_function_rate = 1.0\nmissing_parameter_rate = 0.0\n")
    config.write_text(config.read_text() + "irrelevance_rate = 0.0\n")
    (plan,) = orjson.loads(walk("--plan", "--count", "1", "--json", "--config", str(config)))
    head, *steps, withheld, offered = walk(
        "--plan", "--count", "1", "--config", str(config)
    ).splitlines()
    assert plan["kind"] == "missing_function"
    assert head == f"0: missing function, {len(plan['steps'])} steps"
    assert len(steps) == len(plan["steps"])
    assert all(
        step["functions"][0] in line for step, line in zip(plan["steps"], steps, strict=True)
    )
    assert withheld == f"  not on offer: {', '.join(plan['withheld'])}"
    assert offered.endswith(", ".join(sorted(plan["tools"])))


def test_what_cannot_be_walked_is_refused_and_named(walk: WalkCommand) -> None:
    assert "walk.coherence: expected at most 1" in walk("--coherence", "3", code=2)
    assert "exclude each other" in walk("--plan", "--report", code=2)
