"""The table that says who decides what is worth training on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from simkit.config_section import Section, Temperature

_LEAST_LIKENESS = 0.5

Likeness = Annotated[
    float,
    BeforeValidator(lambda given: 0.0 if given is False else given),
    AfterValidator(lambda likeness: _off_or_enough(likeness)),
]
"""From which on two conversations count as the same; 0: never."""


class PanelSection(Section):
    """``[[filters.panel]]``: one more judge."""

    model: str = Field(min_length=1)
    """As its provider knows it."""
    provider: str = "default"
    """NAME of a ``[providers.NAME]`` table."""
    temperature: Temperature | None = None
    """Unset: 0."""


class FiltersSection(Section):
    """``[filters]``: who decides what is worth training on."""

    workers: int = Field(default=0, ge=0, le=100_000)
    """Trajectories judged at once; 0: a quarter of the concurrency, at least 4."""
    queue: int = Field(default=0, ge=0, le=100_000)
    """Trajectories that may wait; a full queue holds conversations back. 0: as many as workers."""
    judge: bool = True
    """Ask model judges after the rules; false: rules only."""
    panel: tuple[PanelSection, ...] = Field(default=(), strict=False)
    """Judges beside the one of ``[roles.judge]``; the majority of them decides."""
    near_duplicates: Likeness = 0.9
    """Drop a conversation whose user says and whose assistant calls what an earlier kept one does,
    from this share on, 0.5 to 1; false: do not compare."""
    # A TOML array arrives as a list, which strict mode refuses for a tuple.
    decontaminate: tuple[Path, ...] = Field(default=(), strict=False)
    """Benchmark files; a conversation whose user says 13 words in a row of one is dropped."""

    @model_validator(mode="after")
    def _panel_is_asked(self) -> Self:
        if self.panel and not self.judge:
            raise ValueError("a panel adds to the judge, and judge is false; leave out one of them")
        return self


def _off_or_enough(likeness: float) -> float:
    if likeness and not _LEAST_LIKENESS <= likeness <= 1:
        raise ValueError(f"expected {_LEAST_LIKENESS} to 1, or false, found {likeness}")
    return likeness
