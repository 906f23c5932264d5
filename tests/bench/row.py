"""One line of the table of benchmarks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A figure beside its baseline, both from the same run."""

    what: str
    value: float
    baseline: float
    baseline_name: str
    unit: str
    aim: str = ""
    """What the ratio should be; empty for those who are only compared with."""
    note: str = ""
    """Other figures of the same run."""
