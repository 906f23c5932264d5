"""Plays the continuations of a fork, with everything that a run has around it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson
import structlog

from simkit.agents.beginning import Beginning
from simkit.budget import Budget
from simkit.bus import Bus, Gauges
from simkit.casting import conversations, pipeline
from simkit.config import RunConfig
from simkit.filters.queue import FilterQueue
from simkit.log import log_to
from simkit.prompts import Prompts
from simkit.providers import Providers
from simkit.scheduler import InFlight, work_through
from simkit.stages import Judged, Played
from simkit.standing import PARENT, PROMPTS, Standing
from simkit.traces.events import Resumed
from simkit.traces.records import Scenario
from simkit.traces.run_directory import RunDirectory
from simkit.traces.store import Store

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ForkStage:
    """What the continuations of a fork are played with."""

    directory: RunDirectory
    config: RunConfig
    prompts: Prompts
    providers: Providers
    budget: Budget
    bus: Bus

    async def play(
        self, beginning: Beginning, scenarios: Iterable[Scenario], note: str, standing: Standing
    ) -> InFlight:
        """Play, store and judge *scenarios*, which all go on from *beginning*.

        Args:
            note: Kept as what the fork continues.
            standing: How far it has come; what is judged is left out.
        """
        in_flight = InFlight()
        with self.directory.log_path.open("a") as file, log_to(file):
            async with Store.open(self.directory.database_path) as store:
                await self._note_start(note, standing, store)
                left = (s for s in scenarios if s.number not in standing.judged)
                await self._play(beginning, left, store, in_flight)
            _log.info("fork ended", peak_in_flight=in_flight.peak)
            self.providers.log_limits()
        return in_flight

    async def _note_start(self, note: str, standing: Standing, store: Store) -> None:
        await store.save_meta(PROMPTS, orjson.dumps(self.prompts.hashes).decode())
        await store.save_meta(PARENT, note)
        done = standing.outcomes
        count = self.config.run.conversations
        _log.info("fork started", conversations=count, parent=note, **done)
        if not standing.is_new:
            self.bus.publish(
                Resumed(kept=done["kept"], dropped=done["dropped"], failed=done["failed"])
            )

    async def _play(
        self,
        beginning: Beginning,
        scenarios: Iterable[Scenario],
        store: Store,
        in_flight: InFlight,
    ) -> None:
        config, budget, bus = self.config, self.budget, self.bus
        voices = self.providers.voices(store, on_answer=bus.publish, on_retry=bus.publish)
        async with FilterQueue(
            pipeline(voices, self.prompts),
            Judged(store, budget, bus),
            size=config.filter_queue,
            workers=config.filter_workers,
        ) as queue:
            bus.gauges = Gauges(
                in_flight=lambda: in_flight.now,
                filters_waiting=lambda: queue.waiting,
                limiting=lambda: (
                    "the budget" if budget.is_holding_back else self.providers.limiting()
                ),
                spending=budget.spending,
                not_started=lambda: budget.not_started,
                loop_behind_seconds=lambda: 0.0,
            )
            await work_through(
                scenarios,
                Played(
                    conversations(config, voices, self.prompts, beginning),
                    store,
                    lambda _: None,  # what is played and not judged is replayed for nothing
                    queue.put,
                    in_flight,
                    budget,
                    bus,
                ),
                concurrency=min(config.run.concurrency, config.run.conversations),
                may_start=budget.may_start,
            )
