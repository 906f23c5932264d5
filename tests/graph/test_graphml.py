"""GraphML that other programs can read, whatever catalogs wrote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from simkit.graph.catalog import demo_catalog
from simkit.graph.function_graph import FunctionGraph, GraphError
from simkit.graph.graphml import write_graphml
from simkit.graph.lexical import Lexical

_SPACE = "{http://graphml.graphdrawing.org/xmlns}"


@pytest.fixture(scope="module")
def graph() -> FunctionGraph:
    first, *others = demo_catalog().functions
    hostile = replace(first, original_name='a\x00b\x1b[31m<&"]]>\ufffe', source="</data>")
    return FunctionGraph.build([hostile, *others], Lexical())


def test_it_is_xml_with_every_function_edge_and_attribute(
    graph: FunctionGraph, tmp_path: Path
) -> None:
    write_graphml(graph, tmp_path / "new" / "graph.graphml")
    root = ElementTree.parse(tmp_path / "new" / "graph.graphml").getroot()
    names = {key.get("id"): key.get("attr.name") for key in root.iter(f"{_SPACE}key")}
    assert set(names.values()) == {
        *graph.igraph.vs.attributes(),
        *graph.igraph.es.attributes(),
    }
    nodes = list(root.iter(f"{_SPACE}node"))
    assert len(nodes) == len(graph.functions)
    assert len(list(root.iter(f"{_SPACE}edge"))) == len(graph.targets)
    first = {names[data.get("key")]: data.text for data in nodes[0]}
    assert first["original_name"] == 'a\ufffdb\ufffd[31m<&"]]>\ufffd'
    assert first["source"] == "</data>"


def test_igraph_reads_it_back_as_the_same_graph(graph: FunctionGraph, tmp_path: Path) -> None:
    path = tmp_path / "graph.graphml"
    write_graphml(graph, path)
    again = type(graph.igraph).Read_GraphML(str(path))
    assert again.is_directed()
    assert again.get_edgelist() == graph.igraph.get_edgelist()
    assert again.es["score"] == pytest.approx(graph.igraph.es["score"])
    assert again.es["feeds"] == graph.igraph.es["feeds"]


def test_a_file_that_cannot_be_written_is_named(graph: FunctionGraph, tmp_path: Path) -> None:
    (tmp_path / "graph.graphml").mkdir()
    with pytest.raises(GraphError, match=r"cannot be written to .*graph\.graphml"):
        write_graphml(graph, tmp_path / "graph.graphml")
