"""The edges of a graph as a matrix: from each function, where a walk can go next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MOST_WAYS = 64
"""From one function: only the heaviest are walked, so that hubs cost no more than others."""


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """Where walks can go: row *i* of each matrix is about function *i*, columns alongside.

    Rows with fewer ways than the widest are filled up with ways of weight 0.
    """

    targets: NDArray[np.int64]
    edges: NDArray[np.int64]
    """Positions in the graph's own arrays."""
    holds: NDArray[np.bool_]
    """Whether the step joins kin."""
    weights: NDArray[np.float64]
    """Shape ``(2, functions, columns)``: first of all ways, then of those that hold only."""


def ways_along(
    functions: int,
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
    weights: NDArray[np.float64],
    holds: NDArray[np.bool_],
) -> Ways:
    """The ways along the edges ``sources[i] -> targets[i]``; for the ways back swap the two.

    Takes 33 bytes for each function and column, of which there are at most 64.
    """
    order = np.lexsort((targets, -weights, sources))
    sources = sources[order]
    columns = np.arange(len(order)) - np.searchsorted(sources, sources)
    kept = columns < _MOST_WAYS
    rows, columns, order = sources[kept], columns[kept], order[kept]
    shape = (functions, int(columns.max(initial=0)) + 1)
    ways = Ways(
        targets=np.zeros(shape, np.int64),
        edges=np.zeros(shape, np.int64),
        holds=np.zeros(shape, np.bool_),
        weights=np.zeros((2, *shape)),
    )
    ways.targets[rows, columns] = targets[order]
    ways.edges[rows, columns] = order
    ways.holds[rows, columns] = holds[order]
    ways.weights[0, rows, columns] = weights[order]
    ways.weights[1] = ways.weights[0] * ways.holds
    return ways


def functions_reaching(ways: Ways, enough: int, *, kind: int) -> NDArray[np.int64]:
    """The functions that reach *enough* (counting themselves), or the most that any does, by
    the ways of weights *kind*: 0 for all, 1 for those that hold."""
    live = ways.weights[kind] > 0
    successors = [row[there].tolist() for row, there in zip(ways.targets, live, strict=True)]
    reach = np.array([_reach(successors, index, enough) for index in range(len(successors))])
    return np.flatnonzero(reach >= min(enough, reach.max()))


def _reach(successors: list[list[int]], start: int, enough: int) -> int:
    found, waiting = {start}, [start]
    while waiting and len(found) < enough:
        fresh = {*successors[waiting.pop()]} - found
        found |= fresh
        waiting.extend(fresh)
    return min(len(found), enough)


def functions_reached(ways: Ways, starts: NDArray[np.int64], *, kind: int) -> NDArray[np.int64]:
    """All functions that walks from *starts* come to by the ways of weights *kind*, in order."""
    found = np.zeros(len(ways.targets), np.bool_)
    found[starts] = True
    fresh = starts
    while fresh.size:
        following = np.unique(ways.targets[fresh][ways.weights[kind, fresh] > 0])
        fresh = following[~found[following]]
        found[fresh] = True
    return np.flatnonzero(found)
