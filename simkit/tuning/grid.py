"""Which settings to rehearse: first far apart, then closer around the knee."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from simkit.pace import FILTERS
from simkit.tuning.knee import knee_of
from simkit.tuning.predicted import BINDING, USED_UP, Predicted
from simkit.tuning.rehearsed import Setting

MOST_IN_FLIGHT = 4_096
"""Conversations, unless the command line names more."""
_GAIN = 1.01
"""Times the throughput: what gains less is noise."""
_FLAT = 2
"""Doublings in a row that gain nothing before no more are tried."""
_FLAT_BY_QUOTA = 1
"""The same where a quota is nearly used up."""
_FLAT_BY_FILTERS = 4
"""The same where filters hold conversations up: up to 16 in flight a configuration derives the same
4 workers, and only then more."""
_FINE_PASSES = 2
"""Halving the gaps around the knee twice leaves steps of a fifth."""
_LARGE = 256
"""Concurrency from which on a rehearsal takes long, and one pass has to do."""
_FILTER_PASSES = 4
"""Doublings of the filter workers: up to sixteen times as many."""
_HELD_BY_FILTERS = 0.1
"""Share of the time from which on more filter workers may help."""

Search = Generator[Sequence[Setting], Sequence[Predicted], None]
"""Gives settings to try next, some at a time; is sent all that was found, in that order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What settings there are to choose from."""

    concurrency: tuple[int, ...] = ()
    """Exactly these; empty: to be searched."""
    filter_workers: tuple[int, ...] = ()
    """Exactly these; empty: as many as *derived* says, and more where they are too few."""
    most: int = MOST_IN_FLIGHT
    """Concurrency, where it is searched."""
    derived: Callable[[int], int]
    """Filter workers for a concurrency, as the configuration has it."""

    def at(self, concurrency: int) -> Setting:
        """The setting to begin with, for a *concurrency*."""
        workers = max(self.filter_workers, default=0) or self.derived(concurrency)
        return Setting(concurrency=concurrency, filter_workers=workers)


def search(ways: Ways, at_once: int) -> Search:
    """Look for the knee in few rehearsals, of which *at_once* can be made at the same time.

    No setting is given twice. With both lists in *ways* it is every combination of them. Else
    concurrency is doubled until that gains nothing, and the gaps around the knee are halved (in
    ratio) twice; more filter workers are tried only there, and only where filters held it up.
    """
    if ways.concurrency:
        yield list(_combined(ways))
        return
    found = yield from _coarse(ways, at_once)
    for number in range(_FINE_PASSES):
        between = _between(ways, found)
        if between and not (number and between[0].concurrency >= _LARGE):
            found = yield between
    if ways.filter_workers:
        yield from _other_workers(ways, found)
    else:
        yield from _more_workers(ways, found)


def doublings(most: int) -> Iterator[int]:
    """1, 2, 4 and so on up to *most*, which is the last."""
    size = 1
    while size < most:
        yield size
        size *= 2
    yield most


def _combined(ways: Ways) -> Iterator[Setting]:
    for concurrency in dict.fromkeys(ways.concurrency):
        for workers in dict.fromkeys(ways.filter_workers) or (ways.derived(concurrency),):
            yield Setting(concurrency=concurrency, filter_workers=workers)


def _coarse(
    ways: Ways, at_once: int
) -> Generator[Sequence[Setting], Sequence[Predicted], Sequence[Predicted]]:
    """Double until some doublings in a row gain nothing, or nothing gets through."""
    sizes = doublings(ways.most)
    found: Sequence[Predicted] = ()
    best, flat = 0.0, 0
    # The largest take longest: once one of them gains nothing, they are tried one by one.
    while batch := [ways.at(size) for size in islice(sizes, 1 if flat else at_once)]:
        found = yield batch
        for one in found[-len(batch) :]:
            flat = 0 if one.conversations_per_hour > _GAIN * best else flat + 1
            best = max(best, one.conversations_per_hour)
        if flat >= _enough(found[-1]):
            break
    return found


def _enough(last: Predicted) -> int:
    """How many doublings in a row have to gain nothing before no more are tried.

    A quota that is used up is certain. Filters may be the reason for a while only: below some
    concurrency a configuration derives the same number of workers for all, and above it more.
    """
    if last.quota_used >= BINDING:
        return 0 if last.quota_used >= USED_UP else _FLAT_BY_QUOTA
    return _FLAT_BY_FILTERS if _is_held_by_filters(last) else _FLAT


def _between(ways: Ways, found: Sequence[Predicted]) -> list[Setting]:
    """The settings halfway from the knee to its neighbours, as far as they are new."""
    knee = knee_of(found).setting
    if knee is None:
        return []
    tried = {one.setting.concurrency for one in found}
    lower = max((size for size in tried if size < knee.concurrency), default=knee.concurrency)
    upper = min((size for size in tried if size > knee.concurrency), default=knee.concurrency)
    halfway = {round(math.sqrt(knee.concurrency * size)) for size in (lower, upper)}
    return [ways.at(size) for size in sorted(halfway - tried)]


def _other_workers(ways: Ways, found: Sequence[Predicted]) -> Search:
    """At the knee all the numbers of filter workers that were asked for."""
    knee = knee_of(found).setting
    if knee is None:
        return
    settings = [
        Setting(concurrency=knee.concurrency, filter_workers=workers)
        for workers in dict.fromkeys(ways.filter_workers)
        if workers != knee.filter_workers
    ]
    if settings:
        yield settings


def _more_workers(ways: Ways, found: Sequence[Predicted]) -> Search:
    """Double the filter workers while filters hold conversations up and that gains something.

    With them twice the concurrency is tried: what held it up may be gone.
    """
    for _ in range(_FILTER_PASSES):
        knee = _at_knee(found)
        if knee is None or not _is_held_by_filters(knee):
            return
        at, workers = knee.setting.concurrency, 2 * knee.setting.filter_workers
        tried = {one.setting for one in found}
        settings = [
            Setting(concurrency=size, filter_workers=workers)
            for size in dict.fromkeys((at, min(2 * at, max(at, ways.most))))
        ]
        new = [setting for setting in settings if setting not in tried]
        if not new:
            return
        found = yield new
        if max(one.conversations_per_hour for one in found) <= _GAIN * knee.conversations_per_hour:
            return


def _is_held_by_filters(one: Predicted) -> bool:
    return one.rehearsed.limiting.get(FILTERS, 0.0) >= _HELD_BY_FILTERS


def _at_knee(found: Sequence[Predicted]) -> Predicted | None:
    knee = knee_of(found).setting
    return next((one for one in found if one.setting == knee), None)
