"""How well filters find mistakes that are known: counts by check and by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from simkit.filters.corruptions import Corrupted
from simkit.filters.filter import Check, Objection
from simkit.filters.panel import UNDECIDED
from simkit.filters.pipeline import FilterPipeline
from simkit.traces.filter_stages import JUDGES
from simkit.traces.records import Trajectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake that is known."""

    kind: str
    turns: tuple[int, ...]
    """Message indexes; an objection to any of them, or to the whole, has found it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A trajectory of which it is known what is wrong with it."""

    trajectory: Trajectory
    mistakes: tuple[Mistake, ...]
    sound: tuple[int, ...]
    """Assistant messages that nothing is wrong with; an objection to one is a false alarm."""
    before: frozenset[Objection] | None = None
    """Of a copy that a mistake was put into: what is held against the original, which finds
    nothing, and is no new alarm. None for a conversation as it was played."""


def untouched(trajectory: Trajectory) -> Labelled:
    """*trajectory* as one in which every assistant turn is sound."""
    sound = assistant_turns(trajectory, len(trajectory.messages))
    return Labelled(trajectory=trajectory, mistakes=(), sound=sound)


def spoiled(corrupted: Corrupted, before: Iterable[Objection]) -> Labelled:
    """A trajectory with one mistake; turns after it may be affected and count for nothing.

    Args:
        before: What is held against the original.
    """
    return Labelled(
        trajectory=corrupted.trajectory,
        mistakes=(Mistake(kind=corrupted.kind, turns=corrupted.turns),),
        sound=assistant_turns(corrupted.trajectory, corrupted.untouched),
        before=frozenset(before),
    )


def assistant_turns(trajectory: Trajectory, end: int) -> tuple[int, ...]:
    """Indexes of the assistant messages before *end*."""
    messages = trajectory.messages[:end]
    return tuple(index for index, message in enumerate(messages) if message.role == "assistant")


def objections_of(checks: Iterable[Check], trajectory: Trajectory) -> list[Objection]:
    """Everything that *checks* hold against *trajectory*, in their order."""
    return [found for check in checks for found in check.check(trajectory)]


async def rulings_of(judges: FilterPipeline, trajectory: Trajectory) -> list[Objection]:
    """What the judges of a pipeline hold against *trajectory*, as objections.

    A judge of the whole that objects leaves the turns unjudged. A ruling that could not be
    had (`UNDECIDED`) is an objection too: such a conversation is not kept.

    Raises:
        AccountProblem: The judge's account needs a person.
    """
    verdict = await judges.judge(trajectory)
    by_turn = [
        Objection(check=reason.check, message=reason.message, turn=turn.index)
        for turn in verdict.turns
        for reason in turn.reasons
    ]
    whole = [
        Objection(check=reason.check, message=reason.message, turn=None)
        for reason in verdict.reasons
        if reason.check != "no_trainable_turn"
    ]
    return [*whole, *by_turn]


