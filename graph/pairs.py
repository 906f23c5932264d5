"""Pairs of an output and an input, whole blocks of them at a time, for vectorised scoring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indexes = NDArray[np.int64]
Vectors = NDArray[np.float32]
_CHUNK = 20_000
"""Pairs whose vectors are gathered at a time: 31 MB each side at 384 dimensions."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A vector for each of many things, kept once where many have the same."""

    vectors: Vectors
    """Shape ``(distinct, dims)``."""
    number: Indexes
    """For each thing, the row of its vector."""

    def at(self, things: Indexes) -> Vectors:
        """The vectors of *things*: shape ``(len(things), dims)``."""
        return self.vectors[self.number[things]]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Every pair of some givers with some takers; values have shape ``(givers, takers)``."""

    givers: Indexes
    takers: Indexes

    def of_givers(self, values: NDArray[Any]) -> NDArray[Any]:
        """A value for each giver, by index, broadcast over the pairs."""
        return values[self.givers][:, None]

    def of_takers(self, values: NDArray[Any]) -> NDArray[Any]:
        """A value for each taker, by index, broadcast over the pairs."""
        return values[self.takers][None, :]

    def dot(self, givers: Rows, takers: Rows) -> Vectors:
        """The dot product of the rows of each pair."""
        return givers.at(self.givers) @ takers.at(self.takers).T


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """Pairs one by one; values have shape ``(pairs,)``."""

    givers: Indexes
    takers: Indexes

    def of_givers(self, values: NDArray[Any]) -> NDArray[Any]:
        """A value for each giver, by index."""
        return values[self.givers]

    def of_takers(self, values: NDArray[Any]) -> NDArray[Any]:
        """A value for each taker, by index."""
        return values[self.takers]

    def dot(self, givers: Rows, takers: Rows) -> Vectors:
        """The dot product of the rows of each pair."""
        products = np.empty(len(self.givers), np.float32)
        for start in range(0, len(products), _CHUNK):
            part = slice(start, start + _CHUNK)
            products[part] = np.einsum(
                "ij,ij->i", givers.at(self.givers[part]), takers.at(self.takers[part])
            )
        return products


Pairs = Grid | Listed
