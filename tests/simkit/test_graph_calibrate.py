"""``simkit graph calibrate``: from a graph and labels to a file of weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import orjson
import pytest

from simkit.cli.main import main
from simkit.graph.affinity import DEFAULT
from simkit.graph.affinity_file import load_affinity
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.lexical import Lexical
from simkit.traces.functions import Function
from tests.graph.linked_pairs import schema

Build = Callable[..., Function]
THINGS = ["album", "order", "user", "city", "flight", "hotel"]


@pytest.fixture
def graph(tmp_path: Path, a_function: Build, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Who makes a thing gives the id that who shows it takes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    functions = []
    for thing in THINGS:
        id_ = {"id": f"Id of the {thing}"}
        functions += [
            a_function(f"make_{thing}", parameters=schema(), outputs=schema(**id_)),
            a_function(f"show_{thing}", parameters=schema("id", **id_), outputs=schema(ok="Ok")),
        ]
    path = tmp_path / "graph.simkit"
    FunctionGraph.build(functions, Lexical()).save(path)
    return path


def labels(folder: Path, things: Sequence[str]) -> Path:
    path = folder / "labels.jsonl"
    path.write_bytes(
        b"".join(
            orjson.dumps(
                {"function": f"show_{one}", "parameter": "id", "producers": [f"make_{one}"]},
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for one in things
        )
    )
    return path


def run(*arguments: object) -> object:
    """The exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["graph", "calibrate", *map(str, arguments)])
    return ended.value.code


def test_what_is_fitted_is_shown_and_written(
    tmp_path: Path, graph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "affinity.toml"
    file = labels(tmp_path, [*THINGS, "unicorn"])
    assert run(graph, file, "-o", out) == 0
    assert load_affinity(out) != DEFAULT
    shown = capsys.readouterr()
    assert "mean reciprocal rank" in shown.out
    assert "6 labelled inputs" in shown.out
    assert f"{out}: written" in shown.out
    assert "line 7: the graph has no function 'show_unicorn'" in shown.err


def test_the_threshold_alone_leaves_the_weights(tmp_path: Path, graph: Path) -> None:
    out = tmp_path / "affinity.toml"
    assert run(graph, labels(tmp_path, THINGS), "--threshold-only", "-o", out) == 0
    fitted = load_affinity(out)
    assert asdict(fitted.weights) == pytest.approx(asdict(DEFAULT.weights), rel=1e-3)
    assert fitted.middle != DEFAULT.middle


def test_what_cannot_be_used_is_one_line(
    tmp_path: Path, graph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(graph, labels(tmp_path, THINGS[:1])) == 2
    assert run(graph, labels(tmp_path, [])) == 2
    assert run(graph, labels(tmp_path, THINGS), "-o", graph) == 2
    lines = capsys.readouterr().err.splitlines()
    assert "about inputs of one function" in lines[0]
    assert "no label that can be used" in lines[1]
    assert "choose another name" in lines[-1]


def test_bad_lines_are_named_also_when_too_few_are_left(
    tmp_path: Path, graph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(graph, labels(tmp_path, ["unicorn", *THINGS[:1]])) == 2
    told, failed = capsys.readouterr().err.splitlines()
    assert "line 1: the graph has no function 'show_unicorn'" in told
    assert "about inputs of one function" in failed
