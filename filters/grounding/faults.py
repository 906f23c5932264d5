"""What is wrong with the values of a conversation's calls, found in one walk through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from simkit.filters.grounding.argument_values import ArgumentValue, values_in
from simkit.filters.grounding.origins import unknown_part
from simkit.filters.grounding.placeholders import is_placeholder
from simkit.filters.grounding.turns import Sources, Turn, turns
from simkit.filters.grounding.unfilled import unfilled
from simkit.filters.grounding.unknowable_dates import unknowable_date
from simkit.traces.one_line import one_line
from simkit.traces.records import ToolCall, Trajectory

Found = tuple[tuple[int, str], ...]
"""Message indexes in order, each with one line that tells what is wrong."""
_AsTold = Callable[[ArgumentValue, Sources], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What each of three checks objects to; they look at the same sources."""

    unfilled: Found
    """Calls with a slot that was left unfilled, one a call."""
    ungiven: Found
    """Calls with a value that nobody gave, one a call."""
    unknowable: Found
    """Turns with a date that nobody can have known, one a turn."""


def faults_of(trajectory: Trajectory) -> Faults:
    """The faults of *trajectory*.

    What was said is indexed once: those of the last few trajectories are remembered, as long
    as the very same objects are asked about.
    """
    return _faults_of(_This(trajectory))


class _This:
    """A trajectory as itself, whatever equals it: comparing contents would cost as much."""

    __slots__ = ("trajectory",)

    def __init__(self, trajectory: Trajectory) -> None:
        self.trajectory = trajectory

    def __hash__(self) -> int:
        return id(self.trajectory)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _This) and other.trajectory is self.trajectory


@lru_cache(maxsize=4)  # the checks of one conversation are asked one after another
def _faults_of(this: _This) -> Faults:
    schemas = {tool.name: tool.parameters for tool in this.trajectory.scenario.tools}
    empty: list[tuple[int, str]] = []
    unknown: list[tuple[int, str]] = []
    dates: list[tuple[int, str]] = []
    for turn in turns(this.trajectory):
        for call, arguments in turn.calls():
            values = list(values_in(arguments, schemas.get(call.name, {})))
            empty += _first(turn, call, values, _told_unfilled)
            unknown += _first(turn, call, values, _told_ungiven)
        date = unknowable_date(turn)
        if date is not None:
            dates.append((turn.index, one_line(f"message {turn.index} {date}")))
    return Faults(unfilled=tuple(empty), ungiven=tuple(unknown), unknowable=tuple(dates))


def _first(turn: Turn, call: ToolCall, values: list[ArgumentValue], told: _AsTold) -> Found:
    """The first fault of *call*, if any."""
    for argument in values:
        fault = told(argument, turn.sources)
        if fault is not None:
            name = one_line(call.name, limit=80)
            return ((turn.index, one_line(f"message {turn.index} calls {name!r} {fault}")),)
    return ()


def _told_unfilled(argument: ArgumentValue, sources: Sources) -> str | None:
    fault = unfilled(argument, sources)
    path = one_line(argument.path, limit=80)
    return fault and f"before the value of {path} was there: {fault}"


def _told_ungiven(argument: ArgumentValue, sources: Sources) -> str | None:
    if isinstance(argument.value, str) and is_placeholder(argument.value, argument.name):
        return None
    unknown = unknown_part(argument, sources)
    path = one_line(argument.path, limit=80)
    return unknown and f"with {path}: nobody has given {one_line(unknown, limit=100)}"
