"""Edges out of feeds: the strongest of each function, with all that makes them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkit.graph.linked import Feeds, Linked, joined, linked

Row = tuple[int, int, int, int, float]


def feeds_of(rows: list[Row]) -> Feeds:
    columns = list(zip(*rows, strict=True)) or [(), (), (), (), ()]
    source, target, output, taken = (np.array(column, np.int64) for column in columns[:4])
    return Feeds(source, target, output, taken, np.array(columns[4], np.float64))


def rows_of(feeds: Feeds) -> list[Row]:
    columns = (feeds.source, feeds.target, feeds.output, feeds.input, feeds.score)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def edges_of(edges: Linked) -> list[tuple[int, int, float]]:
    columns = (edges.source, edges.target, edges.score)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@st.composite
def some_feeds(draw: st.DrawFn) -> list[Row]:
    keys = draw(st.sets(st.tuples(*(st.integers(0, most) for most in (4, 4, 2, 2))), max_size=40))
    return [(*key, draw(st.integers(1, 9)) / 10) for key in sorted(keys) if key[0] != key[1]]


def test_an_edge_scores_as_its_strongest_feed_which_comes_first() -> None:
    edges = linked(
        feeds_of([(0, 1, 5, 7, 0.6), (0, 1, 4, 8, 0.9)]), max_out_edges=9, max_in_edges=9
    )
    assert edges_of(edges) == [(0, 1, 0.9)]
    assert rows_of(edges.feeds) == [(0, 1, 4, 8, 0.9), (0, 1, 5, 7, 0.6)]
    assert edges.feed_starts.tolist() == [0, 2]


def test_no_feeds_make_no_edges() -> None:
    edges = linked(feeds_of([]), max_out_edges=1, max_in_edges=1)
    assert (len(edges), edges.feed_starts.tolist(), len(edges.feeds)) == (0, [0], 0)


def test_among_equals_a_source_keeps_the_functions_nearest_in_the_catalog() -> None:
    rows = [(3, target, 0, 0, 0.8) for target in (0, 2, 5)]
    edges = linked(feeds_of(rows), max_out_edges=2, max_in_edges=9)
    assert [target for _, target, _ in edges_of(edges)] == [2, 5]


def test_caps_are_at_least_one() -> None:
    with pytest.raises(ValueError, match="at least 1, not 0 and 3"):
        linked(feeds_of([]), max_out_edges=0, max_in_edges=3)


@given(rows=some_feeds(), out=st.integers(1, 4), into=st.integers(1, 4))
def test_every_function_keeps_its_strongest_edges_out_and_then_in(
    rows: list[Row], out: int, into: int
) -> None:
    """
    By the definition, edge by edge, and every kept edge with all of its feeds.
    """
    best: dict[tuple[int, int], float] = {}
    for source, target, *_, score in rows:
        best[source, target] = max(best.get((source, target), 0.0), score)
    ranked = sorted(best, key=lambda edge: (-best[edge], abs(edge[0] - edge[1]), edge[::-1]))
    kept_out = [e for e in ranked if [o for o in ranked if o[0] == e[0]].index(e) < out]
    ranked_in = sorted(kept_out, key=lambda edge: (-best[edge], abs(edge[0] - edge[1]), edge))
    kept = [e for e in ranked_in if [o for o in ranked_in if o[1] == e[1]].index(e) < into]

    edges = linked(feeds_of(rows), max_out_edges=out, max_in_edges=into)

    assert sorted(edges_of(edges)) == sorted((*edge, best[edge]) for edge in kept)
    assert sorted(rows_of(edges.feeds)) == sorted(row for row in rows if row[:2] in kept)
    assert edges.source.tolist() == sorted(edges.source.tolist())
    for at, (source, target, _) in enumerate(edges_of(edges)):
        own = rows_of(edges.feeds)[edges.feed_starts[at] : edges.feed_starts[at + 1]]
        assert {row[:2] for row in own} == {(source, target)}
        assert [row[4] for row in own] == sorted((row[4] for row in own), reverse=True)


def test_feeds_of_several_sources_are_put_together() -> None:
    one, two = (0, 1, 0, 0, 0.5), (1, 2, 0, 0, 0.7)
    assert rows_of(joined(feeds_of([one]), feeds_of([two]))) == [one, two]
