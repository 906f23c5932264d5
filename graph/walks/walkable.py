"""What walks need of a function graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simkit.traces.functions import Function


class Walkable(Protocol):
    """Functions and the edges between them, as compressed rows; `FunctionGraph` is one.

    The successors of function *i* are ``targets[row_starts[i]:row_starts[i + 1]]``, and
    ``scores``, all above 0, runs alongside.
    """

    @property
    def functions(self) -> Sequence[Function]: ...

    @property
    def row_starts(self) -> NDArray[np.int64]: ...

    @property
    def targets(self) -> NDArray[np.int64]: ...

    @property
    def scores(self) -> NDArray[np.float64]: ...

    def domain(self, function: int) -> str:
        """What *function*, by index, belongs to; empty when nobody knows."""
        ...
