"""What judges ruled over a run, and those whose rulings are all the same.

One ruling of 1 says nothing about a judge that says 1 to everything; some hundreds do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simkit.traces.filter_stages import JUDGES, Stage

ENOUGH: dict[Stage, int] = {"trajectory_judge": 200, "turn_judge": 2_000}
"""Rulings that are all the same from which on they are told of. Rules mask most of what is wrong
with turns before, so a sound judge may well let hundreds pass."""

_RULED_ON = {"trajectory_judge": "trajectories", "turn_judge": "turns"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgesRulings:
    """What one judge ruled in one stage."""

    stage: Stage
    model: str
    """Of a panel that rules on turns the first, for all: what each says of them is not stored."""
    kept: int
    """Rulings of 1."""
    not_kept: int
    """Rulings of 0."""

    @property
    def one_sided(self) -> str | None:
        """A line about it when its rulings are all the same, and there are `ENOUGH`."""
        number = self.kept + self.not_kept
        if number < ENOUGH[self.stage] or 0 not in (self.kept, self.not_kept):
            return None
        return (
            f"the {self.stage.replace('_', ' ')} {self.model} has ruled {int(self.kept > 0)} on "
            f"each of {number:,} {_RULED_ON[self.stage]}, so it may not be judging at all; read "
            "some of the conversations, or try another model"
        )


class Rulings:
    """Counts of the rulings that verdicts tell of."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Stage, str, bool]] = Counter()

    def add(self, verdict: Mapping[str, Any]) -> None:
        """Count what *verdict* tells, which is in its stored form.

        Raises:
            KeyError, TypeError: It is damaged.
        """
        model, prompts = verdict["judge"], verdict["prompts"]
        if model is None:
            return
        if "trajectory_judge" in prompts:
            votes = verdict.get("votes") or _alone(model, verdict)
            self._add("trajectory_judge", ((vote["model"], vote["ok"]) for vote in votes))
        if "turn_judge" in prompts:
            self._add("turn_judge", ((model, _of_turn(turn)) for turn in verdict["turns"]))

    def _add(self, stage: Stage, rulings: Iterable[tuple[str, bool | None]]) -> None:
        self._counts.update((stage, model, ok) for model, ok in rulings if ok is not None)

    def by_judge(self) -> tuple[JudgesRulings, ...]:
        """What each judge ruled, in the order of stages and models."""
        judges = {(stage, model) for stage, model, _ in self._counts}
        return tuple(
            JudgesRulings(
                stage=stage,
                model=model,
                kept=self._counts[stage, model, True],
                not_kept=self._counts[stage, model, False],
            )
            for stage, model in sorted(judges, key=lambda by: (JUDGES.index(by[0]), by[1]))
        )


def _alone(model: str, verdict: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The one vote of a judge without a panel, if it gave one."""
    if any(reason["check"] == "trajectory_judge" for reason in verdict["reasons"]):
        return [{"model": model, "ok": False}]
    # What came to the next stage, or to the end, was let through.
    went_on = verdict["outcome"] == "kept" or verdict["turns"]
    return [{"model": model, "ok": True}] if went_on else []


def _of_turn(turn: Mapping[str, Any]) -> bool | None:
    """None where a rule had masked the turn before, or no ruling could be had."""
    if turn["ok"]:
        return True
    ruled = any(reason["check"] == "turn_judge" for reason in turn["reasons"])
    return False if ruled else None
