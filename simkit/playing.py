"""Plays scenarios into a run's folder and judges what comes of them: of a run and of a fork."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial

import anyio
import orjson
import structlog

from simkit.agents.beginning import Beginning
from simkit.benchmarks import Benchmarks
from simkit.budget import Budget
from simkit.bus import Bus, Gauges
from simkit.casting import conversations, pipeline
from simkit.config import RunConfig
from simkit.control.live_run import LiveRun, Parts
from simkit.filters.crew import Crew
from simkit.filters.queue import FilterQueue
from simkit.final_verdicts import FinalVerdicts
from simkit.garbage import rare_collections
from simkit.kept_config import keep_changed
from simkit.log import log_to
from simkit.loop_lag import LoopLag, watched_loop
from simkit.measured_session import Gauged, measured_session
from simkit.model_families import related_judges
from simkit.pace import NOTHING, in_words
from simkit.prompts import Prompts
from simkit.providers import Providers
from simkit.python_tools.opened import PythonTools
from simkit.run_pace import run_pace
from simkit.scheduler import InFlight, work_through
from simkit.session import next_number
from simkit.stages import Judged, Played
from simkit.standing import PROMPTS, Standing
from simkit.steering import Steering
from simkit.traces.events import Preparing, Resumed
from simkit.traces.full_disk import full_disk_named
from simkit.traces.records import Scenario, Trajectory, Verdict
from simkit.traces.run_directory import RunDirectory
from simkit.traces.run_reader import RunReader
from simkit.traces.store import Store

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Playing:
    """What scenarios are played and judged with, and where what comes of them goes."""

    directory: RunDirectory
    config: RunConfig
    prompts: Prompts
    standing: Standing
    """How far the run has come; what is judged is left out."""
    providers: Providers
    budget: Budget
    bus: Bus
    steering: Steering = field(default_factory=Steering.none)
    benchmarks: Benchmarks = field(default_factory=Benchmarks)
    tools: PythonTools = field(default_factory=PythonTools)

    async def play(
        self,
        scenarios: Iterable[Scenario],
        notes: Mapping[str, str],
        beginning: Beginning | None = None,
    ) -> InFlight:
        """Play, store and judge *scenarios*, which all go on from *beginning* if there is one.

        Args:
            notes: What is to be known about the run, besides its prompts.
        """
        with (
            full_disk_named(self.directory.path),
            self.directory.log_path.open("a") as file,
            log_to(file),
            rare_collections(),
        ):
            return await self._play(scenarios, notes, beginning)

    async def _play(
        self,
        scenarios: Iterable[Scenario],
        notes: Mapping[str, str],
        beginning: Beginning | None,
    ) -> InFlight:
        in_flight, path = InFlight(), self.directory.database_path
        left = (s for s in scenarios if s.number not in self.standing.judged)
        async with Store.open(path) as store, watched_loop() as lag:
            await self._note_start(notes, store)
            with RunReader(path) as reader:
                scenarios = self.steering.following(left)
                await self._stream(scenarios, beginning, store, reader, in_flight, lag)
            _log.info(
                "run ended",
                peak_in_flight=in_flight.peak,
                unseen_events=self.bus.dropped,
                worst_event_loop_lag_seconds=round(lag.worst_seconds, 3),
            )
            self.providers.log_limits()
            _log_spending(self.budget)
        if leaked := self.providers.leaked():
            raise RuntimeError(f"{leaked} reservations of the limiters were never closed")
        return in_flight

    async def _note_start(self, notes: Mapping[str, str], store: Store) -> None:
        for name, value in {**notes, **self.benchmarks.notes, **self.tools.notes}.items():
            await store.save_meta(name, value)
        await store.save_meta(PROMPTS, orjson.dumps(self.prompts.hashes).decode())
        wanted, done = self.config.run.conversations, self.standing.outcomes
        _log.info("run started", conversations=wanted, **notes, **done)
        for warning in related_judges([judge.model for judge in self.config.judges], self.config):
            _log.warning(warning)
        if not self.standing.is_new:
            self.bus.publish(
                Resumed(kept=done["kept"], dropped=done["dropped"], failed=done["failed"])
            )

    async def _stream(
        self,
        scenarios: Iterable[Scenario],
        beginning: Beginning | None,
        store: Store,
        reader: RunReader,
        in_flight: InFlight,
        lag: LoopLag,
    ) -> None:
        config, budget, bus, steering = self.config, self.budget, self.bus, self.steering
        voices = self.providers.voices(store, on_answer=bus.publish, on_retry=bus.publish)
        real = self.tools.voices(store, self.providers.drain)
        crew = Crew(min(config.run.concurrency, config.run.conversations))
        likeness = config.filters.near_duplicates
        accept = Judged(store, steering.learn, bus, compared=likeness > 0)
        final = FinalVerdicts(
            accept,
            near_duplicates=likeness,
            in_flight=crew.size,
        )
        await self._remember_kept(final, reader)

        def begin(scenario: int) -> None:
            budget.begin(scenario)
            final.begin(scenario)

        async def judged(trajectory: Trajectory, verdict: Verdict) -> None:
            budget.end(trajectory.scenario.number)
            await final.take(trajectory, verdict)

        filters = FilterQueue(
            pipeline(voices.judges, self.prompts, more=self.benchmarks.checks),
            judged,
            size=config.filter_queue,
            workers=config.filter_workers,
        )
        pace = run_pace(
            self.providers,
            store,
            filters,
            in_flight,
            budget=budget,
            final=final,
            steering=steering,
            lag=lag,
            concurrency=lambda: crew.size,
            filter_queue=config.filter_queue,
        )
        gauged = Gauged(
            concurrency=lambda: crew.size,
            filter_workers=lambda: filters.workers,
            peak_conversations=lambda: in_flight.peak,
            conversations=lambda: accept.stored,
            accounts=self.providers.sessions,
        )
        live = LiveRun(
            config,
            Parts(
                providers=self.providers,
                crew=crew,
                filters=filters,
                final=final,
                keep=lambda new: keep_changed(self.directory, new, budget.prices),
                done=lambda: len(self.standing.judged) + accept.stored,
                in_flight=lambda: in_flight.now,
                limiting=lambda: in_words(pace.recent(anyio.current_time())) or NOTHING,
            ),
        )
        number = next_number(self.standing.meta)
        async with (
            bus.controlled(live),
            measured_session(store, pace, gauged, number=number),
            filters as queue,
            steering.settling(store.save_meta),
        ):
            bus.gauges = Gauges(
                in_flight=lambda: in_flight.now,
                filters_waiting=lambda: queue.waiting + final.waiting,
                limiting=lambda: pace.recent(anyio.current_time()),
                spending=budget.spending,
                not_started=lambda: budget.not_started,
                loop_behind_seconds=lambda: lag.recent_max_seconds,
                paused_seconds=lambda: self.providers.pause.seconds,
                folder=self.directory.path,
            )
            await work_through(
                scenarios,
                Played(
                    conversations(config, voices.roles, self.prompts, beginning, real),
                    store,
                    partial(_unjudged, self.standing, reader),
                    queue.put,
                    in_flight,
                    begin,
                    bus,
                ),
                concurrency=crew,
                may_start=partial(steering.may_start, partial(final.may_start, budget.may_start)),
            )

    async def _remember_kept(self, final: FinalVerdicts, reader: RunReader) -> None:
        """Have *final* compare with what was kept before, where anything is still to be played."""
        kept = self.standing.outcomes["kept"]
        if kept and len(self.standing.judged) < self.config.run.conversations:
            what = "kept conversations compared"
            await final.remember(
                reader,
                lambda done: self.bus.publish(Preparing(what=what, done=done, total=kept)),
            )


def _unjudged(standing: Standing, reader: RunReader, scenario: int) -> Trajectory | None:
    """The trajectory of *scenario* when it was played earlier and not judged."""
    if scenario not in standing.unjudged:
        return None
    stored = reader.trajectory(scenario)
    return None if stored is None else stored.trajectory


def _log_spending(budget: Budget) -> None:
    if budget.not_started:
        _log.warning(
            "the budget does not reach for all conversations; raise it under [budget]",
            not_started=budget.not_started,
        )
    for line in budget.spending():
        _log.info("spent", unit=line.unit, amount=round(line.spent, 6), limit=line.limit)
    for (model, role), paid in budget.ledger.paid.items():
        _log.info("spent on a role", model=model, role=role, **asdict(paid))