@dataclass(slots=True, kw_only=True)
class Calibration:
    """Counts over labelled material; `add` it one by one.

    A turn counts once for a check, however often the check objects to it.
    """

    checks: tuple[str, ...]
    """Names, in the order in which tables list them."""
    mistakes: Counter[str] = field(default_factory=Counter)
    """Kind to mistakes."""
    found: Counter[str] = field(default_factory=Counter)
    """Kind to mistakes that any check found."""
    found_by: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Kind and check to mistakes that this check found."""
    conversations: int = 0
    sound_conversations: int = 0
    """Without a mistake."""
    dropped_sound: int = 0
    """Of these, those to which a check objects as a whole."""
    sound_turns: int = 0
    """Of conversations as they were played; copies would count them again."""
    alarms: int = 0
    """Sound turns to which any check objects: the turn, or the whole of a sound conversation."""
    alarms_by: Counter[str] = field(default_factory=Counter)
    """Check to such turns."""
    kept_turns: int = 0
    """Sound turns that are trained on: neither masked nor in a dropped conversation."""
    kept_mistakes: int = 0
    """Mistakes that are trained on."""
    turns_before: int = 0
    """Turns of copies that stand before the mistake."""
    alarms_before: int = 0
    """Of these, those that are objected to only now that a mistake follows."""

    def add(self, labelled: Labelled, objections: Sequence[Objection]) -> None:
        """Count what was held against *labelled*."""
        self.conversations += labelled.before is None
        if labelled.before is None:
            self._count_mistakes(labelled, objections)
            self._count_sound(labelled, objections)
            return
        new = [found for found in objections if found not in labelled.before]
        self._count_mistakes(labelled, new)
        self.turns_before += len(labelled.sound)
        self.alarms_before += len({found.turn for found in new}.intersection(labelled.sound))

    def _count_mistakes(self, labelled: Labelled, new: Sequence[Objection]) -> None:
        for mistake in labelled.mistakes:
            at = {*mistake.turns, None}
            finders = {found.check for found in new if found.turn in at}
            self.mistakes[mistake.kind] += 1
            self.found[mistake.kind] += bool(finders)
            self.kept_mistakes += not finders
            self.found_by.update((mistake.kind, check) for check in finders)

    def _count_sound(self, labelled: Labelled, objections: Sequence[Objection]) -> None:
        is_sound = not labelled.mistakes
        dropping = {found.check for found in objections if found.turn is None}
        by_turn: dict[int | None, set[str]] = {}
        for found in objections:
            by_turn.setdefault(found.turn, set()).add(found.check)
        self.sound_conversations += is_sound
        self.dropped_sound += is_sound and bool(dropping)
        self.sound_turns += len(labelled.sound)
        for turn in labelled.sound:
            alarming = by_turn.get(turn, set()) | (dropping if is_sound else set())
            self.alarms += bool(alarming)
            self.alarms_by.update(alarming)
            self.kept_turns += not (dropping or turn in by_turn)

    @property
    def recall(self) -> float | None:
        """Share of the mistakes that any check found."""
        return share(self.found.total(), self.mistakes.total())

    @property
    def false_alarm_rate(self) -> float | None:
        """Share of the sound turns to which any check objects."""
        return share(self.alarms, self.sound_turns)

    @property
    def precision(self) -> float | None:
        """Share of mistakes among what was objected to, mistakes and sound turns together.

        It depends on how many mistakes there are in the material.
        """
        return share(self.found.total(), self.found.total() + self.alarms)

    def found_by_check(self, check: str) -> int:
        """Mistakes of all kinds that *check* found."""
        return sum(count for (_, by), count in self.found_by.items() if by == check)

    def finders(self, kind: str) -> list[tuple[str, int]]:
        """The checks that found mistakes of *kind*, with how many, most first."""
        counts = [(check, self.found_by[kind, check]) for check in self.checks]
        return sorted((pair for pair in counts if pair[1]), key=lambda pair: -pair[1])

    def as_json(self) -> dict[str, Any]:
        """The counts and shares by name; a share of nothing is null."""
        return {
            "conversations": self.conversations,
            "mistakes": self.mistakes.total(),
            "found": self.found.total(),
            "recall": self.recall,
            "precision": self.precision,
            "sound_turns": self.sound_turns,
            "false_alarms": self.alarms,
            "false_alarm_rate": self.false_alarm_rate,
            "sound_conversations": self.sound_conversations,
            "dropped_sound_conversations": self.dropped_sound,
            "kept_sound_turns": self.kept_turns,
            "kept_mistakes": self.kept_mistakes,
            "turns_before_mistakes": self.turns_before,
            "new_alarms_before_mistakes": self.alarms_before,
            "kinds": {kind: self._kind_json(kind) for kind in self.mistakes},
            "checks": {check: self._check_json(check) for check in self.checks},
        }

    def _kind_json(self, kind: str) -> dict[str, Any]:
        return {
            "mistakes": self.mistakes[kind],
            "found": self.found[kind],
            "recall": share(self.found[kind], self.mistakes[kind]),
            "found_by": dict(self.finders(kind)),
        }

    def _check_json(self, check: str) -> dict[str, Any]:
        found, alarms = self.found_by_check(check), self.alarms_by[check]
        return {
            "found": found,
            "false_alarms": alarms,
            "precision": share(found, found + alarms),
            "false_alarm_rate": share(alarms, self.sound_turns),
        }


@dataclass(slots=True, kw_only=True)
class RewardTally:
    """How verdicts go with the reward that a benchmark gave: passing, or failing."""

    conversations: int = 0
    kept: int = 0
    """Without an objection to the whole, and with a turn to train on."""
    flawless: int = 0
    """Without any objection."""
    turns: int = 0
    masked: int = 0
    """Turns to which a check objects, in any conversation."""
    by_check: Counter[str] = field(default_factory=Counter)
    """Check to conversations to which it objects."""

    def add(self, trajectory: Trajectory, objections: Sequence[Objection]) -> None:
        """Count what was held against *trajectory*."""
        turns = assistant_turns(trajectory, len(trajectory.messages))
        masked = {found.turn for found in objections if found.turn is not None}
        dropped = any(found.turn is None for found in objections)
        self.conversations += 1
        self.kept += not dropped and bool(set(turns) - masked)
        self.flawless += not objections
        self.turns += len(turns)
        self.masked += len(masked)
        self.by_check.update({found.check for found in objections})

    def as_json(self) -> dict[str, Any]:
        """The counts and shares by name."""
        return {
            "conversations": self.conversations,
            "kept": self.kept,
            "kept_share": share(self.kept, self.conversations),
            "flawless": self.flawless,
            "turns": self.turns,
            "masked_turns": self.masked,
            "masked_share": share(self.masked, self.turns),
            "by_check": dict(sorted(self.by_check.items())),
        }


def share(part: int, whole: int) -> float | None:
    """*part* of *whole*, or None where there is nothing."""
    return part / whole if whole else None


def names_of(checks: Iterable[Check], judges: FilterPipeline | None) -> Iterator[str]:
    """What tables list: the checks, and then whoever judges with models."""
    yield from (check.name for check in checks)
    if judges is not None:
        yield from (*JUDGES, *UNDECIDED)
