"""Rehearses a workload with many settings, and finds the one on the knee."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import dropwhile
from typing import Protocol

from simkit.config import RunConfig
from simkit.tuning.grid import Ways, doublings, search
from simkit.tuning.knee import Knee, knee_of
from simkit.tuning.predicted import Demand, Predicted, predicted
from simkit.tuning.rehearsal_size import rehearsal_size
from simkit.tuning.rehearsed import Rehearsed, Setting
from simkit.tuning.terms import ProviderTerms
from simkit.tuning.workload import Workload

_FEWEST_TURNS = 1.5
"""Conversations for each that may be in flight: from there on settings can be compared."""
_FEWEST_CALLS = 2_000
"""Fewer leave the pace too much to chance."""
_STEADY_SECONDS = 120.0
"""Quotas are a minute's: what a provider lends of it in advance must not matter."""
_ALL_CALLS = 10_000
"""Where all the conversations make no more calls, all are rehearsed."""
_FINE_SETTINGS = 4
"""At most, around the knee: two on each of two passes."""


class Rehearse(Protocol):
    """`simkit.tuning.rehearsal.rehearse`, or what stands in for it."""

    def __call__(
        self,
        config: RunConfig,
        workload: Workload,
        terms: Mapping[str, ProviderTerms],
        *,
        conversations: int,
        seed: int = 0,
    ) -> Rehearsed: ...


class Workers(Protocol):
    """Who rehearses; see `simkit.tuning.processes.Processes`."""

    size: int

    def results(
        self,
        function: Callable[[tuple[RunConfig, int]], Rehearsed],
        items: Sequence[tuple[RunConfig, int]],
    ) -> Iterator[tuple[int, Rehearsed]]:
        """Each result as soon as it is there, with the position of its item."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What came of it."""

    tried: tuple[Predicted, ...]
    """By concurrency, then by filter workers."""
    knee: Knee

    @property
    def recommended(self) -> Predicted | None:
        """The setting on the knee; None where none gets through."""
        return next((one for one in self.tried if one.setting == self.knee.setting), None)

    @property
    def is_extrapolated(self) -> bool:
        """Whether any setting was rehearsed with fewer conversations than are wanted."""
        return any(one.is_extrapolated for one in self.tried)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is."""

    settings: int
    """Rehearsed."""
    calls: float
    """Rehearsed, about."""
    calls_at_most: float
    """To be rehearsed in all, at the most; a search mostly ends sooner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What is to be found out; see `sweep`."""

    config: RunConfig
    """What the clients are told; the settings go on top of it."""
    workload: Workload
    terms: Mapping[str, ProviderTerms]
    conversations: int
    """Wanted."""
    ways: Ways
    seed: int = 0
    full: bool = False
    """Rehearse each setting with all the conversations."""
    demand: Demand = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "demand", Demand.of(self.workload))

    def size(self, setting: Setting, found: Sequence[Predicted] = ()) -> int:
        """With how many conversations to rehearse *setting*, after what was *found*.

        See `rehearsal_size`: what makes `_FEWEST_CALLS`, and takes `_STEADY_SECONDS` at the best
        pace so far. All where they are few.
        """
        calls = max(self.demand.calls, 1.0)
        if self.full or self.conversations * calls <= _ALL_CALLS:
            return self.conversations
        pace = max((one.rehearsed.steady_calls_per_second for one in found), default=0.0)
        return rehearsal_size(
            self.conversations,
            concurrency=setting.concurrency,
            calls_each=calls,
            steady=max(_FEWEST_CALLS, _STEADY_SECONDS * pace) / calls,
            fewest_turns=_FEWEST_TURNS,
        )


def sweep(
    wanted: Sweep,
    rehearse: Rehearse,
    workers: Workers,
    watch: Callable[[Progress], None] = lambda _: None,
) -> Swept:
    """Rehearse settings until the knee is found.

    Args:
        watch: Told how far it is, at the beginning and after each rehearsal.

    Equal arguments give an equal result, but that a search looks a little elsewhere with other
    numbers of *workers*.

    Raises:
        Exception: Whatever *rehearse* raises.
    """
    play = partial(_play, rehearse, wanted.workload, wanted.terms, wanted.seed)
    found: list[Predicted] = []
    calls = 0.0
    watch(Progress(0, 0.0, _calls_at_most(wanted, found, ())))
    settings = search(wanted.ways, workers.size)
    batch: Sequence[Setting] = next(settings)
    while batch:
        sizes = [wanted.size(setting, found) for setting in batch]
        left = _calls_at_most(wanted, found, batch)
        items = [
            (with_setting(wanted.config, setting), size)
            for setting, size in zip(batch, sizes, strict=True)
        ]
        new: dict[int, Predicted] = {}
        for position, result in workers.results(play, items):
            new[position] = _predicted(wanted, batch[position], result)
            calls += sizes[position] * wanted.demand.calls
            open_calls = sum(sizes[n] for n in range(len(batch)) if n not in new)
            planned = calls + open_calls * wanted.demand.calls + left
            watch(Progress(len(found) + len(new), calls, planned))
        found += [new[position] for position in range(len(batch))]
        try:
            batch = settings.send(found)
        except StopIteration:
            break
    return Swept(tried=tuple(sorted(found, key=_order)), knee=knee_of(found))


def with_setting(config: RunConfig, setting: Setting) -> RunConfig:
    """*config* with *setting* in it; what the configuration derives itself stays unsaid."""
    run = config.run.model_copy(update={"concurrency": setting.concurrency})
    changed = config.model_copy(update={"run": run})
    if changed.filter_workers != setting.filter_workers:
        filters = config.filters.model_copy(update={"workers": setting.filter_workers})
        changed = changed.model_copy(update={"filters": filters})
    return changed


def derived_workers(config: RunConfig, concurrency: int) -> int:
    """Filter workers that *config* stands for, with another *concurrency*."""
    run = config.run.model_copy(update={"concurrency": concurrency})
    return config.model_copy(update={"run": run}).filter_workers


def _play(
    rehearse: Rehearse,
    workload: Workload,
    terms: Mapping[str, ProviderTerms],
    seed: int,
    item: tuple[RunConfig, int],
) -> Rehearsed:
    config, conversations = item
    return rehearse(config, workload, terms, conversations=conversations, seed=seed)


def _predicted(wanted: Sweep, setting: Setting, rehearsed: Rehearsed) -> Predicted:
    # What a rehearsal calls its setting may hold more, such as limits that the configuration has.
    return predicted(replace(rehearsed, setting=setting), wanted.conversations, wanted.demand)


def _calls_at_most(wanted: Sweep, found: Sequence[Predicted], batch: Sequence[Setting]) -> float:
    """Calls of the settings that may come after *batch*."""
    ways = wanted.ways
    if ways.concurrency:
        return 0.0
    begun = max((one.concurrency for one in (*(f.setting for f in found), *batch)), default=0)
    to_come = list(dropwhile(lambda size: size <= begun, doublings(ways.most)))
    sizes = [wanted.size(ways.at(size), found) for size in to_come]
    fine = _FINE_SETTINGS * max((*sizes, *(wanted.size(one, found) for one in batch)), default=0)
    return (sum(sizes) + fine) * wanted.demand.calls


def _order(one: Predicted) -> tuple[int, int]:
    return one.setting.concurrency, one.setting.filter_workers
