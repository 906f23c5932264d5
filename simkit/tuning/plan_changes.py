"""What one could change about a run so that it ends sooner, what costs nothing first."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from simkit.config_provider import ProviderConfig
from simkit.limit_options import IN_FLIGHT, NAMES, PER_MINUTE
from simkit.tuning.plan_demand import Values
from simkit.tuning.plan_fluid import Situation, seconds_by_resource, slowest
from simkit.tuning.terms import ProviderTerms

Takes = Literal["nothing", "fewer judges", "more quota", "another machine"]
"""What a change takes."""
TAKES: tuple[Takes, ...] = get_args(Takes)
"""The cheapest first; fewer judges even save money."""

MORE_QUOTA = 1.5
FASTER_MACHINE = 2.0
MORE_AT_ONCE = 2
_IDLE = 0.2
"""A resource that alone would take less than this share of the time is idle."""
_MOST_AT_ONCE = 100_000
"""The configuration takes no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change, and the run as it would be with it."""

    what: str
    """For people."""
    takes: Takes
    situation: Situation


def changes_of(now: Situation) -> tuple[Change, ...]:
    """Every single change that may help: nine at most, the cheapest kind first.

    What only gives more of something that the fluid model leaves idle is left out.
    """
    slowed = _slowed_at_most(now)
    pace, uses = slowest(seconds_by_resource(now)), _uses(now, slowed)
    helping = [
        change
        for change in _changes(now)
        if (uses * (_uses(change.situation, slowed) < uses)).max() >= _IDLE * pace
    ]
    return tuple(sorted(helping, key=lambda change: TAKES.index(change.takes)))


def all_limits(now: Situation) -> Change | None:
    """All of a provider's limits raised at once; None where there are fewer than two."""
    fields = [*PER_MINUTE.values(), IN_FLIGHT]
    limited = [field for field in fields if _is_limited(now, field)]
    if len(limited) < 2:
        return None
    for field in limited:
        now = _raised(now, field)
    return Change(
        what=f"every limit of the provider x {MORE_QUOTA:g}", takes="more quota", situation=now
    )


def _uses(situation: Situation, slowed: float) -> Values:
    """Mean seconds of each resource for a conversation; shape ``(resources,)``."""
    means: Values = seconds_by_resource(situation, slowed=slowed).mean(axis=0)
    return means


def _slowed_at_most(now: Situation) -> float:
    """How many times as long calls take with one of each conversation in flight."""
    doubled_at = now.workload.latencies.doubled_at
    return 1.0 if doubled_at is None else 1 + now.config.run.concurrency / doubled_at


def _changes(now: Situation) -> Iterator[Change]:
    yield from _more_at_once(now)
    if any(one.judging for one in now.workload.conversations):
        yield Change(what="rules alone judge", takes="fewer judges", situation=_without_judges(now))
    for kind, field in PER_MINUTE.items():
        if _is_limited(now, field):
            yield _more_quota(now, field, NAMES[kind])
    if _is_limited(now, IN_FLIGHT):
        yield _more_quota(now, IN_FLIGHT, "calls in flight that the provider allows")
    machine = now.workload.machine
    faster = replace(machine, cpu_seconds_per_call=machine.cpu_seconds_per_call / FASTER_MACHINE)
    yield Change(
        what=f"a machine with a CPU {FASTER_MACHINE:g} times as fast",
        takes="another machine",
        situation=replace(now, workload=replace(now.workload, machine=faster)),
    )


def _more_at_once(now: Situation) -> Iterator[Change]:
    config = now.config
    more = min(MORE_AT_ONCE * config.run.concurrency, _MOST_AT_ONCE)
    # Workers stay what they are, though they may be derived from the concurrency.
    workers = config.filters.model_copy(update={"workers": config.filter_workers})
    run = config.run.model_copy(update={"concurrency": more})
    yield Change(
        what=f"{more:,} conversations in flight, not {config.run.concurrency:,}",
        takes="nothing",
        situation=_configured(now, run=run, filters=workers),
    )
    if any(one.judging for one in now.workload.conversations):
        more = min(MORE_AT_ONCE * config.filter_workers, _MOST_AT_ONCE)
        filters = config.filters.model_copy(update={"workers": more})
        yield Change(
            what=f"{more:,} filter workers, not {config.filter_workers:,}",
            takes="nothing",
            situation=_configured(now, filters=filters),
        )


def _configured(now: Situation, **sections: object) -> Situation:
    return replace(now, config=now.config.model_copy(update=sections))


def _without_judges(now: Situation) -> Situation:
    unjudged = tuple(replace(one, judging=()) for one in now.workload.conversations)
    return replace(now, workload=replace(now.workload, conversations=unjudged))


def _is_limited(now: Situation, field: str) -> bool:
    places = [*now.terms.values(), *now.config.providers.values()]
    return any(getattr(place, field) is not None for place in places)


def _more_quota(now: Situation, field: str, name: str) -> Change:
    return Change(
        what=f"{name} x {MORE_QUOTA:g}", takes="more quota", situation=_raised(now, field)
    )


def _raised(now: Situation, field: str) -> Situation:
    """*now* with the limit *field* of each provider raised, enforced and told alike."""
    terms = {name: replace(one, **_more(one, field)) for name, one in now.terms.items()}
    providers = {
        name: one.model_copy(update=_more(one, field)) for name, one in now.config.providers.items()
    }
    return replace(_configured(now, providers=providers), terms=terms)


def _more(place: ProviderTerms | ProviderConfig, field: str) -> dict[str, Any]:
    limit = getattr(place, field)
    if limit is None:
        return {}
    more = limit * MORE_QUOTA
    return {field: math.ceil(more) if field == IN_FLIGHT else more}
