"""Which check catches which of the known defects of ToolMind's release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import cast

import orjson

from simkit.filters.calibration import objections_of
from simkit.filters.known_defects import KNOWN_DEFECTS, KnownDefect
from simkit.foreign_checks import checks_for
from simkit.foreign_tools import read_tools
from simkit.traces.foreign import ForeignFile, RejectedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """What became of one defect."""

    group: str
    defect: KnownDefect
    checks: tuple[str, ...]
    """Checks that object to the turn at fault, or to the whole."""
    refused: str | None
    """Why the row could not even be read; completes a sentence about it."""

    @property
    def is_caught(self) -> bool:
        return bool(self.checks) or self.refused is not None


def caught_defects() -> Iterator[Caught]:
    """Every known defect, in the order of the table."""
    for group, defects in KNOWN_DEFECTS.items():
        for defect in defects:
            checks, refused = _caught(defect)
            yield Caught(group=group, defect=defect, checks=checks, refused=refused)


def _caught(defect: KnownDefect) -> tuple[tuple[str, ...], str | None]:
    stream = cast(BufferedReader, BufferedReader(BytesIO(orjson.dumps(defect.row))))
    file = ForeignFile(
        path=Path("known defects"), stream=stream, form="toolmind", read_tools=read_tools
    )
    row = next(iter(file))
    if isinstance(row, RejectedRow):
        return (), row.reason
    found = objections_of(checks_for(row), row.trajectory)
    at = {*defect.turns, None}
    return tuple(dict.fromkeys(one.check for one in found if one.turn in at)), None
