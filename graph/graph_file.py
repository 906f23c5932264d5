"""A function graph as one file: gzipped JSON, versioned, checked when it is read."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Annotated

import numpy as np
import orjson
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from simkit.traces.functions import Function
from simkit.traces.whole_file import written_whole

_FORMAT = "simkit-function-graph"
_VERSION = 1
_MAX_BYTES = 1 << 30
"""Of JSON; 20,000 functions with 600,000 edges take about 100 MB."""


Index = Annotated[int, Field(ge=0, lt=1 << 31)]


class GraphError(Exception):
    """A graph cannot be built, read or written; the message says what, where and the mend."""


@dataclass(frozen=True, slots=True, kw_only=True, config={"extra": "forbid"})
class StoredGraph:
    """What a graph file holds; the edge lists have one length and run by source."""

    embedder: str
    min_cosine: float
    functions: tuple[Function, ...]
    source: list[Index]
    """Index of the function that gives."""
    target: list[Index]
    """Index of the function that takes."""
    score: list[float]
    output: list[str]
    """Path of the output that feeds; empty for an inferred one."""
    input: list[str]
    """Name of the argument that is fed."""


_stored = TypeAdapter(StoredGraph)


def write_graph(graph: StoredGraph, path: Path) -> None:
    """Write *graph* to *path*, whole or not at all; the same graph gives the same bytes.

    Raises:
        GraphError: The file cannot be written.
    """
    content = orjson.dumps({"format": _FORMAT, "version": _VERSION, "graph": graph})
    packed = gzip.compress(content, compresslevel=6, mtime=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as file:
            file.write(packed)
    except OSError as error:
        raise GraphError(f"The graph cannot be written to {path}: {error}.") from error


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
    columns = (graph.source, graph.target, graph.score, graph.output, graph.input)
    if len({len(column) for column in columns}) > 1:
        return "its edge lists differ in length"
    names = {function.name for function in graph.functions}
    if not names or len(names) != len(graph.functions):
        return "it has no functions, or two of one name"
    if max((*graph.source, *graph.target), default=0) >= len(names):
        return "an edge leads to no function"
    source, target = np.asarray(graph.source), np.asarray(graph.target)
    if (np.diff(source) < 0).any() or (source == target).any():
        return "its edges are out of order, or one leads back to its own function"
    score = np.asarray(graph.score)
    if not ((score > 0) & (score <= 1)).all():
        return "a score is not in (0, 1]"
    return None
