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

from simkit.benchmarks import Benchmarks, opened_benchmarks
from simkit.casting import pipeline
from simkit.config import ConfigError, FiltersSection, RunConfig
from simkit.drain import Drain
from simkit.filters.decontaminate import BENCHMARK_OVERLAP
from simkit.filters.pipeline import FilterPipeline
from simkit.filters.queue import FilterQueue
from simkit.filters.rules import default_checks
from simkit.final_verdicts import FinalVerdicts
from simkit.log import log_to
from simkit.model_families import related_judges
from simkit.one_run import open_run
from simkit.prompts import package_prompts
from simkit.refilter_judge import Judge, open_judge
from simkit.ruling_watch import RulingWatch
from simkit.spending import Spending
from simkit.traces.filter_stages import JUDGES, NEAR_DUPLICATE
from simkit.traces.records import Trajectory, Verdict
from simkit.traces.rows import as_stored
from simkit.traces.run_directory import RunDirectoryError
from simkit.traces.run_reader import RunReader
from simkit.traces.store import Store
from simkit.traces.verdict_sets import RUN_VERDICTS, is_set_name
from simkit.traces.version import __version__
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
    """Rules, `JUDGES`, or what compares with others, that are not asked."""
    compare: FiltersSection = field(default_factory=FiltersSection)
    """Says what conversations are compared with: each other, and benchmarks."""
    judge: RunConfig | None = None
    """From `judge_config`; None: the rules alone."""

    def __post_init__(self) -> None:
        rules = [check.name for check in default_checks()]
        known = [*rules, BENCHMARK_OVERLAP, *JUDGES, NEAR_DUPLICATE]
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
    def benchmarks(self) -> tuple[Path, ...]:
        """Files that conversations are compared with."""
        return () if BENCHMARK_OVERLAP in self.without else self.compare.decontaminate

    @property
    def near_duplicates(self) -> float:
        """Likeness from which on conversations count as the same; 0: never."""
        return 0.0 if NEAR_DUPLICATE in self.without else self.compare.near_duplicates

    @property
    def in_words(self) -> str:
        """One line about who judges."""
        left_out = [check.name for check in default_checks() if check.name in self.without]
        rules = f"rules without {', '.join(left_out)}" if left_out else "all rules"
        judge = "no judge"
        if self.judge is not None and self.judges:
            models = (self.judge.model.name, *(other.model for other in self.judge.filters.panel))
            judge = f"{', '.join(map(str, models))} as {' and '.join(self.judges)}"
        compared = [f"near duplicates from {self.near_duplicates}"] if self.near_duplicates else []
        if self.benchmarks:
            compared.append(f"overlap with {', '.join(path.name for path in self.benchmarks)}")
        return "; ".join([f"simkit {__version__}", rules, judge, *compared])


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
        ConfigError: The judge, or a benchmark file, cannot be used.
        AccountProblem: A provider cannot be used until a person acts.
        StoreError: The run is damaged, or cannot be written.
    """
    run, config = open_run(directory)
    async with AsyncExitStack() as stack:
        stack.enter_context(run.locked())
        stack.enter_context(log_to(stack.enter_context(run.log_path.open("a"))))
        await anyio.to_thread.run_sync(run.check_whole)
        reader = stack.enter_context(RunReader(run.database_path))
        scenarios = sorted(scenario for scenario, _, _ in reader.outcomes())
        if not scenarios:
            raise RunDirectoryError(f"{directory} holds no conversation (yet)")
        name = _name(filters, reader.verdict_sets(), directory)
        benchmarks = await opened_benchmarks(filters.benchmarks)
        store = await stack.enter_async_context(Store.open(run.database_path))
        judge = None
        if filters.judge is not None and filters.judges:
            opened = open_judge(filters.judge, store, drain or Drain())
            judge = await stack.enter_async_context(opened)
            judges = [settings.model for settings in filters.judge.judges]
            for warning in related_judges(judges, config):
                _log.warning(warning)
        await store.begin_verdicts(name)
        rejudged = _Rejudged(store, name, lambda done: on_progress(done, len(scenarios)))
        judging = _Judging(
            _pipeline(filters, judge, benchmarks), filters.near_duplicates, rejudged, judge
        )
        await judging.judge_all(scenarios, reader)
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


def _pipeline(filters: NewFilters, judge: Judge | None, benchmarks: Benchmarks) -> FilterPipeline:
    voices = () if judge is None else judge.voices
    return pipeline(voices, package_prompts(), filters.without, benchmarks.checks)


@dataclass(slots=True)
class _Rejudged:
    """Stores each new verdict and compares it with the run's own."""

    store: Store
    name: str
    on_progress: Callable[[int], None]
    changes: VerdictChanges = field(default_factory=VerdictChanges)
    before: dict[int, Verdict | None] = field(default_factory=dict)
    """Of the conversations that are being judged."""
    watch: RulingWatch = field(default_factory=RulingWatch)

    async def __call__(self, scenario: int, verdict: Verdict) -> None:
        await self.store.add_verdict(scenario, verdict, self.name)
        self.watch.see(as_stored(verdict))
        self.changes.add(scenario, self.before.pop(scenario), verdict)
        self.on_progress(self.changes.conversations)


class _Judging:
    """Judges stored conversations by *pipeline*, and drops near duplicates."""

    def __init__(
        self,
        pipeline: FilterPipeline,
        near_duplicates: float,
        rejudged: _Rejudged,
        judge: Judge | None,
    ) -> None:
        self._workers = _UNPAID_WORKERS if judge is None else judge.at_once
        self._pipeline = pipeline
        self._final = FinalVerdicts(
            rejudged, near_duplicates=near_duplicates, in_flight=self._workers
        )
        self._before = rejudged.before
        self._budget = None if judge is None else judge.budget

    async def judge_all(self, scenarios: Iterable[int], reader: RunReader) -> None:
        """Judge *scenarios* in order, several at a time, for as long as the budget reaches."""
        queue = FilterQueue(self._pipeline, self._judged, size=0, workers=self._workers)
        async with queue:
            for scenario in scenarios:
                if not await self._final.may_start(self._may_start):
                    return
                stored = reader.trajectory(scenario)
                if stored is None:
                    raise LookupError(f"trajectory {scenario} went while the run was locked")
                self._before[scenario] = stored.verdict
                self._final.begin(scenario)
                if self._budget is not None:
                    self._budget.begin(scenario)
                await queue.put(stored.trajectory)

    async def _may_start(self) -> bool:
        return self._budget is None or await self._budget.may_start()

    async def _judged(self, trajectory: Trajectory, verdict: Verdict) -> None:
        if self._budget is not None:
            self._budget.end(trajectory.scenario.number)
        await self._final.take(trajectory, verdict)


def _was_refused(judge: Judge | None) -> bool:
    """Whether a call was not made because of the budget."""
    return judge is not None and judge.budget.ledger.refused_calls > 0
