"""Conversations to calibrate filters on: from a file, with rewards if it has any, or a run."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Literal, cast

from simkit.filters.filter import Check
from simkit.filters.rules import default_checks
from simkit.foreign_checks import checks_for
from simkit.foreign_tools import read_tools
from simkit.one_run import open_run
from simkit.traces.exact_json import exact_json
from simkit.traces.foreign import ForeignFileError, ForeignFormat, RejectedRow, open_foreign
from simkit.traces.functions import Function
from simkit.traces.json_rows import DAMAGED_GZIP, RawRow, raw_rows
from simkit.traces.records import Trajectory
from simkit.traces.run_directory import RunDirectoryError
from simkit.traces.run_reader import RunReader

Half = Literal["even", "odd", "all"]
"""Rows at even positions, at odd ones, or all; positions count from 0."""

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One conversation, and the checks that it can be asked."""

    trajectory: Trajectory
    checks: tuple[Check, ...]
    reward: float | None
    """What a benchmark gave it; None where it says nothing."""

    @property
    def passes(self) -> bool:
        """Whether nothing speaks against it: a reward of 1, or none."""
        return self.reward is None or self.reward >= 1


def samples_of_file(
    path: Path, form: ForeignFormat | None, tools: Path | None, half: Half
) -> Iterator[Sample | RejectedRow]:
    """The conversations of a file, in its order; see `open_foreign`.

    Raises:
        ForeignFileError: A file cannot be read, or does not tell its format.
        OSError: A file cannot be read.
    """
    offered = None if tools is None else _tools_in(tools)
    rewards = _rewards(path)
    with open_foreign(path, form, read_tools, offered=offered) as rows:
        for index, row in enumerate(rows):
            if half != "all" and (index % 2 == 1) is not (half == "odd"):
                continue
            if isinstance(row, RejectedRow):
                yield row
                continue
            yield Sample(
                trajectory=row.trajectory,
                checks=tuple(checks_for(row)),
                reward=rewards.get(row.position),
            )


def samples_of_run(path: Path, half: Half) -> Iterator[Sample]:
    """The conversations of a run that are kept without a masked turn, in order.

    A half is that of the conversations whose numbers are even or odd.

    Raises:
        RunDirectoryError: There is no run, or it has no such conversation.
        ConfigError, StoreError: It cannot be read.
    """
    run, _ = open_run(path)
    checks = tuple(default_checks())
    is_empty = True
    with RunReader(run.database_path) as reader:
        for stored in reader.trajectories(outcome="kept"):
            if stored.verdict is None or stored.verdict.masked:
                continue
            is_empty = False
            is_odd = stored.trajectory.scenario.number % 2 == 1
            if half == "all" or is_odd is (half == "odd"):
                yield Sample(trajectory=stored.trajectory, checks=checks, reward=None)
    if is_empty:
        raise RunDirectoryError(f"{path} has no conversation that is kept without a masked turn")


def _tools_in(path: Path) -> tuple[Function, ...]:
    try:
        return read_tools(exact_json(path.read_bytes()))
    except ValueError as error:
        raise ForeignFileError(f"{path} {error}; expected a JSON list of tools") from None


def _rewards(path: Path) -> dict[str, float]:
    """Position of a row to the reward that it has."""
    rewards = {}
    try:
        with ExitStack() as stack:
            plain = stack.enter_context(path.open("rb"))
            is_packed = plain.peek(len(_GZIP)).startswith(_GZIP)
            stream = stack.enter_context(gzip.open(plain)) if is_packed else plain
            for raw in raw_rows(cast(BufferedReader, stream)):
                reward = _reward(raw.text) if isinstance(raw, RawRow) else None
                if reward is not None:
                    rewards[raw.position] = reward
    except DAMAGED_GZIP as error:
        raise ForeignFileError(
            f"{path} is cut off or damaged gzip data ({error}); get the file again"
        ) from error
    return rewards


def _reward(text: bytes) -> float | None:
    try:
        row = exact_json(text)
    except ValueError:
        return None
    reward = row.get("reward") if isinstance(row, dict) else None
    if isinstance(reward, bool) or not isinstance(reward, int | float):
        return None
    return float(reward)
