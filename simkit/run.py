"""A whole run: scenarios in, judged trajectories in the store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.to_thread

from simkit.benchmarks import opened_benchmarks
from simkit.budget import Budget, open_budget
from simkit.bus import Bus
from simkit.config import RunConfig
from simkit.config_check import check_run
from simkit.config_file import load_config, to_toml
from simkit.drain import Drain
from simkit.embedding_stack import open_embedder
from simkit.fork_note import how_to_go_on
from simkit.kept_config import keep_config
from simkit.one_run import check_one_run
from simkit.playing import Playing
from simkit.prompts import package_prompts
from simkit.providers import Transports, open_providers, over_http
from simkit.python_tools.opened import open_python_tools
from simkit.same_data import check_belongs, check_same_data, check_same_prompts, data_digest
from simkit.scenarios import Ground, ground_of, prepare
from simkit.spending import Spending
from simkit.standing import DATA, Standing, read_standing
from simkit.steering import Steering
from simkit.traces.events import Preparing
from simkit.traces.functions import Function
from simkit.traces.run_directory import RunDirectory, RunDirectoryError


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
    unpriced: tuple[str, ...]
    """Models whose price is not known."""
    before: int
    """Conversations that were through when it began."""

    @classmethod
    def of(
        cls,
        directory: RunDirectory,
        standing: Standing,
        budget: Budget,
        *,
        peak: int,
        started: float,
    ) -> RunSummary:
        """Of a run that ends now, and began at the time *started* on anyio's clock."""
        return cls(
            directory=directory.path,
            seconds=anyio.current_time() - started,
            peak_in_flight=peak,
            not_started=budget.not_started,
            spending=budget.spending(),
            unpriced=budget.unpriced,
            before=len(standing.judged),
        )


async def run(
    config: RunConfig,
    out: Path,
    bus: Bus,
    drain: Drain | None = None,
    *,
    transports: Transports = over_http,
) -> RunSummary:
    """Play, store and judge every conversation of *config* into the directory *out*.

    Where *out* holds a run already, it goes on: what is judged stays, what was played is
    judged, and what was being played is played again with the replies that are recorded.

    A trajectory is announced on *bus* after it is in the store, never before. The bus is
    closed at the end. A run that its budget stops ends normally; the summary tells how many
    conversations were not started.

    Args:
        drain: To be requested, and waited for, before this is cancelled: then no reply that
            is on its way is lost.
        transports: Make the calls; see `open_providers`.

    Raises:
        ConfigError, CatalogError, EmbedderUnavailable: It cannot start. A ConfigError may also
            come later, when a file of functions that run has changed.
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
            benchmarks = await opened_benchmarks(config.filters.decontaminate)
            benchmarks.check_same(known.standing.meta, out)
            tools = await stack.enter_async_context(open_python_tools(config.tools))
            tools.check_same(known.standing.meta, out)
            budget = open_budget(config, known.standing)
            ground = known.ground or await _prepared(config, tools.functions, budget, bus)
            tools.check_offered(ground.graph.functions)
            providers = await stack.enter_async_context(
                open_providers(
                    config, budget.ledger, budget.prices, bus, drain, transports=transports
                )
            )
            await providers.check()
            directory = known.directory or _created(config, out, stack)
            if known.ground is None:
                ground.graph.save(directory.graph_path)
            keep_config(directory, config, budget.prices)
            steering = _steering(config, ground, known.standing)
            playing = Playing(
                directory=directory,
                config=config,
                prompts=package_prompts(),
                standing=known.standing,
                providers=providers,
                budget=budget,
                bus=bus,
                steering=steering or Steering.none(),
                benchmarks=benchmarks,
                tools=tools,
            )
            try:
                scenarios = ground.scenarios(
                    config.run.conversations,
                    known.standing.judged,
                    steering.outcomes if steering else None,
                )
                in_flight = await playing.play(scenarios, _notes(config, directory, ground))
            except BaseException:
                directory.discard()
                raise
    finally:
        bus.close()
    return RunSummary.of(directory, known.standing, budget, peak=in_flight.peak, started=started)


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
    if command := how_to_go_on(standing.meta, out):
        raise RunDirectoryError(f"{out} is a fork; go on with: {command}")
    check_same_prompts(standing.prompts, package_prompts().hashes, out)
    ground = None
    if directory.graph_path.exists() or not standing.is_new:
        ground = await anyio.to_thread.run_sync(ground_of, directory.graph_path, config)
        check_belongs(standing.data, data_digest(before, directory.graph_path), out)
    await anyio.to_thread.run_sync(check_one_run, directory, before)
    return _Known(directory=directory, ground=ground, standing=standing)


async def _prepared(
    config: RunConfig, tools: tuple[Function, ...], budget: Budget, bus: Bus
) -> Ground:
    async with open_embedder(config, budget.ledger, budget.prices) as hosted:
        # Abandoned when cancelled: nobody should have to wait for an embedding to finish.
        return await anyio.to_thread.run_sync(
            prepare, config, _announcing(bus), hosted, tools, abandon_on_cancel=True
        )


def _steering(config: RunConfig, ground: Ground, standing: Standing) -> Steering | None:
    """What steers the walks of this run, if they are to be steered."""
    if not config.walk.follow_yield:
        return None
    return Steering(ground.walker.outcomes_needed, config.run.conversations, standing)


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


def _notes(config: RunConfig, directory: RunDirectory, ground: Ground) -> dict[str, str]:
    return {DATA: data_digest(config, directory.graph_path), **ground.facts}
