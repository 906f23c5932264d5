"""Between edges that name parameters by their index and the columns of a graph file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from simkit.graph.graph_file import GraphError, StoredGraph
from simkit.graph.linked import Feeds, Indexes, Linked
from simkit.graph.parameters import Parameter


class EdgeColumns(TypedDict):
    """The fields of `StoredGraph` that hold edges."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    score: NDArray[np.float64]
    feed_starts: NDArray[np.int64]
    feed_output: NDArray[np.int64]
    feed_input: NDArray[np.int64]
    feed_score: NDArray[np.float64]
    output_paths: tuple[str, ...]
    input_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where the outputs, or the inputs, of a catalog are: arrays with a row for each."""

    function: NDArray[np.int64]
    path: NDArray[np.int64]
    """Index in `paths`."""
    paths: Sequence[str]
    """All different."""


def places_of(parameters: Sequence[Parameter]) -> Places:
    """Where *parameters* are."""
    number: dict[str, int] = {}
    path = [number.setdefault(one.path, len(number)) for one in parameters]
    function = [one.function for one in parameters]
    return Places(np.array(function, np.int64), np.array(path, np.int64), tuple(number))


def edge_columns(edges: Linked, outputs: Places, inputs: Places) -> EdgeColumns:
    """*edges* as a graph file holds them."""
    output_paths, feed_output = _distinct_paths(outputs, edges.feeds.output)
    input_names, feed_input = _distinct_paths(inputs, edges.feeds.input)
    return EdgeColumns(
        source=edges.source,
        target=edges.target,
        score=edges.score,
        feed_starts=edges.feed_starts,
        feed_output=feed_output,
        feed_input=feed_input,
        feed_score=edges.feeds.score,
        output_paths=output_paths,
        input_names=input_names,
    )


def stored_feeds(stored: StoredGraph, outputs: Places, inputs: Places) -> Feeds:
    """The feeds in *stored*; its functions come first among those of *outputs* and *inputs*.

    Raises:
        GraphError: It names a parameter that its function does not have.
    """
    counts = np.diff(stored.feed_starts)
    source, target = np.repeat(stored.source, counts), np.repeat(stored.target, counts)
    return Feeds(
        source,
        target,
        _found(outputs, source, stored.feed_output, stored.output_paths),
        _found(inputs, target, stored.feed_input, stored.input_names),
        stored.feed_score,
    )


def _found(places: Places, functions: Indexes, path: Indexes, paths: Sequence[str]) -> Indexes:
    """The index of the parameter of each of *functions* that has the path beside it."""
    number = {path: at for at, path in enumerate(places.paths)}
    wanted = np.array([number.get(path, -1) for path in paths], np.int64)[path]
    own = places.function * len(number) + places.path
    order = np.argsort(own, kind="stable")
    sought = functions * len(number) + wanted
    last = np.searchsorted(own, sought, side="right", sorter=order) - 1
    found = order[last] if len(order) else last
    if (wanted < 0).any() or (own[found] != sought).any():
        raise GraphError(
            "The graph is damaged: an edge names a parameter that its function does not have. "
            "Build it again: simkit graph build CATALOG."
        )
    return found


def _distinct_paths(
    places: Places, used: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The paths of the *used* parameters, each once, and the index among them of each one."""
    number: dict[int, int] = {}
    numbers = [number.setdefault(path, len(number)) for path in places.path[used].tolist()]
    return tuple(places.paths[path] for path in number), np.array(numbers, np.int64)
