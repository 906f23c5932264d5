"""What was read from catalogs, and what became of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from simkit.traces.functions import Function


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A place in a catalog that gave no function."""

    source: str
    position: str
    """E.g. ``"line 12"`` or ``"tools[3]"``."""
    name: str | None
    """The name in the catalog, where there is one."""
    reason: str
    """Completes a sentence about the function, e.g. ``"has no name"``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A function that was left out because a near duplicate of it came before."""

    kept: str
    """Name of the function that stays."""
    kept_source: str
    name: str
    """The name in the catalog of the one left out."""
    source: str
    position: str
    likeness: float
    """Share of the words of both that they have in common, 0 to 1."""
    filled: tuple[str, ...]
    """What the one that stays took over from it: "outputs", "descriptions"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What one file gave. The functions read are those kept and those merged."""

    path: str
    source: str
    formats: tuple[str, ...]
    """Formats recognised in it, the most frequent first."""
    kept: int
    merged_exact: int
    """Same name, description and parameters as an earlier function, of any file."""
    merged_near: int
    rejected: int
    repaired: Mapping[str, int]
    """What was repaired in the functions kept to how often, the most frequent first."""
    with_outputs: int
    """Functions kept that declare outputs."""
    without_description: int
    """Functions kept that had none of their own."""
    problem: str | None
    """Why the file gave nothing, or nothing more; None when it was read to its end."""

    @property
    def read(self) -> int:
        return self.kept + self.merged_exact + self.merged_near


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Functions in the order they were read, and what it took to read them."""

    functions: tuple[Function, ...]
    """Names are unique."""
    rejected: tuple[Rejection, ...]
    """At most `MAX_REJECTIONS`; the counts in `files` are complete."""
    merges: tuple[Merge, ...]
    """Near duplicates, in the order they were read; exact ones are only counted."""
    files: tuple[FileReport, ...]
    """In the order they were read."""

    @property
    def merged(self) -> int:
        """Functions left out because they repeat an earlier one, exactly or nearly."""
        return self.merged_exact + len(self.merges)

    @property
    def merged_exact(self) -> int:
        return sum(file.merged_exact for file in self.files)

    @property
    def repaired(self) -> Mapping[str, int]:
        """What was repaired in `functions` to how often, the most frequent first."""
        total: Counter[str] = Counter()
        for file in self.files:
            total.update(file.repaired)
        return dict(total.most_common())


MAX_REJECTIONS = 100_000
"""Rejections that are kept one by one; more are counted."""
