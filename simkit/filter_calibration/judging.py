"""Judges for a calibration: those of a configuration, asked without a run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from simkit.casting import pipeline
from simkit.drain import Drain
from simkit.filters.calibration import rulings_of
from simkit.filters.filter import Objection
from simkit.filters.pipeline import FilterPipeline
from simkit.filters.rules import default_checks
from simkit.prompts import package_prompts
from simkit.refilter_judge import judge_config, open_judge
from simkit.traces.calls import Answer, ChatRequest
from simkit.traces.records import Trajectory


class _MemoryJournal:
    """Remembers answers for as long as the calibration lasts."""

    def __init__(self) -> None:
        self._answers: dict[bytes, Answer] = {}

    def recorded_call(self, fingerprint: bytes) -> Answer | None:
        return self._answers.get(fingerprint)

    async def record_call(
        self, fingerprint: bytes, request: ChatRequest, model: str, answer: Answer
    ) -> None:
        self._answers[fingerprint] = answer


class Judges:
    """Who is asked beside the rules: nobody, or the judges of a configuration."""

    def __init__(self, judges: FilterPipeline | None, at_once: int) -> None:
        self.pipeline = judges
        self._at_once = at_once

    async def rulings(self, trajectories: Sequence[Trajectory]) -> list[list[Objection]]:
        """What the judges hold against each, in order; nothing where there are none.

        Raises:
            AccountProblem: A provider cannot be used until a person acts; in a group.
        """
        rulings: list[list[Objection]] = [[] for _ in trajectories]
        judges = self.pipeline
        if judges is None:
            return rulings
        places = anyio.CapacityLimiter(self._at_once)

        async def ask(index: int, trajectory: Trajectory) -> None:
            async with places:
                rulings[index] = await rulings_of(judges, trajectory)

        async with anyio.create_task_group() as tasks:
            for index, trajectory in enumerate(trajectories):
                tasks.start_soon(ask, index, trajectory)
        return rulings


@asynccontextmanager
async def open_judges(config: Path | None) -> AsyncIterator[Judges]:
    """The judges that the file *config* names; None: nobody.

    Raises:
        ConfigError: It names no judge who could be asked.
    """
    if config is None:
        yield Judges(None, 1)
        return
    rules = [check.name for check in default_checks()]
    chosen = judge_config(config, config, {})
    async with open_judge(chosen, _MemoryJournal(), Drain()) as judge:
        judges = pipeline(judge.voices, package_prompts(), rules)
        yield Judges(judges, judge.at_once)
