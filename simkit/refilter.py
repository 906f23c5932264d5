"""Judges the stored conversations of a run again, and keeps both sets of verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import anyio
import anyio.to_thread
import structlog

from simkit.casting import JUDGES, pipeline
from simkit.config import ConfigError, RunConfig
from simkit.drain import Drain
from simkit.filters.pipeline import FilterPipeline
from simkit.filters.queue import FilterQueue
from simkit.filters.rules import default_checks
from simkit.log import log_to
from simkit.one_run import open_run
from simkit.prompts import package_prompts
from simkit.refilter_judge import Judge, open_judge
from simkit.spending import Spending
from simkit.traces.calls import AgentRole
from simkit.traces.records import Trajectory, Verdict
from simkit.traces.run_directory import RunDirectoryError
from simkit.traces.run_reader import RunReader
from simkit.traces.store import Store
from simkit.traces.verdict_sets import RUN_VERDICTS, is_set_name
from simkit.traces.version import __version__
from simkit.traces.voice import Voice
from simkit.verdict_changes import VerdictChanges

_log = structlog.get_logger()

_UNPAID_WORKERS = 64
"""Conversations judged at once by rules alone: their verdicts share a commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFilters:
    """What stored conversations are judged by this time, and what that is called."""

    name: str | None = None
    """Of the set of verdicts; None: the first free one of again, again-2 and so on."""
    replace: bool = False
    """Put the verdicts in the place of those that have the name."""
    without: frozenset[str] = frozenset()
    """Rules, or `JUDGES`, that are not asked."""
    judge: RunConfig | None = None
    """From `judge_config`; None: the rules alone."""

    def __post_init__(self) -> None:
        known = [*(check.name for check in default_checks()), *JUDGES]
        problems = [
            f"there is no check {name!r} to leave out; there is {', '.join(known)}"
            for name in sorted(self.without.difference(known))
        ]
        if self.name is not None and (not is_set_name(self.name) or self.name == RUN_VERDICTS):
            problems.append(
                f"a set of verdicts cannot be called {self.name!r}: it takes small letters, "
                f"digits and hyphens, 40 at most, and {RUN_VERDICTS!r} is the run's own"
            )
        if problems:
            raise ConfigError(*problems)

    @property
    def judges(self) -> tuple[str, ...]:
        """The stages with a model that are asked."""
        return tuple(name for name in JUDGES if self.judge is not None and name not in self.without)

    @property
    def in_words(self) -> str:
        """One line about who judges."""
        left_out = [check.name for check in default_checks() if check.name in self.without]
        rules = f"rules without {', '.join(left_out)}" if left_out else "all rules"
        judge = "no judge"
        if self.judge is not None and self.judges:
            judge = f"{self.judge.model.name} as {' and '.join(self.judges)}"
        return f"simkit {__version__}; {rules}; {judge}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefilterSummary:
    """How judging a run again went."""

    directory: Path
    name: str
    """Of the set of verdicts."""
    filters: str
    """One line about who judged."""
    stored: int
    """Conversations of the run."""
    changes: VerdictChanges
    """Against the run's own verdicts."""
    calls: int
    """Asked of the judge now; recorded replies are not among them."""
    spending: tuple[Spending, ...]
    """On those calls; empty without a judge."""
    is_whole: bool
    """False when the budget did not reach: then the set of verdicts is not there, or is what
    it was before."""


