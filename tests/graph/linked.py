"""A graph for walks, made from a table of edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from simkit.traces.functions import Function


@dataclass(frozen=True, kw_only=True)
class LinkedFunctions:
    """A `Walkable`."""

    functions: Sequence[Function]
    domains: Sequence[str]
    row_starts: NDArray[np.int64]
    targets: NDArray[np.int64]
    scores: NDArray[np.float64]

    def domain(self, function: int) -> str:
        return self.domains[function]

    def successors(self, function: int) -> list[int]:
        return self.targets[self.row_starts[function] : self.row_starts[function + 1]].tolist()


def a_function(name: str, description: str = "") -> Function:
    parameters = {"type": "object", "properties": {}}
    return Function(name=name, description=description, parameters=parameters)


def a_graph(
    functions: int | Sequence[Function],
    edges: Mapping[tuple[int, int], float],
    domains: Sequence[str] | None = None,
) -> LinkedFunctions:
    """Functions f0, f1, ... unless given, and the scores of the edges between them."""
    if isinstance(functions, int):
        functions = [a_function(f"f{index}") for index in range(functions)]
    pairs = sorted(edges, key=lambda pair: (pair[0], -edges[pair], pair[1]))
    sources = np.array([source for source, _ in pairs], np.int64)
    return LinkedFunctions(
        functions=functions,
        domains=domains or [""] * len(functions),
        row_starts=np.searchsorted(sources, np.arange(len(functions) + 1)),
        targets=np.array([target for _, target in pairs], np.int64),
        scores=np.array([edges[pair] for pair in pairs], np.float64),
    )


def a_random_graph(functions: int, edges: int, seed: int = 1) -> LinkedFunctions:
    draw = Random(seed)
    pairs = {(draw.randrange(functions), draw.randrange(functions)) for _ in range(edges)}
    return a_graph(
        functions, {pair: draw.uniform(0.5, 1) for pair in sorted(pairs) if pair[0] != pair[1]}
    )
