"""Tells of judges that say the same to everything, while a run can still be stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from simkit.traces.filter_stages import Stage
from simkit.traces.rulings import Rulings

_log = structlog.get_logger()


class RulingWatch:
    """Logs a warning, once for each judge and stage, when its rulings are all the same."""

    def __init__(self) -> None:
        self._rulings = Rulings()
        self._told: set[tuple[Stage, str]] = set()

    def see(self, verdict: Mapping[str, Any]) -> None:
        """Take in one verdict in its stored form."""
        self._rulings.add(verdict)
        for judge in self._rulings.by_judge():
            by = judge.stage, judge.model
            if by not in self._told and judge.one_sided is not None:
                self._told.add(by)
                _log.warning(judge.one_sided)
