"""A whole run: scenarios in, judged trajectories in the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.to_thread
import structlog

from simkit.agents import PROMPTS as AGENT_PROMPTS
from simkit.agents.conversation import Cast, Conversations, Limits
from simkit.budget import Budget, open_budget
from simkit.bus import Bus, Gauges
from simkit.config import RunConfig
from simkit.config_check import check_run
from simkit.config_file import to_toml
from simkit.embedding_stack import open_embedder
from simkit.filters.judges import PROMPTS as FILTER_PROMPTS
from simkit.filters.judges import TrajectoryJudge, TurnJudge
from simkit.filters.pipeline import FilterPipeline
from simkit.filters.queue import FilterQueue
from simkit.filters.rules import default_checks
from simkit.garbage import rare_collections
from simkit.log import log_to
from simkit.loop_lag import NOTABLE_SECONDS, LoopLag, watched_loop
from simkit.providers import Providers, open_providers
from simkit.scenarios import Ground, facts, prepare
from simkit.scheduler import InFlight, work_through
from simkit.spending import Spending
from simkit.traces.calls import AgentRole
from simkit.traces.events import (
    ConversationPlayed,
    ConversationStarted,
    Preparing,
    TrajectoryJudged,
)
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Scenario, Trajectory, Verdict
from simkit.traces.run_directory import RunDirectory
from simkit.traces.store import Store
from simkit.traces.voice import Voice

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """How a run went; what it made is in its directory."""

    directory: Path
    seconds: float
    peak_in_flight: int
    """Most conversations that were played at the same time."""
    not_started: int
    """Conversations that were wanted and not played, because of the budget."""
    spending: tuple[Spending, ...]
    """Tokens that were paid for, and money where every price is known."""


async def run(config: RunConfig, out: Path, bus: Bus) -> RunSummary:
    """Play, store and judge every conversation of *config* into the new directory *out*.

    A trajectory is announced on *bus* after it is in the store, never before. The bus is
    closed at the end. A run that its budget stops ends normally; the summary tells how many
    conversations were not started.

    Raises:
        ConfigError, CatalogError, EmbedderUnavailable: It cannot start.
        RunDirectoryError: *out* exists.
        AccountProblem: A provider cannot be used until a person acts.
        StoreError: The disk failed.

    Whatever was stored before an error or a cancellation stays; a directory in which
    nothing was stored is removed.
    """
    started = anyio.current_time()
    try:
        check_run(config)
        budget = open_budget(config)
        RunDirectory.check_free(out)
        # Abandoned when cancelled: nobody should have to wait for an embedding to finish.
        async with open_embedder(config, budget.ledger, budget.prices) as hosted:
            ground = await anyio.to_thread.run_sync(
                prepare, config, _announcing(bus), hosted, abandon_on_cancel=True
            )
        async with open_providers(config, budget.ledger, budget.prices, bus) as providers:
            await providers.check()
            directory = RunDirectory.create(out, to_toml(config))
            try:
                with directory.log_path.open("a") as file, log_to(file), rare_collections():
                    in_flight = await _play_into(directory, config, ground, providers, budget, bus)
            except BaseException:
                directory.discard()
                raise
    finally:
        bus.close()
    return RunSummary(
        directory=directory.path,
        seconds=anyio.current_time() - started,
        peak_in_flight=in_flight.peak,
        not_started=budget.not_started,
        spending=budget.spending(),
    )


def _announcing(bus: Bus) -> Callable[[int, int], None]:
    """Tells the watchers how far the embedding is; called from the thread that does it."""

    def announce(done: int, total: int) -> None:
        anyio.from_thread.check_cancelled()
        event = Preparing(what="parameters embedded", done=done, total=total)
        anyio.from_thread.run_sync(bus.publish, event)

    return announce


async def _play_into(
    directory: RunDirectory,
    config: RunConfig,
    ground: Ground,
    providers: Providers,
    budget: Budget,
    bus: Bus,
) -> InFlight:
    in_flight = InFlight()
    async with Store.open(directory.database_path) as store, watched_loop() as lag:
        noted = facts(ground)
        for name, value in noted.items():
            await store.save_meta(name, value)
        _log.info("run started", conversations=config.run.conversations, **noted)
        voices = providers.voices(store, on_answer=bus.publish, on_retry=bus.publish)
        accept = _Judged(store, budget, bus)
        async with FilterQueue(
            _pipeline(voices), accept, size=config.filter_queue, workers=config.filter_workers
        ) as queue:
            bus.gauges = Gauges(
                in_flight=lambda: in_flight.now,
                filters_waiting=lambda: queue.waiting,
                limiting=lambda: _limiting(providers, budget, lag),
                spending=budget.spending,
                not_started=lambda: budget.not_started,
                loop_behind_seconds=lambda: lag.recent_max_seconds,
            )
            conversations = _conversations(config, voices)
            work = _Played(conversations, store, queue.put, in_flight, budget, bus)
            await work_through(
                islice(ground.walker.scenarios(), config.run.conversations),
                work,
                concurrency=min(config.run.concurrency, config.run.conversations),
                may_start=budget.may_start,
            )
        _log.info(
            "run ended",
            peak_in_flight=in_flight.peak,
            unseen_events=bus.dropped,
            worst_event_loop_lag_seconds=round(lag.worst_seconds, 3),
        )
        providers.log_limits()
        _log_spending(budget)
    if leaked := providers.leaked():
        raise RuntimeError(f"{leaked} reservations of the limiters were never closed")
    return in_flight


def _limiting(providers: Providers, budget: Budget, lag: LoopLag) -> str:
    """What sets the pace now."""
    if budget.is_holding_back:
        return "the budget"
    limit = providers.limiting()
    if limit == "nothing" and lag.recent_max_seconds > NOTABLE_SECONDS:
        return "this machine's CPU"
    return limit


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


def _conversations(config: RunConfig, voices: dict[AgentRole, Voice]) -> Conversations:
    limits = config.conversation
    return Conversations(
        Cast(
            writer=voices["writer"],
            user=voices["user"],
            assistant=voices["assistant"],
            tool=voices["tool"],
        ),
        PromptSet(AGENT_PROMPTS),
        Limits(
            max_messages=limits.max_messages,
            max_calls_per_turn=limits.max_calls_per_turn,
            max_tool_rounds=limits.max_tool_rounds,
            max_errors=limits.max_errors,
        ),
        run_seed=config.run.seed,
    )


def _pipeline(voices: dict[AgentRole, Voice]) -> FilterPipeline:
    if "judge" not in voices:
        return FilterPipeline(default_checks(), None, None)
    voice = voices["judge"]
    if voice.temperature is None:
        voice = replace(voice, temperature=0.0)  # a judge should say the same thing twice
    prompts = PromptSet(FILTER_PROMPTS)
    return FilterPipeline(
        default_checks(), TrajectoryJudge(voice, prompts), TurnJudge(voice, prompts)
    )


class _Played:
    """Plays one scenario, stores it, and hands it to the filters."""

    def __init__(
        self,
        conversations: Conversations,
        store: Store,
        put: Callable[[Trajectory], Awaitable[None]],
        in_flight: InFlight,
        budget: Budget,
        bus: Bus,
    ) -> None:
        self._conversations = conversations
        self._store = store
        self._put = put
        self._in_flight = in_flight
        self._budget = budget
        self._bus = bus

    async def __call__(self, scenario: Scenario) -> None:
        self._budget.begin(scenario.number)
        started = anyio.current_time()
        with self._in_flight:
            self._bus.publish(ConversationStarted(scenario=scenario.number))
            trajectory = await self._conversations.play(scenario)
            seconds = anyio.current_time() - started
            await self._store.save_trajectory(trajectory, seconds=seconds)
        if trajectory.ended == "failed":
            _log.info(
                "conversation failed",
                scenario=scenario.number,
                cause=trajectory.cause,
                error=trajectory.error,
            )
        self._bus.publish(
            ConversationPlayed(
                scenario=scenario.number,
                ended=trajectory.ended,
                cause=trajectory.cause,
                messages=len(trajectory.messages),
            )
        )
        await self._put(trajectory)  # waits while the filters are behind


class _Judged:
    """Stores a verdict, closes the conversation's account, then announces it."""

    def __init__(self, store: Store, budget: Budget, bus: Bus) -> None:
        self._store = store
        self._budget = budget
        self._bus = bus

    async def __call__(self, trajectory: Trajectory, verdict: Verdict) -> None:
        scenario = trajectory.scenario.number
        await self._store.save_verdict(scenario, verdict)
        self._budget.end(scenario)
        self._bus.publish(
            TrajectoryJudged(
                scenario=scenario,
                outcome=verdict.outcome,
                checks=tuple(dict.fromkeys(reason.check for reason in verdict.reasons)),
                masked_turns=len(verdict.masked),
                trained_turns=len(verdict.turns) - len(verdict.masked),
            )
        )
