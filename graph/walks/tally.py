"""Walks in numbers: how evenly they use the graph, and how well they hang together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simkit.graph.walks.draw import DrawnBlock
from simkit.graph.walks.visits import gini


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkReport:
    """A number of walks, taken together."""

    walks: int
    lengths: Mapping[int, int]
    """How many walks have each number of functions, shortest first."""
    functions: int
    """In the graph."""
    reachable: int
    """Functions that walks come to by steps that join kin: the others lack such edges."""
    visited: int
    """Functions in at least one of the walks."""
    gini: float
    """Inequality of visits over the reachable functions: 0 is even, towards 1 is not."""
    most_visits: int
    """To one function."""
    domains: Mapping[str, int]
    """Visits to the functions of each domain, most first, then by name."""
    domains_of_a_walk: float
    """Different domains in one walk, on average; functions without a domain count as one."""
    holding_share: float
    """Steps that join kin (see `simkit.graph.walks.kinship`), as a share; 1 without steps."""
    mean_score: float
    """Of the edges stepped along; 0 without steps."""
    redrawn: int
    """Attempts thrown away because they got stuck early."""
    short: int
    """Walks shorter than drawn: all attempts got stuck, for want of edges, of kin, or of
    functions below the cap."""
    targeted: int
    """Walks led to a function visited least."""
    targets_met: int
    """Of these, the ones that hold it."""


class Tally:
    """Adds up walks; what it holds does not grow with their number.

    Args:
        domains: Of each function.
        scores: Of each edge.
        holds: Of each edge, whether it joins kin.
    """

    def __init__(
        self, domains: Sequence[str], scores: NDArray[np.float64], holds: NDArray[np.bool_]
    ) -> None:
        self._names = sorted(set(domains))
        number = {name: index for index, name in enumerate(self._names)}
        self._domain = np.array([number[domain] for domain in domains])
        self._scores = scores
        self._holds = holds
        self._visits = np.zeros(len(domains), np.int64)
        self._lengths: Counter[int] = Counter()
        self._sums: Counter[str] = Counter()
        self._score = 0.0

    def add(self, block: DrawnBlock, walks: int) -> None:
        """Count the first *walks* of *block*."""
        functions, edges = block.walks.functions[:walks], block.walks.edges[:walks]
        sizes, targets = block.walks.sizes[:walks], block.targets[:walks]
        steps = edges[edges >= 0]
        met = (functions == targets[:, None]).any(axis=1) & (targets >= 0)
        np.add.at(self._visits, functions[functions >= 0], 1)
        self._lengths.update(sizes.tolist())
        self._score += float(self._scores[steps].sum())
        self._sums.update(
            domains=_distinct(np.where(functions >= 0, self._domain[functions], -1)),
            steps=len(steps),
            held=int(self._holds[steps].sum()),
            redrawn=int(block.redrawn[:walks].sum()),
            short=int((sizes < block.wanted[:walks]).sum()),
            targeted=int((targets >= 0).sum()),
            targets_met=int(met.sum()),
        )

    def report(self, reachable: NDArray[np.int64]) -> WalkReport:
        """What was added up; *reachable* are the functions that walks can come to."""
        sums, walks = self._sums, self._lengths.total()
        visits = np.bincount(self._domain, weights=self._visits, minlength=len(self._names))
        domains = dict(zip(self._names, visits.astype(int).tolist(), strict=True))
        return WalkReport(
            walks=walks,
            lengths=dict(sorted(self._lengths.items())),
            functions=len(self._visits),
            reachable=len(reachable),
            visited=int((self._visits > 0).sum()),
            gini=gini(self._visits[reachable]),
            most_visits=int(self._visits.max()),
            domains=dict(sorted(domains.items(), key=lambda item: (-item[1], item[0]))),
            domains_of_a_walk=sums["domains"] / max(walks, 1),
            holding_share=sums["held"] / sums["steps"] if sums["steps"] else 1.0,
            mean_score=self._score / max(sums["steps"], 1),
            redrawn=sums["redrawn"],
            short=sums["short"],
            targeted=sums["targeted"],
            targets_met=sums["targets_met"],
        )


def _distinct(values: NDArray[np.int64]) -> int:
    """Different entries of each row, -1 not counted, summed over the rows."""
    ordered = np.sort(values, axis=1)
    fresh = np.diff(ordered, axis=1, prepend=-1) > 0
    return int(fresh.sum())
