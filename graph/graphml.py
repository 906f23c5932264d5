"""A function graph as GraphML, for Gephi, Cytoscape, networkx and the like."""

from __future__ import annotations

import re
from pathlib import Path

from simkit.graph.function_graph import FunctionGraph, GraphError
from simkit.traces.whole_file import written_whole

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


def write_graphml(graph: FunctionGraph, path: Path) -> None:
    """Write the attributes of `FunctionGraph.igraph` and the edges to *path*, whole or not at all.

    Characters that XML cannot hold become U+FFFD.

    Raises:
        GraphError: The file cannot be written.
    """
    legal = graph.igraph.copy()
    for sequence in (legal.vs, legal.es):
        for attribute in sequence.attributes():
            values = sequence[attribute]
            if any(isinstance(value, str) for value in values[:1]):
                sequence[attribute] = [_NO_XML.sub("\ufffd", value) for value in values]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as file:
            legal.write_graphml(file)
    except OSError as error:
        raise GraphError(
            f"The graph cannot be written to {path}: {error.strerror or error}."
        ) from error