async def refilter(
    directory: Path,
    filters: NewFilters,
    *,
    drain: Drain | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> RefilterSummary:
    """Judge every stored conversation of the run in *directory* by *filters*.

    The run's own verdicts stay; the new ones are a set beside them, which is there whole or
    not at all. Failed conversations stay failed. What a judge replies is recorded in the
    run, so a judge that is asked the same again costs nothing, after an interruption too.

    Args:
        drain: To be requested, and waited for, before this is cancelled: then no reply that
            is on its way is lost.
        on_progress: Told how many are done, of how many, after each.

    Raises:
        RunDirectoryError: There is no run, it holds no conversation, another process is at
            it, or it has verdicts of that name which are not to be replaced.
        ConfigError: The judge cannot be used.
        AccountProblem: A provider cannot be used until a person acts.
        StoreError: The run is damaged, or cannot be written.
    """
    run, _ = open_run(directory)
    async with AsyncExitStack() as stack:
        stack.enter_context(run.locked())
        stack.enter_context(log_to(stack.enter_context(run.log_path.open("a"))))
        await anyio.to_thread.run_sync(run.check_whole)
        reader = stack.enter_context(RunReader(run.database_path))
        scenarios = sorted(scenario for scenario, _, _ in reader.outcomes())
        if not scenarios:
            raise RunDirectoryError(f"{directory} holds no conversation (yet)")
        name = _name(filters, reader.verdict_sets(), directory)
        store = await stack.enter_async_context(Store.open(run.database_path))
        judge = None
        if filters.judge is not None and filters.judges:
            opened = open_judge(filters.judge, store, drain or Drain())
            judge = await stack.enter_async_context(opened)
        await store.begin_verdicts(name)
        rejudged = _Rejudged(store, name, judge, lambda done: on_progress(done, len(scenarios)))
        await _judge_all(scenarios, reader, _pipeline(filters, judge), rejudged, judge)
        is_whole = rejudged.changes.conversations == len(scenarios) and not _was_refused(judge)
        if is_whole:
            await store.publish_verdicts(name, filters.in_words)
        else:
            await store.begin_verdicts(name)
        _log.info("judged again", verdicts=name, whole=is_whole, **rejudged.changes.after)
    return RefilterSummary(
        directory=directory,
        name=name,
        filters=filters.in_words,
        stored=len(scenarios),
        changes=rejudged.changes,
        calls=0 if judge is None else judge.calls,
        spending=() if judge is None else judge.budget.spending(),
        is_whole=is_whole,
    )


def _name(filters: NewFilters, taken: Iterable[str], directory: Path) -> str:
    taken = set(taken)
    if filters.name is None:
        names = ("again" if number == 1 else f"again-{number}" for number in count(1))
        return next(name for name in names if name not in taken)
    if filters.name in taken and not filters.replace:
        raise RunDirectoryError(
            f"{directory} has verdicts named {filters.name!r} already; choose another name with "
            "--name, or put new ones in their place with --replace"
        )
    return filters.name


def _pipeline(filters: NewFilters, judge: Judge | None) -> FilterPipeline:
    voices: dict[AgentRole, Voice] = {} if judge is None else {"judge": judge.voice}
    return pipeline(voices, package_prompts(), filters.without)


@dataclass(slots=True)
class _Rejudged:
    """Stores each new verdict and compares it with the run's own."""

    store: Store
    name: str
    judge: Judge | None
    on_progress: Callable[[int], None]
    changes: VerdictChanges = field(default_factory=VerdictChanges)
    before: dict[int, Verdict | None] = field(default_factory=dict)
    """Of the conversations that are being judged."""

    async def __call__(self, trajectory: Trajectory, verdict: Verdict) -> None:
        scenario = trajectory.scenario.number
        await self.store.add_verdict(scenario, verdict, self.name)
        if self.judge is not None:
            self.judge.budget.end(scenario)
        self.changes.add(scenario, self.before.pop(scenario), verdict)
        self.on_progress(self.changes.conversations)


async def _judge_all(
    scenarios: Iterable[int],
    reader: RunReader,
    pipeline: FilterPipeline,
    rejudged: _Rejudged,
    judge: Judge | None,
) -> None:
    """Judge *scenarios* in order, several at a time, for as long as the budget reaches."""
    workers = _UNPAID_WORKERS if judge is None else judge.at_once
    async with FilterQueue(pipeline, rejudged, size=0, workers=workers) as queue:
        for scenario in scenarios:
            if judge is not None and not await judge.budget.may_start():
                return
            stored = reader.trajectory(scenario)
            if stored is None:
                raise LookupError(f"trajectory {scenario} went while the run was locked")
            rejudged.before[scenario] = stored.verdict
            if judge is not None:
                judge.budget.begin(scenario)
            await queue.put(stored.trajectory)


def _was_refused(judge: Judge | None) -> bool:
    """Whether a call was not made because of the budget."""
    return judge is not None and judge.budget.ledger.refused_calls > 0
