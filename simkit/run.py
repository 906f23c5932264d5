"""A whole run: scenarios in, judged trajectories in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.to_thread
import orjson
import structlog

from simkit.budget import Budget, open_budget
from simkit.bus import Bus, Gauges
from simkit.casting import conversations, pipeline
from simkit.config import RunConfig
from simkit.config_check import check_run
from simkit.config_file import load_config, to_toml
from simkit.drain import Drain
from simkit.embedding_stack import open_embedder
from simkit.filters.queue import FilterQueue
from simkit.garbage import rare_collections
from simkit.log import log_to
from simkit.loop_lag import NOTABLE_SECONDS, LoopLag, watched_loop
from simkit.prompts import package_prompts
from simkit.providers import Providers, open_providers
from simkit.same_data import check_belongs, check_same_data, check_same_prompts, data_digest
from simkit.scenarios import Ground, ground_of, prepare
from simkit.scheduler import InFlight, work_through
from simkit.spending import Spending
from simkit.stages import Judged, Played
from simkit.standing import DATA, PROMPTS, Standing, read_standing
from simkit.traces.events import Preparing, Resumed
from simkit.traces.records import Scenario, Trajectory
from simkit.traces.run_directory import RunDirectory, RunDirectoryError
from simkit.traces.store import RunReader, Store

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


async def run(config: RunConfig, out: Path, bus: Bus, drain: Drain | None = None) -> RunSummary:
    """Play, store and judge every conversation of *config* into the directory *out*.

    Where *out* holds a run already, it goes on: what is judged stays, what was played is
    judged, and what was being played is played again with the replies that are recorded.

    A trajectory is announced on *bus* after it is in the store, never before. The bus is
    closed at the end. A run that its budget stops ends normally; the summary tells how many
    conversations were not started.

    Args:
        drain: To be requested, and waited for, before this is cancelled: then no reply that
            is on its way is lost.

    Raises:
        ConfigError, CatalogError, EmbedderUnavailable: It cannot start.
        ConfigError: The run in *out* was made with another configuration, which would mix
            two sets of data.
        RunDirectoryError: *out* is something else, or another process is at it.
        AccountProblem: A provider cannot be used until a person acts.
        StoreError: The disk failed, or the database of *out* is damaged.

    Whatever was stored before an error or a cancellation stays; a new directory in which
    nothing was stored is removed.
    """
    started = anyio.current_time()
    drain = drain or Drain()
    try:
        check_run(config)
        async with AsyncExitStack() as stack:
            known = await _known(config, out, stack)
            budget = open_budget(config, known.standing)
            ground = known.ground or await _prepared(config, out, budget, bus)
            providers = await stack.enter_async_context(
                open_providers(config, budget.ledger, budget.prices, bus, drain)
            )
            await providers.check()
            directory = known.directory or _created(config, out, stack)
            if known.ground is None:
                ground.graph.save(directory.graph_path)
            if known.directory is not None:
                directory.write_config(to_toml(config))
            try:
                with directory.log_path.open("a") as file, log_to(file), rare_collections():
                    in_flight = await _play_into(
                        directory, config, ground, known.standing, providers, budget, bus
                    )
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is there of a run before it starts; of a new one, nothing."""

    directory: RunDirectory | None = None
    ground: Ground | None = None
    standing: Standing = field(default_factory=Standing)


async def _known(config: RunConfig, out: Path, stack: AsyncExitStack) -> _Known:
    if not RunDirectory.is_run(out):
        RunDirectory.check_free(out)
        return _Known()
    directory = RunDirectory.open(out)
    before = load_config(directory.config_path, {})
    check_same_data(before, config, out)
    stack.enter_context(directory.locked())
    await anyio.to_thread.run_sync(directory.check_whole)
    standing = await anyio.to_thread.run_sync(read_standing, directory.database_path)
    if standing.is_fork:
        raise RunDirectoryError(f"{out} is a fork; go on with the `simkit fork` that made it")
    check_same_prompts(standing.prompts, package_prompts().hashes, out)
    ground = None
    if directory.graph_path.exists() or not standing.is_new:
        ground = await anyio.to_thread.run_sync(ground_of, directory.graph_path, config)
        check_belongs(standing.data, data_digest(before, directory.graph_path), out)
    return _Known(directory=directory, ground=ground, standing=standing)


async def _prepared(config: RunConfig, out: Path, budget: Budget, bus: Bus) -> Ground:
    async with open_embedder(config, budget.ledger, budget.prices) as hosted:
        # Abandoned when cancelled: nobody should have to wait for an embedding to finish.
        return await anyio.to_thread.run_sync(
            prepare, config, _announcing(bus), hosted, abandon_on_cancel=True
        )


def _created(config: RunConfig, out: Path, stack: AsyncExitStack) -> RunDirectory:
    directory = RunDirectory.create(out, to_toml(config))
    stack.enter_context(directory.locked())
    return directory


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
    standing: Standing,
    providers: Providers,
    budget: Budget,
    bus: Bus,
) -> InFlight:
    in_flight = InFlight()
    async with Store.open(directory.database_path) as store, watched_loop() as lag:
        await store.save_meta(DATA, data_digest(config, directory.graph_path))
        await _note_start(config, ground, standing, store, bus)
        prompts = package_prompts()
        voices = providers.voices(store, on_answer=bus.publish, on_retry=bus.publish)
        async with FilterQueue(
            pipeline(voices, prompts),
            Judged(store, budget, bus),
            size=config.filter_queue,
            workers=config.filter_workers,
        ) as queue:
            bus.gauges = Gauges(
                in_flight=lambda: in_flight.now,
                filters_waiting=lambda: queue.waiting,
                limiting=lambda: _limiting(providers, budget, lag),
                spending=budget.spending,
                not_started=lambda: budget.not_started,
                loop_behind_seconds=lambda: lag.recent_max_seconds,
            )
            with RunReader(directory.database_path) as reader:
                await work_through(
                    _to_do(ground, config, standing),
                    Played(
                        conversations(config, voices, prompts),
                        store,
                        partial(_unjudged, standing, reader),
                        queue.put,
                        in_flight,
                        budget,
                        bus,
                    ),
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


async def _note_start(
    config: RunConfig, ground: Ground, standing: Standing, store: Store, bus: Bus
) -> None:
    await store.save_meta(PROMPTS, orjson.dumps(package_prompts().hashes).decode())
    for name, value in ground.facts.items():
        await store.save_meta(name, value)
    done = standing.outcomes
    _log.info("run started", conversations=config.run.conversations, **ground.facts, **done)
    if not standing.is_new:
        bus.publish(Resumed(kept=done["kept"], dropped=done["dropped"], failed=done["failed"]))


def _to_do(ground: Ground, config: RunConfig, standing: Standing) -> Iterator[Scenario]:
    """The scenarios that are not through, in order."""
    for scenario in islice(ground.walker.scenarios(), config.run.conversations):
        if scenario.number not in standing.judged:
            yield scenario


def _unjudged(standing: Standing, reader: RunReader, scenario: int) -> Trajectory | None:
    """The trajectory of *scenario* when it was played earlier and not judged."""
    if scenario not in standing.unjudged:
        return None
    stored = reader.trajectory(scenario)
    return None if stored is None else stored.trajectory


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
