"""The parameters of many functions, of which few are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import overload

import numpy as np

from simkit.graph.pairs import Indexes
from simkit.graph.parameters import Parameter
from simkit.traces.functions import Function


class KnownParameters(Sequence[Parameter]):
    """What `outputs_of`, or `inputs_of`, gives, but made only where it is asked for.

    Args:
        of: Which of the two.
        owners: The functions of the first parameters, as indexes, ascending.
        known: How many functions these are of; parameters of the others are made at once.
    """

    def __init__(
        self,
        functions: Sequence[Function],
        of: Callable[[Sequence[Function]], list[Parameter]],
        owners: Indexes,
        known: int,
    ) -> None:
        self._functions, self._of, self._owners = functions, of, owners
        self._new = [replace(one, function=one.function + known) for one in of(functions[known:])]
        self._made: dict[int, list[Parameter]] = {}

    def __len__(self) -> int:
        return len(self._owners) + len(self._new)

    @overload
    def __getitem__(self, at: int) -> Parameter: ...
    @overload
    def __getitem__(self, at: slice) -> list[Parameter]: ...
    def __getitem__(self, at: int | slice) -> Parameter | list[Parameter]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        at = range(len(self))[at]
        if at >= len(self._owners):
            return self._new[at - len(self._owners)]
        function = int(self._owners[at])
        first = int(np.searchsorted(self._owners, function))
        return self._parameters_of(function)[at - first]

    def _parameters_of(self, function: int) -> list[Parameter]:
        made = self._made.get(function)
        if made is None:
            made = self._made[function] = [
                replace(one, function=function) for one in self._of([self._functions[function]])
            ]
        return made
