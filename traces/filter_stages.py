"""The stages of the filters, and how far a verdict says that its trajectory came."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import Any, Literal, NamedTuple, get_args

Stage = Literal["user", "rules", "trajectory_judge", "turn_judge", "near_duplicates"]
"""user: the simulated user's own verdict, which is whether they were content. The judges bear the
names of their prompts."""

STAGES: tuple[Stage, ...] = get_args(Stage)
"""In the order in which they are asked, cheapest first."""

NEAR_DUPLICATE = "near_duplicate"
"""Check that compares a trajectory with the others that are kept."""

UNCONTENT = ("unfinished", "user_transferred", "user_out_of_scope")
"""Checks of the first stage."""

JUDGES: tuple[Stage, ...] = ("trajectory_judge", "turn_judge")
"""The stages that ask a model."""


class Passage(NamedTuple):
    """How far a trajectory came."""

    passed: tuple[Stage, ...]
    """Stages that let it through, in order."""
    stopped: Stage | None
    """The stage that did not; None for a kept trajectory, and a failed one, which reaches none."""

    @property
    def reached(self) -> tuple[Stage, ...]:
        """All of them."""
        return self.passed if self.stopped is None else (*self.passed, self.stopped)


def passage(verdict: Mapping[str, Any], *, compared: bool) -> Passage:
    """How far the trajectory of *verdict* came, which is in its stored form.

    Nothing is told of judges that were not asked.

    Args:
        compared: Whether what the judges let through was compared with others: a verdict does
            not say so unless that stopped its trajectory.

    Raises:
        KeyError, TypeError: It is damaged.
    """
    asked: list[Stage] = ["user", "rules", *(name for name in JUDGES if name in verdict["prompts"])]
    match verdict["outcome"]:
        case "failed":
            return Passage((), None)
        case "kept":
            others: tuple[Stage, ...] = ("near_duplicates",) if compared else ()
            return Passage((*asked, *others), None)
    stopped = _stopped(verdict)
    return Passage(tuple(takewhile(lambda stage: stage != stopped, asked)), stopped)


def _stopped(verdict: Mapping[str, Any]) -> Stage:
    check = verdict["reasons"][0]["check"] if verdict["reasons"] else None
    if check == NEAR_DUPLICATE:
        return "near_duplicates"
    if verdict["judge"] is None:
        return "user" if check in UNCONTENT else "rules"
    # Only the last stage rules on turns, and it is asked about what the others let through.
    return "turn_judge" if verdict["turns"] else "trajectory_judge"
