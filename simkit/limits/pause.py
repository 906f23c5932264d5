"""A run that a person holds up, and a clock that stands still meanwhile."""

from __future__ import annotations

import anyio


class Pause:
    """Whether a run is paused.

    How long somebody goes on being refused, or a provider is silent, is measured by `clock`:
    while nothing is asked, nobody can answer.
    """

    def __init__(self) -> None:
        self._began: float | None = None
        self._seconds_before = 0.0

    @property
    def seconds(self) -> float | None:
        """For how long the run has been paused; None: it is not."""
        return None if self._began is None else anyio.current_time() - self._began

    def begin(self) -> None:
        """Pause, unless it is paused already."""
        if self._began is None:
            self._began = anyio.current_time()

    def end(self) -> None:
        """Go on, if it is paused."""
        self._seconds_before += self.seconds or 0.0
        self._began = None

    def clock(self) -> float:
        """Seconds of anyio's clock, less those of all pauses."""
        return anyio.current_time() - self._seconds_before - (self.seconds or 0.0)
