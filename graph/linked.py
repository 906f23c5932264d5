"""Edges between functions, each with the outputs and inputs that make it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indexes = NDArray[np.int64]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Feeds:
    """Arrays of one length: which output of a function can serve as which input of another."""

    source: Indexes
    """Index of the function that gives."""
    target: Indexes
    """Index of the function that takes; never the source."""
    output: Indexes
    """Index of the output, in the list that was scored."""
    input: Indexes
    """Likewise of the input; the same pair of output and input comes once."""
    score: Scores
    """In (0, 1]."""

    def __len__(self) -> int:
        return len(self.source)

    def at(self, positions: Indexes | NDArray[np.bool_]) -> Feeds:
        """Those at *positions*, in that order."""
        return Feeds(
            self.source[positions],
            self.target[positions],
            self.output[positions],
            self.input[positions],
            self.score[positions],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Linked:
    """Edges by source, then strongest first, and their feeds.

    The feeds of edge *i*, strongest first, are at ``feed_starts[i]:feed_starts[i + 1]``.
    """

    source: Indexes
    target: Indexes
    score: Scores
    """Of the strongest feed."""
    feed_starts: Indexes
    feeds: Feeds

    def __len__(self) -> int:
        return len(self.source)


def linked(feeds: Feeds, *, max_out_edges: int, max_in_edges: int) -> Linked:
    """The edges that *feeds* make, the strongest of each function only.

    Args:
        max_out_edges: Edges that a source keeps at most. Among equals, those to the functions
            nearest in the catalog: neighbours belong together, where the order of index
            would favour the first.
        max_in_edges: Likewise for a target, of those that its sources kept.

    Raises:
        ValueError: A number is below 1.
    """
    if max_out_edges < 1 or max_in_edges < 1:
        raise ValueError(
            "max_out_edges and max_in_edges must be at least 1, not "
            f"{max_out_edges} and {max_in_edges}."
        )
    feeds = feeds.at(
        np.lexsort((feeds.output, feeds.input, -feeds.score, feeds.target, feeds.source))
    )
    firsts = np.flatnonzero(_begins(feeds.source, feeds.target))
    edges = feeds.at(firsts)  # the strongest feed of each edge
    distance = np.abs(edges.source - edges.target)
    kept = _capped(edges.source, edges.score, distance, edges.target, max_out_edges)
    within = _capped(
        edges.target[kept], edges.score[kept], distance[kept], edges.source[kept], max_in_edges
    )
    kept = kept[within]
    order = np.lexsort((edges.target[kept], distance[kept], -edges.score[kept], edges.source[kept]))
    kept = kept[order]
    ends = np.append(firsts[1:], len(feeds))
    counts = ends[kept] - firsts[kept]
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    positions = np.repeat(firsts[kept] - starts[:-1], counts) + np.arange(starts[-1])
    return Linked(
        edges.source[kept], edges.target[kept], edges.score[kept], starts, feeds.at(positions)
    )


def joined(*parts: Feeds) -> Feeds:
    """All of *parts*."""
    return Feeds(
        np.concatenate([part.source for part in parts]),
        np.concatenate([part.target for part in parts]),
        np.concatenate([part.output for part in parts]),
        np.concatenate([part.input for part in parts]),
        np.concatenate([part.score for part in parts]),
    )


def _begins(*columns: Indexes) -> NDArray[np.bool_]:
    """Where sorted rows differ from the row before."""
    begins = np.zeros(len(columns[0]), bool)
    begins[:1] = True
    for column in columns:
        begins[1:] |= np.diff(column) != 0
    return begins


def _capped(group: Indexes, score: Scores, distance: Indexes, other: Indexes, most: int) -> Indexes:
    """Positions, ascending, of the *most* strongest of each group."""
    order = np.lexsort((other, distance, -score, group))
    ordered = group[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered, side="left")
    return np.sort(order[rank < most])
