"""``simkit graph show``: a graph as text, as JSON, and as files for other programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import orjson
import pytest

from simkit.cli.main import main
from simkit.graph.edge_rules import PapersRule
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.lexical import Lexical
from simkit.traces.functions import Function


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    out: str
    err: str


Show = Callable[..., Outcome]


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Show:
    def run(*arguments: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            main(["graph", "show", *map(str, arguments)])
        captured = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def graph_file(a_function: Callable[..., Function], tmp_path: Path) -> Path:
    """One function that feeds another; both are described in terminal codes and markup."""

    def described(name: str) -> dict[str, object]:
        text = {"type": "string", "description": "Number of the parcel."}
        return {"type": "object", "properties": {name: text}}

    hostile = "\x1b[2J[bold]Sends\u202e a parcel."
    send = a_function(
        "send_parcel",
        description=hostile,
        domain=hostile,
        parameters={"type": "object", "properties": {}},
        outputs=described("parcel\x1b[1m"),
    )
    track = a_function(
        "track_parcel", description=hostile, parameters=described("parcel"), outputs=None
    )
    path = tmp_path / "parcels.graph"
    FunctionGraph.build([send, track], Lexical(), rule=PapersRule()).save(path)
    return path


def test_the_summary_names_edges_with_their_feeds(show: Show, graph_file: Path) -> None:
    shown = show(graph_file)
    assert shown.code == 0
    for words in ("strongest edges", "send_parcel -> track_parcel", "functions by community"):
        assert words in shown.out
    assert not {"\x1b", "\u202e"}.intersection(shown.out)


def test_json_has_the_same_figures(show: Show, graph_file: Path) -> None:
    summary = orjson.loads(show(graph_file, "--json").out)
    assert (summary["functions"], summary["edges"], summary["scorer"]) == (2, 1, "similarity")
    assert summary["coverage"]["inputs_fed"] == 1.0
    assert summary["strongest"][0]["feeds"][0]["input"] == "parcel"


def test_one_function_is_shown_with_its_edges(show: Show, graph_file: Path) -> None:
    shown = show(graph_file, "--function", "track_parcel")
    assert "fed by (1)" in shown.out
    assert "send_parcel -> track_parcel" in shown.out
    assert not {"\x1b", "\u202e"}.intersection(shown.out)
    as_json = orjson.loads(show(graph_file, "--function", "track_parcel", "--json").out)
    assert as_json["fed_by"][0]["source"] == "send_parcel"


def test_a_function_that_is_not_there_is_named_with_those_close_to_it(
    show: Show, graph_file: Path
) -> None:
    refused = show(graph_file, "--function", "track_parcels")
    assert refused.code == 2
    assert "no function 'track_parcels'; close to it are track_parcel" in refused.err


def test_graphml_and_a_page_are_written_beside_what_is_printed(
    show: Show, graph_file: Path, tmp_path: Path
) -> None:
    graphml, page = tmp_path / "out" / "g.graphml", tmp_path / "out" / "g.html"
    shown = show(graph_file, "--json", "--graphml", graphml, "--html", page)
    assert orjson.loads(shown.out)["functions"] == 2
    assert ElementTree.parse(graphml).getroot().tag.endswith("graphml")
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("option", ["--graphml", "--html"])
def test_the_graph_itself_is_never_written_over(show: Show, graph_file: Path, option: str) -> None:
    before = graph_file.read_bytes()
    refused = show(graph_file, option, graph_file)
    assert refused.code == 2
    assert option in refused.err
    assert graph_file.read_bytes() == before
