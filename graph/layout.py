"""Where to draw each function: communities as discs, and functions inside by their links."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simkit.graph.function_graph import FunctionGraph, drawing_as_seeded
from simkit.graph.graph_file import NO_COMMUNITY

Points = NDArray[np.float64]

_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
_ROUNDS = 200
"""Of Fruchterman and Reingold's method, in a community of up to 1,000 functions."""
_GAP = 1.0
"""Free space around a disc, where 1 is the radius of a function's share of it."""
_CROWDED = 0.6
"""Functions without an edge say little, and lie this much closer than others."""
_SPOTS_IN_A_RING = 48
_MOST_PACKED = 120
"""Discs placed by their ties, which takes time with the cube of their number."""


def positions(graph: FunctionGraph) -> Points:
    """A point for each function, ``(functions, 2)``, centred on 0; the same for the same graph.

    Each community fills a disc of an area like its size. Inside, functions lie by
    Fruchterman and Reingold's method; the largest discs lie near those they share most edges
    with, the others around them, and outermost one of the functions without an edge. Time
    grows with the squares of the communities' sizes up to 1,000 functions, then with the sizes.
    """
    groups = _groups(graph)
    inside = _inside(graph, groups)
    sizes = [1.0 if _is_linked(graph, group) else _CROWDED for group in groups]
    radii = np.array([math.sqrt(len(g)) * s + _GAP for g, s in zip(groups, sizes, strict=True)])
    packed = [group for group in groups[:_MOST_PACKED] if _is_linked(graph, group)]
    middle = _packed(radii[: len(packed)], _ties(graph, packed))
    centres = np.concatenate([middle, _ringed(radii, middle)])
    points: Points = np.empty((len(graph.functions), 2))
    for group, local, size, centre in zip(groups, inside, sizes, centres, strict=True):
        points[group] = local * size + centre
    points -= (points.max(axis=0) + points.min(axis=0)) / 2
    return points


def _groups(graph: FunctionGraph) -> list[NDArray[np.int64]]:
    """The functions of each community, the largest first, then those without an edge."""
    communities = graph.stored.communities
    order = np.argsort(communities, kind="stable")
    starts = np.flatnonzero(np.diff(communities[order], prepend=-2))
    groups = np.split(order, starts[1:])
    return sorted(groups, key=lambda group: (not _is_linked(graph, group), -len(group)))


def _is_linked(graph: FunctionGraph, group: NDArray[np.int64]) -> bool:
    return bool(graph.stored.communities[group[0]] != NO_COMMUNITY)


def _inside(graph: FunctionGraph, groups: list[NDArray[np.int64]]) -> list[Points]:
    links = graph.links()
    drawn = []
    with drawing_as_seeded():
        for group in groups:
            part = links.induced_subgraph(group.tolist())
            if not part.ecount():
                drawn.append(_sunflower(len(group)))
                continue
            rounds = max(20, _ROUNDS * 1_000 // max(1_000, len(group)))
            start = _sunflower(len(group)).tolist()
            found = part.layout_fruchterman_reingold(weights="score", niter=rounds, seed=start)
            drawn.append(_filling(np.array(found.coords)))
    return drawn


def _filling(points: Points) -> Points:
    """*points* at the same angles about their middle, and in the same order of distance, but
    spread evenly over a disc: the method leaves a crowd in the middle and stragglers."""
    offsets = points - points.mean(axis=0)
    distances = np.hypot(offsets[:, 0], offsets[:, 1])
    rank = np.empty(len(points))
    rank[np.argsort(distances, kind="stable")] = np.arange(len(points))
    angles: Points = np.arctan2(offsets[:, 1], offsets[:, 0])
    return _polar(np.sqrt(rank + 0.5), angles)


def _sunflower(number: int) -> Points:
    """*number* points spread evenly over a disc."""
    steps = np.arange(number, dtype=np.float64)
    return _polar(np.sqrt(steps + 0.5), steps * _GOLDEN_ANGLE)


def _polar(radii: Points, angles: Points) -> Points:
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def _ties(graph: FunctionGraph, groups: list[NDArray[np.int64]]) -> Points:
    """The scores between each two of *groups*, added up."""
    group_of = np.full(len(graph.functions), len(groups))
    for number, group in enumerate(groups):
        group_of[group] = number
    ties = np.zeros((len(groups) + 1, len(groups) + 1))
    np.add.at(ties, (group_of[graph.sources], group_of[graph.targets]), graph.scores)
    return np.asarray((ties + ties.T)[:-1, :-1])


def _packed(radii: Points, ties: Points) -> Points:
    """Centres of discs that do not overlap, each as near as may be to the placed ones it is
    tied to."""
    centres = np.zeros((len(radii), 2))
    for disc in range(1, len(radii)):
        placed = centres[:disc]
        # Every disc is drawn to the middle a little, so that those without ties stay near.
        weights = ties[disc, :disc] + 1e-3 * (ties[disc, :disc].sum() + 1)
        wanted = (weights[:, None] * placed).sum(axis=0) / weights.sum()
        spots = _around(placed, radii[:disc] + radii[disc])
        gaps = np.hypot(*(spots[:, None, :] - placed[None, :, :]).transpose(2, 0, 1))
        free = spots[(gaps >= (radii[:disc] + radii[disc]) * (1 - 1e-9)).all(axis=1)]
        centres[disc] = free[np.argmin(np.hypot(*(free - wanted).T))]
    return centres


def _around(placed: Points, distances: Points) -> Points:
    """Spots at which a disc would touch a placed one; at least one of them is free."""
    angles = np.linspace(0, 2 * math.pi, _SPOTS_IN_A_RING, endpoint=False)
    ring = _polar(np.ones(_SPOTS_IN_A_RING), angles)
    return np.asarray((placed[:, None, :] + distances[:, None, None] * ring).reshape(-1, 2))


def _ringed(radii: Points, middle: Points) -> Points:
    """Centres, in rings around the discs in the *middle*, of the discs that come after them."""
    placed = radii[: len(middle)]
    inner = float((np.hypot(middle[:, 0], middle[:, 1]) + placed).max(initial=0.0))
    centres, angle, largest, before = [], math.inf, 0.0, 0.0
    for radius in radii[len(middle) :].tolist():
        ring = inner - largest
        step = _angle_between(before, radius, ring)
        if radius > largest or angle + step + _angle_between(radius, largest, ring) > 2 * math.pi:
            ring, inner = inner + radius, inner + 2 * radius
            angle, step, largest = 0.0, 0.0, radius
        angle, before = angle + step, radius
        centres.append((ring * math.cos(angle), ring * math.sin(angle)))
    return np.array(centres).reshape(-1, 2)


def _angle_between(one: float, other: float, ring: float) -> float:
    """At which discs of these radii touch on a ring of radius *ring*."""
    return 2 * math.asin(min(1.0, (one + other) / (2 * ring))) if ring > 0 else math.inf
