"""The table that says how the functions are played."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from simkit.config_section import Section, Share, quoted


def source_of(path: Path) -> str:
    """The source of the functions in the Python file *path*: its name."""
    return path.name.encode(errors="replace").decode()


ToolFiles = Annotated[
    tuple[Path, ...],
    # A TOML array arrives as a list, which strict mode refuses for a tuple.
    Field(strict=False),
    AfterValidator(lambda paths: _told_apart(paths)),
]


class ToolsSection(Section):
    """``[tools]``: how the functions are played."""

    fault_rate: Share = 0.02
    """Share of simulated calls that go wrong on purpose: a time-out, a transient error, an empty
    result or a partial one."""
    python: ToolFiles = ()
    """Python files whose functions really run; relative ones start at the config file's folder."""
    workers: int = Field(default=2, ge=1, le=256)
    """Processes for each of these files; each runs one call at a time."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=3_600)
    """A call that takes longer is answered with an error."""
    memory_mb: int = Field(default=512, ge=64, le=1_048_576)
    """Most memory of one process, in MiB; only Linux keeps to it."""
    max_output_bytes: int = Field(default=100_000, ge=100, le=100_000_000)
    """Longest result, as JSON; a longer one is answered with an error."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of the functions that really run."""
        return tuple(map(source_of, self.python))


def _told_apart(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    twice = _first_twice(map(source_of, paths))
    if twice is not None:
        raise ValueError(
            f"two files are called {quoted(twice)}; functions are told apart by the names of "
            "their files, so rename one"
        )
    return paths


def _first_twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
