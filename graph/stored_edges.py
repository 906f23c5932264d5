"""Between edges that name parameters by their index and the columns of a graph file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from simkit.graph.graph_file import StoredGraph
from simkit.graph.linked import Feeds, Linked
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


def edge_columns(
    edges: Linked, outputs: Sequence[Parameter], inputs: Sequence[Parameter]
) -> EdgeColumns:
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


def stored_feeds(
    stored: StoredGraph, outputs: Sequence[Parameter], inputs: Sequence[Parameter]
) -> Feeds:
    """The feeds in *stored*; its functions come first among those of *outputs* and *inputs*."""
    counts = np.diff(stored.feed_starts)
    source, target = np.repeat(stored.source, counts), np.repeat(stored.target, counts)
    output_at = {(one.function, one.path): at for at, one in enumerate(outputs)}
    input_at = {(one.function, one.path): at for at, one in enumerate(inputs)}
    paths = [stored.output_paths[at] for at in stored.feed_output.tolist()]
    names = [stored.input_names[at] for at in stored.feed_input.tolist()]
    return Feeds(
        source,
        target,
        np.array([output_at[one] for one in zip(source.tolist(), paths, strict=True)], np.int64),
        np.array([input_at[one] for one in zip(target.tolist(), names, strict=True)], np.int64),
        stored.feed_score,
    )


def _distinct_paths(
    parameters: Sequence[Parameter], used: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The paths of the *used* parameters, each once, and the index among them of each one."""
    number: dict[str, int] = {}
    numbers = [number.setdefault(parameters[one].path, len(number)) for one in used.tolist()]
    return tuple(number), np.array(numbers, np.int64)
