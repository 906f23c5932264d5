"""A function graph as one file: gzipped JSON, versioned, checked when it is read."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Annotated

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import Field, PlainValidator, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from simkit.traces.functions import Function
from simkit.traces.whole_file import written_whole

_FORMAT = "simkit-function-graph"
_VERSION = 2
_MAX_BYTES = 1 << 30
"""Of JSON; 20,000 functions with 400,000 edges and as many feeds again take about 50 MB."""

NO_COMMUNITY = -1


class GraphError(Exception):
    """A graph cannot be built, read or written; the message says what, where and the mend."""


def _whole_numbers(values: object) -> NDArray[np.int64]:
    return _column(values, "iu", "whole numbers").astype(np.int64)


def _numbers(values: object) -> NDArray[np.float64]:
    return _column(values, "iuf", "numbers").astype(np.float64)


def _column(values: object, kinds: str, what: str) -> NDArray[np.generic]:
    column = np.asarray(values)  # one pass in C; pydantic's own takes a Python object a number
    if column.ndim != 1 or (len(column) and column.dtype.kind not in kinds):
        raise ValueError(f"it must be a list of {what}")
    return column


Indexes = Annotated[NDArray[np.int64], PlainValidator(_whole_numbers)]
Scores = Annotated[NDArray[np.float64], PlainValidator(_numbers)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, config={"extra": "forbid"})
class StoredGraph:
    """What a graph file holds: functions, and edges as columns that run by source.

    The feeds of edge *i*, strongest first, are at ``feed_starts[i]:feed_starts[i + 1]`` of
    the three feed columns.
    """

    scorer: str
    """What scored the edges: ``"similarity"`` is the paper's rule, ``"affinity"`` simkit's own with
    its own weights; other weights follow as eight digits, as in ``"affinity:1a2b3c4d"``."""
    embedder: str
    threshold: float
    """An edge's score is above it, above a lower one where outputs are inferred, or below either
    where a model accepted the edge."""
    max_out_edges: Annotated[int, Field(ge=1)]
    max_in_edges: Annotated[int, Field(ge=1)]
    functions: tuple[Function, ...]
    communities: Indexes
    """For each function the index of its community's name; `NO_COMMUNITY` without an edge."""
    community_names: tuple[str, ...]
    """All different; the largest community comes first."""
    source: Indexes
    """Index of the function that gives."""
    target: Indexes
    """Index of the function that takes."""
    score: Scores
    feed_starts: Indexes
    """One more than there are edges; every edge has a feed."""
    feed_output: Indexes
    """Index in `output_paths` of what is given."""
    feed_input: Indexes
    """Index in `input_names` of the argument that takes it."""
    feed_score: Scores
    output_paths: tuple[str, ...]
    """The distinct paths; empty for the whole result of a function that declares none."""
    input_names: tuple[str, ...]


_stored = TypeAdapter(StoredGraph)


def write_graph(graph: StoredGraph, path: Path) -> None:
    """Write *graph* to *path*, whole or not at all; the same graph gives the same bytes.

    Raises:
        GraphError: The file cannot be written.
    """
    document = {"format": _FORMAT, "version": _VERSION, "graph": graph}
    content = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    packed = gzip.compress(content, compresslevel=3, mtime=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as file:
            file.write(packed)
    except OSError as error:
        raise GraphError(
            f"The graph cannot be written to {path}: {error.strerror or error}."
        ) from error


def read_graph(path: Path) -> StoredGraph:
    """What `write_graph` wrote to *path*.

    Raises:
        GraphError: The file is missing, damaged, of another version or no graph.
    """
    try:
        document = orjson.loads(_unpacked(path))
    except FileNotFoundError as error:
        raise GraphError(
            f"There is no graph at {path}. Build one: simkit graph build CATALOG -o {path}."
        ) from error
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise GraphError(
            f"{path} is no graph file, or a damaged one: {error}. {_mend(path)}"
        ) from error
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise GraphError(f"{path} is no graph file. {_mend(path)}")
    if document.get("version") != _VERSION:
        raise GraphError(
            f"{path} is a graph of version {document.get('version')!r}; this simkit reads "
            f"version {_VERSION}. {_mend(path)}"
        )
    try:
        graph = _stored.validate_python(document.get("graph"))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise GraphError(f"{path} is damaged at {place}: {first['msg']}. {_mend(path)}") from error
    problem = _problem_of(graph)
    if problem:
        raise GraphError(f"{path} is damaged: {problem}. {_mend(path)}")
    return graph


def _mend(path: Path) -> str:
    return f"Build it again: simkit graph build CATALOG -o {path}."


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError(f"it holds more than {_MAX_BYTES >> 20} MB")
    return content


def _problem_of(graph: StoredGraph) -> str | None:
    """What contradicts itself in *graph*, if anything does."""
    return _problem_of_functions(graph) or _problem_of_edges(graph) or _problem_of_feeds(graph)


def _problem_of_functions(graph: StoredGraph) -> str | None:
    names = {function.name for function in graph.functions}
    if not names or len(names) != len(graph.functions):
        return "it has no functions, or two of one name"
    if len(graph.communities) != len(names):
        return "it has not one community for each function"
    if not _within(graph.communities, NO_COMMUNITY, len(graph.community_names)):
        return "a function is in a community that has no name"
    if len(set(graph.community_names)) != len(graph.community_names):
        return "two communities have one name"
    return None


def _problem_of_edges(graph: StoredGraph) -> str | None:
    functions, source, target = len(graph.functions), graph.source, graph.target
    if not len(source) == len(target) == len(graph.score):
        return "its edge lists differ in length"
    if not (_within(source, 0, functions) and _within(target, 0, functions)):
        return "an edge leads to no function"
    if (np.diff(source) < 0).any() or (source == target).any():
        return "its edges are out of order, or one leads back to its own function"
    if len(np.unique(source * functions + target)) != len(source):
        return "two edges join the same functions"
    if not _in_score_range(graph.score):
        return "a score is not in (0, 1]"
    return None


def _problem_of_feeds(graph: StoredGraph) -> str | None:
    starts, feeds = graph.feed_starts, len(graph.feed_score)
    if not len(graph.feed_output) == len(graph.feed_input) == feeds:
        return "its feed lists differ in length"
    if len(starts) != len(graph.source) + 1 or (starts[0], starts[-1]) != (0, feeds):
        return "its feeds do not belong to its edges"
    if (np.diff(starts) < 1).any():
        return "an edge has no feed"
    outputs, inputs = len(graph.output_paths), len(graph.input_names)
    if not (_within(graph.feed_output, 0, outputs) and _within(graph.feed_input, 0, inputs)):
        return "a feed has no parameter"
    if not _in_score_range(graph.feed_score):
        return "a feed's score is not in (0, 1]"
    return None


def _within(column: NDArray[np.int64], lowest: int, end: int) -> bool:
    return bool(((column >= lowest) & (column < end)).all())


def _in_score_range(column: NDArray[np.float64]) -> bool:
    return bool(((column > 0) & (column <= 1)).all())
