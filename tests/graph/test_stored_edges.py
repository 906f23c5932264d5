"""From a graph file's names of parameters to their places in a catalog, and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simkit.graph.catalog import demo_catalog
from simkit.graph.function_graph import FunctionGraph, GraphError
from simkit.graph.lexical import Lexical
from simkit.graph.linked import linked
from simkit.graph.parameters import inputs_of, outputs_of
from simkit.graph.stored_edges import edge_columns, places_of, stored_feeds


@pytest.fixture(scope="module")
def graph() -> FunctionGraph:
    return FunctionGraph.build(demo_catalog().functions[:60], Lexical())


def test_what_a_file_says_leads_back_to_the_same_parameters(graph: FunctionGraph) -> None:
    outputs, inputs = outputs_of(graph.functions), inputs_of(graph.functions)
    places = places_of(outputs), places_of(inputs)
    feeds = stored_feeds(graph.stored, *places)
    for at, (source, given) in enumerate(zip(feeds.source, feeds.output, strict=True)):
        assert outputs[given].function == source
        assert outputs[given].path == graph.stored.output_paths[graph.stored.feed_output[at]]
    again = edge_columns(linked(feeds, max_out_edges=30, max_in_edges=60), *places)
    assert again["output_paths"] == graph.stored.output_paths
    assert (again["feed_input"] == graph.stored.feed_input).all()


@pytest.mark.parametrize("column", ["output_paths", "input_names"])
def test_a_parameter_that_a_function_does_not_have_is_told(
    graph: FunctionGraph, column: str
) -> None:
    names = getattr(graph.stored, column)
    renamed = replace(graph.stored, **{column: ("nowhere", *names[1:])})
    moved = replace(graph.stored, **{column: tuple(np.roll(names, 1).tolist())})
    for wrong in (renamed, moved):
        with pytest.raises(GraphError, match="names a parameter that its function does not have"):
            FunctionGraph(wrong).extended(demo_catalog().functions[60:62], Lexical())
