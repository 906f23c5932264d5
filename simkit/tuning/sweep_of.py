"""A sweep over the settings of a saved run, or of an example that is stated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from simkit.config import ConfigError, RunConfig
from simkit.counted import counted
from simkit.one_run import open_run
from simkit.prices import load_prices
from simkit.session import Session, sessions_of
from simkit.traces.run_reader import RunReader
from simkit.tuning.grid import MOST_IN_FLIGHT, Ways
from simkit.tuning.limits_of_run import Assumed, Given, assumed_limits
from simkit.tuning.processes import open_processes
from simkit.tuning.recorded import read_workload
from simkit.tuning.rehearsal import rehearse
from simkit.tuning.stated import stated_workload
from simkit.tuning.sweep import Sweep, derived_workers, sweep
from simkit.tuning.sweep_progress import sweep_progress
from simkit.tuning.sweep_text import Told
from simkit.tuning.terms import ProviderTerms
from simkit.tuning.workload import Workload, calls_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is rehearsed."""

    name: str
    config: RunConfig
    workload: Workload
    sessions: tuple[Session, ...] = ()
    stated: Mapping[str, ProviderTerms] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How it is rehearsed."""

    given: Given
    conversations: int | None
    """None: as many as the configuration says."""
    concurrency: tuple[int, ...]
    """Empty: to be searched; so for the next."""
    filter_workers: tuple[int, ...]
    full: bool
    """Every setting with all conversations."""
    seed: int


def run_source(path: Path) -> Source:
    """The run in the folder *path*.

    Raises:
        RunDirectoryError, ConfigError, StoreError: It cannot be read.
        NothingRecorded: It holds no answered call.
    """
    directory, config = open_run(path)
    with RunReader(directory.database_path) as reader:
        sessions = sessions_of(reader.meta())
    workload = read_workload(directory)
    return Source(name=str(path), config=config, workload=workload, sessions=sessions)


def example_source(name: str) -> Source:
    """The example *name*, or the file that is one.

    Raises:
        ConfigError: There is none, or something in it is wrong.
    """
    found = stated_workload(name)
    return Source(
        name=f"the example {name}",
        config=found.config,
        workload=found.workload,
        stated=found.terms,
    )


def swept(source: Source, wanted: Wanted) -> Told:
    """Rehearse settings of *source* in processes of their own, and show progress.

    Raises:
        ConfigError, TermsError: A limit is none, or the prices cannot be read.
        ProcessDied: A process is gone.
    """
    assumed = assumed_limits(
        source.config, wanted.given, sessions=source.sessions, stated=source.stated
    )
    conversations = wanted.conversations or source.config.run.conversations
    asked = Sweep(
        config=assumed.config,
        workload=source.workload,
        terms=assumed.terms,
        conversations=conversations,
        ways=Ways(
            concurrency=tuple(min(one, conversations) for one in wanted.concurrency),
            filter_workers=wanted.filter_workers,
            most=min(conversations, MOST_IN_FLIGHT),
            derived=partial(derived_workers, assumed.config),
        ),
        seed=wanted.seed,
        full=wanted.full,
    )
    with open_processes() as processes, sweep_progress() as watch:
        found = sweep(asked, rehearse, processes, watch)
    return Told(
        of=source.name,
        swept=found,
        assumed=assumed,
        conversations=conversations,
        doubts=(
            *source.workload.doubts,
            *too_large(source.workload, assumed),
            *_all_at_once(wanted.concurrency, conversations),
        ),
        currency=_currency(source.config),
    )


def too_large(workload: Workload, assumed: Assumed) -> Iterator[str]:
    """A sentence for each limit of tokens that a single call goes beyond."""
    calls = [call for one in workload.conversations for call in calls_of(one)]
    read = max((call.input_tokens for call in calls), default=0)
    written = max((call.output_tokens for call in calls), default=0)
    both = max((call.input_tokens + call.output_tokens for call in calls), default=0)
    largest = {
        "tokens_per_minute": both,
        "input_tokens_per_minute": read,
        "output_tokens_per_minute": written,
    }
    for limit in assumed.limits:
        if largest.get(limit.name, 0) > limit.value:
            yield (
                f"The largest call has {largest[limit.name]:,} "
                f"{limit.name.removesuffix('_per_minute').replace('_', ' ')}, more than the "
                f"{limit.value:,.0f} a minute of {limit.provider}: here it goes when a minute's "
                "quota is there; some providers never answer such a call."
            )


def _all_at_once(concurrency: Sequence[int], conversations: int) -> Iterator[str]:
    """A sentence where some of *concurrency* can be no more than all *conversations* at once."""
    beyond = [f"{one:,}" for one in concurrency if one > conversations]
    if beyond:
        yield (
            f"There are only {counted(conversations, 'conversation')} to play, so "
            f"{' and '.join(beyond)} in flight would be the same as {conversations:,}, which was "
            "tried instead."
        )


def _currency(config: RunConfig) -> str | None:
    try:
        return load_prices(config.budget.prices).currency
    except ConfigError:
        return None
