"""What a rule check is: an object with a name and one question about a trajectory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from simkit.traces.records import Trajectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """One thing that a check holds against a trajectory or one of its turns."""

    check: str
    """Name of the check."""
    message: str
    """One line that names the value, the place and the rule."""
    turn: int | None
    """Index into `Trajectory.messages` of the assistant message to mask; None objects to
    the whole trajectory."""


class Check(Protocol):
    """A rule: a pure function of the trajectory, with a name that people count.

    A pipeline of checks is a list; there is no base class to inherit and no registry.
    """

    @property
    def name(self) -> str: ...

    def check(self, trajectory: Trajectory) -> Iterable[Objection]:
        """Everything that this rule holds against *trajectory*, in message order.

        Must not raise, whatever the messages are: a broken trajectory is data.
        """
        ...
