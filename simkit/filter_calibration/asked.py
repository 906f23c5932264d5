"""A whole calibration: everything that was asked for, measured one after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simkit.filter_calibration.defects import Caught, caught_defects
from simkit.filter_calibration.judging import Judges, open_judges
from simkit.filter_calibration.material import Half, Sample, samples_of_file, samples_of_run
from simkit.filter_calibration.measuring import (
    Rewarded,
    calibrate_corrupted,
    calibrate_labelled,
    compare_with_rewards,
)
from simkit.filter_calibration.page import Grid, defect_grid, labelled_grids, reward_grids
from simkit.filter_calibration.standin import played_by_standin
from simkit.filters.calibration import Calibration
from simkit.traces.foreign import ForeignFileError, ForeignFormat, RejectedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be measured; at least one of the first four."""

    mistakes: tuple[float, ...] = ()
    """Rates at which the stand-in is to err."""
    corrupt: Path | None = None
    """File or run with conversations that get one mistake each."""
    rewarded: Path | None = None
    """File whose rows have rewards."""
    known_defects: bool = False
    form: ForeignFormat | None = None
    """Of the files; None to go by their first rows."""
    tools: Path | None = None
    """JSON list of what was offered where rows do not say it."""
    judge: Path | None = None
    """Configuration that names a judge; None: the rules alone."""
    half: Half = "all"
    conversations: int = 200
    """To be played with the stand-in at each rate."""
    seed: int = 0


@dataclass(slots=True, kw_only=True)
class Measured:
    """What was found."""

    asked: Asked
    standin: dict[float, Calibration] = field(default_factory=dict)
    """By the rate of mistakes."""
    corrupted: Calibration | None = None
    rewarded: Rewarded | None = None
    defects: tuple[Caught, ...] = ()
    rejected: list[RejectedRow] = field(default_factory=list)
    """Rows that could not be read."""

    def as_json(self) -> dict[str, Any]:
        """The counts and shares by name; what was not asked for is left out."""
        found: dict[str, Any] = {"half": self.asked.half, "seed": self.asked.seed}
        if self.standin:
            found["standin"] = {f"{rate:g}": one.as_json() for rate, one in self.standin.items()}
        if self.corrupted is not None:
            found["corrupted"] = self.corrupted.as_json()
        if self.rewarded is not None:
            both = self.rewarded
            rewards = {"passing": both.passing.as_json(), "failing": both.failing.as_json()}
            found["rewards"] = rewards
        if self.defects:
            found["known_defects"] = [
                {
                    "defect": one.group,
                    "example": one.defect.name,
                    "checks": one.checks,
                    "refused": one.refused,
                    "needs_model": one.defect.needs_model,
                }
                for one in self.defects
            ]
        return found | {"rejected": len(self.rejected)}

    def grids(self) -> Iterator[Grid]:
        """The tables, in the order in which things were measured."""
        half = "" if self.asked.half == "all" else f", {self.asked.half} half"
        for rate, calibration in self.standin.items():
            yield from labelled_grids(f"stand-in erring at {rate:.0%}", calibration)
        if self.corrupted is not None and self.asked.corrupt is not None:
            name = f"{self.asked.corrupt.name}{half}, one mistake each"
            yield from labelled_grids(name, self.corrupted)
        if self.rewarded is not None and self.asked.rewarded is not None:
            yield from reward_grids(f"{self.asked.rewarded.name}{half}", self.rewarded)
        if self.defects:
            yield defect_grid(self.defects)


async def measure(asked: Asked) -> Measured:
    """Measure all that is *asked*.

    Raises:
        ForeignFileError: A file cannot be read, has no conversation that could be used, or no
            reward where rewards are asked for.
        RunDirectoryError, ConfigError, StoreError: A run, or the judge's configuration, cannot
            be used.
        StandinError: A rate of mistakes is no share.
        AccountProblem: The judge's account needs a person.
        OSError: A file cannot be read.
    """
    measured = Measured(asked=asked)
    # Files first: what is wrong with them should not be told after minutes of playing.
    corruptible = None if asked.corrupt is None else _corruptible(asked.corrupt, measured)
    rewarded = None if asked.rewarded is None else _rewarded(asked.rewarded, measured)
    async with open_judges(asked.judge) as judges:
        for rate in asked.mistakes:
            measured.standin[rate] = await _with_standin(rate, asked, judges)
        if corruptible is not None:
            measured.corrupted = await calibrate_corrupted(corruptible, judges, seed=asked.seed)
        if rewarded is not None:
            measured.rewarded = await compare_with_rewards(rewarded, judges)
    if asked.known_defects:
        measured.defects = tuple(caught_defects())
    return measured


async def _with_standin(rate: float, asked: Asked, judges: Judges) -> Calibration:
    played = await played_by_standin(rate, asked.conversations, asked.seed)
    return await calibrate_labelled(played, judges)


def _corruptible(path: Path, measured: Measured) -> list[Sample]:
    if path.is_dir():
        found = list(samples_of_run(path, measured.asked.half))
    else:
        found = [sample for sample in _read(path, measured) if sample.passes]
    if not found:
        raise ForeignFileError(
            f"{path} has no conversation that passes in the half {measured.asked.half!r}: one "
            "with a reward of 1, or without a reward"
        )
    return found


def _rewarded(path: Path, measured: Measured) -> list[Sample]:
    found = [sample for sample in _read(path, measured) if sample.reward is not None]
    if not found:
        raise ForeignFileError(
            f'{path} has no row with a number under "reward" in the half '
            f"{measured.asked.half!r}; that is what verdicts are compared with"
        )
    return found


def _read(path: Path, measured: Measured) -> list[Sample]:
    asked = measured.asked
    found: list[Sample] = []
    for row in samples_of_file(path, asked.form, asked.tools, asked.half):
        if isinstance(row, RejectedRow):
            measured.rejected.append(row)
        else:
            found.append(row)
    return found
