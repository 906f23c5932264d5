"""A chain while it is planned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile

from simkit.graph.chains.surroundings import Surroundings
from simkit.graph.walk import Walk
from simkit.traces.plans import Step


@dataclass(slots=True)
class DraftStep:
    """As `simkit.traces.plans.Step`, with functions by index."""

    functions: list[int]
    implicit: list[int] = field(default_factory=list)
    when_asked: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[int]:
        """Its functions in the order in which they are called."""
        return [*self.implicit, *self.functions]

    @property
    def is_plain(self) -> bool:
        """Whether no operation has changed it."""
        return len(self.functions) == 1 and not self.implicit


@dataclass(slots=True)
class Draft:
    """The steps, and which functions lead to which by design."""

    steps: list[DraftStep]
    led_by: dict[int, set[int]]
    """Function to those before it whose results it builds on, whatever it takes of them."""
    withheld: list[int] = field(default_factory=list)
    """Functions of the steps that are not to be offered; nothing needs what they would give."""

    @classmethod
    def of(cls, walk: Walk) -> Draft:
        """One step for each function of *walk*."""
        led_by = {
            function: set() if origin < 0 else {walk.functions[origin]}
            for function, origin in zip(walk.functions, walk.came_from, strict=True)
        }
        return cls([DraftStep([function]) for function in walk.functions], led_by)

    def functions(self, steps: slice = slice(None)) -> list[int]:
        """All functions of *steps*, in order."""
        return [function for step in self.steps[steps] for function in step.all]

    def needs(self, function: int, around: Surroundings) -> set[int]:
        """The functions before *function* that it needs: what leads to it, and of the others
        what feeds a required input best."""
        earlier = list(takewhile(lambda one: one != function, self.functions()))
        giving = [one for one in earlier if one not in self.withheld]
        leading = self.led_by.get(function, set()).intersection(giving)
        return leading.union(around.best_feeders(function, giving).values())

    def planned(self, around: Surroundings) -> tuple[Step, ...]:
        """The plan that this is a draft of."""
        return tuple(self._planned(around))

    def _planned(self, around: Surroundings) -> Iterator[Step]:
        place: dict[int, int] = {}
        for number, step in enumerate(self.steps):
            place |= dict.fromkeys(step.all, number)
            needed = {place[one] for function in step.all for one in self.needs(function, around)}
            yield Step(
                functions=tuple(map(around.name, step.functions)),
                implicit=tuple(map(around.name, step.implicit)),
                needs=tuple(sorted(needed - {number})),
                when_asked=tuple(step.when_asked),
            )
