"""A function graph as one HTML page to explore; it needs no network and holds all its data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simkit.graph.function_graph import FunctionGraph, GraphError
from simkit.graph.graph_summary import Summary
from simkit.graph.layout import positions
from simkit.graph.parameters import Parameter, inputs_of, outputs_of
from simkit.html_page import cut, digest, in_script, own_file, rendered
from simkit.traces.whole_file import written_whole

_MOST_DESCRIPTION = 600
"""Characters; 20,000 functions make a page of 12 MB of descriptions at most."""
_MOST_NAME = 200
_MOST_EDGES_DRAWN = 3_000
"""The strongest edges, drawn all the time; any function's own are drawn when it is pointed at."""
_SCORE_STEPS = 10_000


def write_page(graph: FunctionGraph, title: str, path: Path) -> None:
    """Write `graph_page` to *path*, whole or not at all.

    Raises:
        GraphError: The file cannot be written.
    """
    page = graph_page(graph, title)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as file:
            file.write(page)
    except OSError as error:
        raise GraphError(
            f"The page cannot be written to {path}: {error.strerror or error}."
        ) from error


def graph_page(graph: FunctionGraph, title: str) -> bytes:
    """The page. What catalogs wrote is data in it: cut, without control characters, never markup.

    20,000 functions with 400,000 edges make about 20 MB in some ten seconds.
    """
    script = own_file("graph.js")
    values = {
        "title": cut(title, _MOST_NAME),
        "style": own_file("graph.css"),
        "script": script,
        "script_digest": digest(script),
        "data": in_script(_data(graph)),
    }
    return rendered("graph.html.j2", values)


def _data(graph: FunctionGraph) -> dict[str, Any]:
    stored, functions = graph.stored, graph.functions
    points = positions(graph).round(2)
    domains, domain_of = _numbered([graph.domain(index) for index in range(len(functions))])
    sources, source_of = _numbered([function.source for function in functions])
    return {
        "facts": _facts(graph.summary()),
        "names": [function.name for function in functions],
        "originals": [cut(function.original_name, _MOST_NAME) for function in functions],
        "descriptions": [cut(one.description, _MOST_DESCRIPTION) for one in functions],
        "domains": domains,
        "domainOf": domain_of,
        "sources": sources,
        "sourceOf": source_of,
        "origins": [function.outputs_origin for function in functions],
        "inputs": _paths(inputs_of(functions), len(functions)),
        "outputs": _paths(outputs_of(functions), len(functions)),
        "communities": stored.community_names,
        "communityOf": stored.communities,
        "x": points[:, 0].copy(),
        "y": points[:, 1].copy(),
        "rowStarts": graph.row_starts,
        "targets": graph.targets,
        "scores": _steps(graph.scores),
        "feedStarts": stored.feed_starts,
        "feedOutput": stored.feed_output,
        "feedInput": stored.feed_input,
        "feedScore": _steps(stored.feed_score),
        "outputPaths": [cut(path, _MOST_NAME) for path in stored.output_paths],
        "inputNames": [cut(name, _MOST_NAME) for name in stored.input_names],
        "scoreSteps": _SCORE_STEPS,
        "edgesDrawn": _MOST_EDGES_DRAWN,
    }


def _steps(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Scores as whole numbers: shorter on the page, and no digit more than they are exact to."""
    return (scores * _SCORE_STEPS).round().astype(np.int64)


def _numbered(labels: Sequence[str]) -> tuple[list[str], list[int]]:
    """The distinct labels, and the index among them of each label."""
    number: dict[str, int] = {}
    numbers = [number.setdefault(label, len(number)) for label in labels]
    return [cut(label, _MOST_NAME) for label in number], numbers


def _paths(parameters: Sequence[Parameter], functions: int) -> list[list[str]]:
    """For each function the paths of its parameters, without that of a guessed whole result."""
    paths: list[list[str]] = [[] for _ in range(functions)]
    for parameter in parameters:
        if parameter.path:
            paths[parameter.function].append(cut(parameter.path, _MOST_NAME))
    return paths


def _facts(summary: Summary) -> list[tuple[str, str]]:
    return [
        ("functions", f"{summary.functions:,}"),
        ("edges", f"{summary.edges:,}"),
        ("without an edge", f"{summary.isolated:,}"),
        ("communities", f"{len(summary.communities):,}"),
        ("inputs that something feeds", f"{summary.coverage.inputs_fed:.0%}"),
        ("edges across domains", f"{summary.cross_domain_share:.0%}"),
        ("scored by", f"{summary.scorer}, {summary.embedder}, above {summary.threshold:g}"),
    ]
