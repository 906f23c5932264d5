"""Continues a stored conversation from one of its messages, as a run of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import anyio.to_thread

from simkit.agents.beginning import Beginning
from simkit.benchmarks import opened_benchmarks
from simkit.budget import open_budget
from simkit.bus import Bus
from simkit.config import RunConfig
from simkit.config_check import check_run
from simkit.config_file import load_config, to_toml
from simkit.drain import Drain
from simkit.fork_note import PARENT, PARENT_FOLDER, ForkNote
from simkit.fork_point import ForkError, fork_point
from simkit.kept_config import keep_config
from simkit.one_run import check_one_run, open_run
from simkit.playing import Playing
from simkit.prompts import (
    Prompts,
    filling_in,
    keep_prompts,
    own_prompts,
    package_prompts,
    prompts_from,
)
from simkit.providers import open_providers
from simkit.python_tools.opened import open_python_tools
from simkit.run import RunSummary
from simkit.same_data import check_same_data, check_same_prompts
from simkit.standing import Standing, read_standing
from simkit.traces.records import Scenario
from simkit.traces.run_directory import RunDirectory, RunDirectoryError
from simkit.traces.run_reader import RunReader
from simkit.traces.seeds import derive_seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """How a stored conversation is to go on; make it with `open_fork`."""

    beginning: Beginning
    scenario: Scenario
    """The parent's."""
    folder: Path
    """The parent's."""
    prompts: Path | None
    """Folder of the prompts in the place of simkit's; None: simkit's own."""

    def scenarios(self, count: int) -> Iterator[Scenario]:
        """The first *count* continuations: what they are about is the same, the seeds differ."""
        for number in range(count):
            seed = derive_seed(self.scenario.seed, "fork", self.beginning.parent.turn, number)
            yield replace(self.scenario, number=number, seed=seed)

    @property
    def note(self) -> ForkNote:
        """What is continued and how."""
        return ForkNote.of(self.beginning)

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
                benchmarks = await opened_benchmarks(config.filters.decontaminate)
                benchmarks.check_same(known.standing.meta, out)
                tools = await stack.enter_async_context(open_python_tools(config.tools))
                tools.check_same(known.standing.meta, out)
                tools.check_offered(self.scenario.functions)
                budget = open_budget(config, known.standing)
                providers = await stack.enter_async_context(
                    open_providers(config, budget.ledger, budget.prices, bus, drain)
                )
                await providers.check()
                directory = known.directory or self._created(config, out, stack)
                keep_config(directory, config, budget.prices, comment=self._comment)
                playing = Playing(
                    directory=directory,
                    config=config,
                    prompts=prompts,
                    standing=known.standing,
                    providers=providers,
                    budget=budget,
                    bus=bus,
                    benchmarks=benchmarks,
                    tools=tools,
                )
                scenarios = self.scenarios(config.run.conversations)
                notes = {PARENT: self.note.as_json, PARENT_FOLDER: _text(self.folder.absolute())}
                try:
                    if self.prompts is not None:
                        keep_prompts(self.prompts, directory.path)
                    with filling_in(self.prompts):
                        in_flight = await playing.play(scenarios, notes, self.beginning)
                except BaseException:
                    directory.discard()
                    raise
        finally:
            bus.close()
        return RunSummary.of(
            directory, known.standing, budget, peak=in_flight.peak, started=started
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
        before = load_config(directory.config_path, {})
        await anyio.to_thread.run_sync(check_one_run, directory, before)
        standing = await anyio.to_thread.run_sync(read_standing, directory.database_path)
        check_same_data(_but_for_unused(before, config, standing), config, out)
        check_same_prompts(standing.prompts, prompts.hashes, out)
        return _Known(directory=directory, standing=standing)

    def _check_same(self, directory: RunDirectory) -> None:
        with RunReader(directory.database_path) as reader:
            meta = reader.meta()
        noted = ForkNote.in_meta(meta)
        if meta and noted != self.note:  # without any, it was killed before it had begun
            what = "a run that is no fork" if noted is None else "another fork"
            raise RunDirectoryError(
                f"{directory.path} holds {what}; choose a new folder with --out"
            )

    def _created(self, config: RunConfig, out: Path, stack: AsyncExitStack) -> RunDirectory:
        directory = RunDirectory.create(out, self._comment + to_toml(config))
        stack.enter_context(directory.locked())
        return directory

    @property
    def _comment(self) -> str:
        note = self.note.as_json.replace("\x7f", "\\u007f")  # JSON may hold it, a comment may not
        return f"# A fork; its parent: {note}\n"


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
    directory, _ = open_run(run)
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
        folder=directory.path,
        prompts=prompts or own_prompts(directory.path),
    )


def noted_fork(out: Path) -> ForkNote | None:
    """What the fork in the folder *out* continues; None when there is none.

    Raises:
        RunDirectoryError, StoreError: It cannot be read.
    """
    if not RunDirectory.is_run(out):
        return None
    with RunReader(RunDirectory.open(out).database_path) as reader:
        return ForkNote.in_meta(reader.meta())


def _but_for_unused(before: RunConfig, now: RunConfig, standing: Standing) -> RunConfig:
    """*before* with the models of *now* where nothing was made with its own.

    So a mistyped model, found when its role is first asked, can be put right in the same folder.
    """
    asked = {role for _, role in standing.paid}
    told = bool(standing.judged or standing.unjudged)  # trajectories name their models
    roles = before.roles
    for role in now.roles_in_use:
        if role in asked or (standing.judged if role == "judge" else told):
            continue
        own = roles.of(role).model_copy(update={"model": now.role(role).model})
        roles = roles.model_copy(update={role: own})
    return before.model_copy(update={"roles": roles})


def _name(run: Path) -> str:
    """The folder's own name."""
    return _text(Path(run.resolve().name))


def _text(path: Path) -> str:
    """*path* as text; a name on the disk may be any bytes."""
    return os.fsencode(path).decode(errors="replace")
