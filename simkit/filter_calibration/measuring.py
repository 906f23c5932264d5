"""Asks the filters about labelled material and counts what they find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from simkit.filter_calibration.judging import Judges
from simkit.filter_calibration.material import Sample
from simkit.filters.calibration import (
    Calibration,
    Labelled,
    RewardTally,
    names_of,
    objections_of,
    spoiled,
    untouched,
)
from simkit.filters.corruptions import KINDS, corrupted
from simkit.filters.filter import Objection
from simkit.filters.rules import default_checks
from simkit.traces.seeds import stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewarded:
    """How verdicts go with rewards."""

    passing: RewardTally
    failing: RewardTally


async def calibrate_labelled(material: Sequence[Labelled], judges: Judges) -> Calibration:
    """Ask every filter about conversations as simkit plays them."""
    checks = default_checks()
    calibration = _calibration(judges)
    rulings = await judges.rulings([labelled.trajectory for labelled in material])
    for labelled, ruled in zip(material, rulings, strict=True):
        calibration.add(labelled, [*objections_of(checks, labelled.trajectory), *ruled])
    return calibration


async def calibrate_corrupted(
    samples: Sequence[Sample], judges: Judges, *, seed: int
) -> Calibration:
    """Ask every filter about *samples* that pass, as they are and with one mistake each.

    Into each goes one mistake of each kind that it has a place for, one at a time; which one
    depends on *seed*, the kind and the id of the trajectory alone.
    """
    calibration = _calibration(judges)
    passing = [sample for sample in samples if sample.passes]
    before = await _judged(passing, judges)
    for sample, objections in zip(passing, before, strict=True):
        calibration.add(untouched(sample.trajectory), objections)
        broken = list(_with_mistakes(sample, objections, seed))
        rulings = await judges.rulings([labelled.trajectory for labelled in broken])
        for labelled, ruled in zip(broken, rulings, strict=True):
            by_rules = objections_of(sample.checks, labelled.trajectory)
            calibration.add(labelled, [*by_rules, *ruled])
    return calibration


async def compare_with_rewards(samples: Sequence[Sample], judges: Judges) -> Rewarded:
    """Ask every filter about *samples* that have a reward."""
    rewarded = Rewarded(passing=RewardTally(), failing=RewardTally())
    known = [sample for sample in samples if sample.reward is not None]
    for sample, objections in zip(known, await _judged(known, judges), strict=True):
        tally = rewarded.passing if sample.passes else rewarded.failing
        tally.add(sample.trajectory, objections)
    return rewarded


def _calibration(judges: Judges) -> Calibration:
    names: Iterable[str] = names_of(default_checks(), judges.pipeline)
    return Calibration(checks=tuple(names))


async def _judged(samples: Sequence[Sample], judges: Judges) -> list[list[Objection]]:
    rulings = await judges.rulings([sample.trajectory for sample in samples])
    return [
        [*objections_of(sample.checks, sample.trajectory), *ruled]
        for sample, ruled in zip(samples, rulings, strict=True)
    ]


def _with_mistakes(sample: Sample, before: Sequence[Objection], seed: int) -> Iterator[Labelled]:
    for kind in KINDS:
        draw = stream(seed, "corruption", kind, sample.trajectory.id)
        made = corrupted(sample.trajectory, kind, draw)
        if made is not None:
            yield spoiled(made, before)
