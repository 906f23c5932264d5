"""Continues a stored conversation from one of its messages, as a run of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import anyio.to_thread
import orjson

from simkit.agents.beginning import Beginning
from simkit.budget import open_budget
from simkit.bus import Bus
from simkit.config import RunConfig
from simkit.config_check import check_run
from simkit.config_file import load_config, to_toml
from simkit.drain import Drain
from simkit.fork_point import ForkError, fork_point
from simkit.fork_stage import ForkStage
from simkit.prompts import (
    Prompts,
    filling_in,
    keep_prompts,
    own_prompts,
    package_prompts,
    prompts_from,
)
from simkit.providers import open_providers
from simkit.run import RunSummary
from simkit.same_data import check_same_data, check_same_prompts
from simkit.standing import PARENT, Standing, read_standing
from simkit.traces.records import Scenario
from simkit.traces.run_directory import RunDirectory, RunDirectoryError
from simkit.traces.seeds import derive_seed
from simkit.traces.store import RunReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """How a stored conversation is to go on; make it with `open_fork`."""

    beginning: Beginning
    scenario: Scenario
    """The parent's."""
    prompts: Path | None
    """Folder of the prompts in the place of simkit's; None: simkit's own."""

    def scenarios(self, count: int) -> Iterator[Scenario]:
        """The first *count* continuations: what they are about is the same, the seeds differ."""
        for number in range(count):
            seed = derive_seed(self.scenario.seed, "fork", self.beginning.parent.turn, number)
            yield replace(self.scenario, number=number, seed=seed)

    @property
    def note(self) -> str:
        """What is continued and how, as JSON."""
        parent = self.beginning.parent
        told = {name: getattr(parent, name) for name in ("run", "conversation", "id", "turn")}
        if parent.user_said:
            told["user_says"] = self.beginning.messages[-1].content
        return orjson.dumps(told).decode()

    async def play(
        self, config: RunConfig, out: Path, bus: Bus, drain: Drain | None = None
    ) -> RunSummary:
        """Play, store and judge the continuations that *config* asks for, into *out*.

        Where *out* holds this fork already, it goes on as a run does. Errors, announcements
        and cancelling are those of `simkit.run.run`.

        Raises:
            PromptsError: A prompt cannot be used.
            RunDirectoryError: *out* is something else, or another process is at it.
        """
        started = anyio.current_time()
        drain = drain or Drain()
        try:
            check_run(config)
            prompts = package_prompts() if self.prompts is None else prompts_from(self.prompts)
            async with AsyncExitStack() as stack:
                known = await self._known(config, prompts, out, stack)
                budget = open_budget(config, known.standing)
                providers = await stack.enter_async_context(
                    open_providers(config, budget.ledger, budget.prices, bus, drain)
                )
                await providers.check()
                directory = known.directory or self._created(config, out, stack)
                stage = ForkStage(directory, config, prompts, providers, budget, bus)
                scenarios = self.scenarios(config.run.conversations)
                try:
                    if self.prompts is not None:
                        keep_prompts(self.prompts, directory.path)
                    with filling_in(self.prompts):
                        in_flight = await stage.play(
                            self.beginning, scenarios, self.note, known.standing
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

    async def _known(
        self, config: RunConfig, prompts: Prompts, out: Path, stack: AsyncExitStack
    ) -> _Known:
        if not RunDirectory.is_run(out):
            RunDirectory.check_free(out)
            return _Known()
        directory = RunDirectory.open(out)
        stack.enter_context(directory.locked())
        await anyio.to_thread.run_sync(directory.check_whole)
        self._check_same(directory)
        check_same_data(load_config(directory.config_path, {}), config, out)
        standing = await anyio.to_thread.run_sync(read_standing, directory.database_path)
        check_same_prompts(standing.prompts, prompts.hashes, out)
        directory.write_config(self._toml(config))
        return _Known(directory=directory, standing=standing)

    def _check_same(self, directory: RunDirectory) -> None:
        with RunReader(directory.database_path) as reader:
            meta = reader.meta()
        noted = meta.get(PARENT)
        if meta and noted != self.note:  # without any, it was killed before it had begun
            what = "a run that is no fork" if noted is None else "another fork"
            raise RunDirectoryError(
                f"{directory.path} holds {what}; choose a new folder with --out"
            )

    def _created(self, config: RunConfig, out: Path, stack: AsyncExitStack) -> RunDirectory:
        directory = RunDirectory.create(out, self._toml(config))
        stack.enter_context(directory.locked())
        return directory

    def _toml(self, config: RunConfig) -> str:
        comment = self.note.replace("\x7f", "\\u007f")  # JSON may hold it, a comment may not
        return f"# A fork; its parent: {comment}\n{to_toml(config)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is there of a fork before it starts; of a new one, nothing."""

    directory: RunDirectory | None = None
    standing: Standing = field(default_factory=Standing)


def open_fork(
    run: Path,
    conversation: int,
    turn: int,
    *,
    user_says: str | None = None,
    prompts: Path | None = None,
) -> Fork:
    """What continues *conversation* of the run in the folder *run*; it is only read.

    For *turn* and *user_says* see `fork_point`.

    Args:
        prompts: A folder of other prompts, see `prompts_from`; None: those of the run.

    Raises:
        RunDirectoryError, StoreError: The run cannot be read.
        ForkError: It holds no such conversation, or it cannot go on there.
    """
    directory = RunDirectory.open(run)
    with RunReader(directory.database_path) as reader:
        stored = reader.trajectory(conversation)
    if stored is None:
        raise ForkError(
            f"{run} holds no conversation {conversation} (yet); `simkit report {run}` tells how "
            "many there are"
        )
    return Fork(
        beginning=fork_point(stored.trajectory, _name(run), turn, user_says),
        scenario=stored.trajectory.scenario,
        prompts=prompts or own_prompts(directory.path),
    )


def _name(run: Path) -> str:
    """The folder's own name as text; a name on the disk may be any bytes."""
    return os.fsencode(run.resolve().name).decode(errors="replace")
