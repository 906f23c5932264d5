"""What a run of so many conversations would take, and what would make it faster.

Foretold from a saved run: rehearsals of as many conversations as show the steady pace tell how
long it takes, as it is and with single changes; `simkit.tuning.plan_figures` has the figures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from simkit.prices import Price
from simkit.tuning.plan_changes import TAKES, Change, Takes, all_limits, changes_of
from simkit.tuning.plan_demand import models_of, spent_by
from simkit.tuning.plan_figures import Figures, figures_of, seconds_of, times_beyond
from simkit.tuning.plan_fluid import Situation, seconds_by_resource, slowest
from simkit.tuning.rehearsal_size import rehearsal_size
from simkit.tuning.rehearsed import Rehearsed
from simkit.tuning.sweep import Rehearse

WORTH_IT = 0.05
"""Share of the time that a change must gain to be worth naming."""
_STEADY_SECONDS = 600.0
"""A provider may lend a minute's quota in advance; over ten minutes that is little."""
_FEWEST = 200
"""Conversations to rehearse: of fewer the start and the end are too much."""
_FEWEST_TURNS = 2.0
"""Conversations for each that may be in flight; its own figures are told, so more than a sweep's,
which only compares."""
_USUAL_CALLS = 10_000
"""Of each of up to eleven rehearsals: some ten seconds on two cores."""
_MOST_CALLS = 30_000
"""The same where many are in flight: some half a minute."""
_ROUGH_TURNS = 3
"""Fewer are told to people."""
_FEW = 30
"""Recorded conversations below which people are told how few there are."""

Each = Callable[[Callable[[Situation], Rehearsed], Sequence[Situation]], Iterable[Rehearsed]]
"""As `map`; that of a pool of processes uses all of the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """A change, and what comes of it."""

    what: str
    takes: Takes
    seconds: float
    """Of the whole run; infinite when it would not end."""
    gain: float
    """Share of the time that it saves; below 0 when it takes longer."""
    money: float | None
    """What it adds to the cost; below 0 when it saves, None where a model has no price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would take, and what would make it faster."""

    conversations: int
    rehearsed: Rehearsed
    """As it is now; ``stopped_by`` tells why it would not end."""
    figures: Figures
    changes: tuple[Rated, ...]
    """The cheapest kind first, and in each what gains most."""
    advised: Rated | None
    """The cheapest change that gains `WORTH_IT` or more; None when there is none."""
    doubts: tuple[str, ...]
    """What makes it less sure than it looks, for people."""


def make_plan(
    now: Situation,
    conversations: int,
    prices: Mapping[str, Price],
    rehearse: Rehearse,
    *,
    each: Each = map,
) -> Plan:
    """What *conversations* would take.

    Takes up to eleven rehearsals; see `conversations_to_rehearse`.

    Args:
        prices: By model.
    """
    rehearsing = partial(_rehearsed, rehearse, conversations)
    changes = changes_of(now)
    first, *others = each(rehearsing, [now, *(change.situation for change in changes)])
    rating = _Rating(now, first, conversations, prices)
    rated = list(map(rating.of, changes, others))
    together = all_limits(now)
    if together is not None and _advised(rated) is None:
        # Two limits that are reached at the same time hide each other.
        rated += [rating.of(together, found) for found in each(rehearsing, [together.situation])]
    return Plan(
        conversations=conversations,
        rehearsed=first,
        figures=figures_of(now, first, conversations, prices),
        changes=tuple(_in_order(rated)),
        advised=_advised(rated),
        doubts=(*now.workload.doubts, *_doubts(now, first, conversations, prices)),
    )


def conversations_to_rehearse(situation: Situation, wanted: int) -> int:
    """As many as show the steady pace of a run of *wanted*; see `rehearsal_size`.

    Its pace is that of the fluid model.
    """
    seconds_each = slowest(seconds_by_resource(situation))
    return rehearsal_size(
        wanted,
        concurrency=situation.config.run.concurrency,
        calls_each=situation.workload.calls_per_conversation,
        steady=max(_FEWEST, _STEADY_SECONDS / seconds_each if seconds_each else 0.0),
        fewest_turns=_FEWEST_TURNS,
        usual_calls=_USUAL_CALLS,
        most_calls=_MOST_CALLS,
    )


def _rehearsed(rehearse: Rehearse, wanted: int, situation: Situation) -> Rehearsed:
    return rehearse(
        situation.config,
        situation.workload,
        situation.terms,
        conversations=conversations_to_rehearse(situation, wanted),
    )


class _Rating:
    """Sets changes beside the run as it is."""

    def __init__(
        self, now: Situation, found: Rehearsed, wanted: int, prices: Mapping[str, Price]
    ) -> None:
        self._wanted = wanted
        self._prices = prices
        self._seconds = seconds_of(now, found, wanted)
        self._money = self._money_of(now)

    def of(self, change: Change, found: Rehearsed) -> Rated:
        """What comes of *change*, as it was *found* to go with it."""
        seconds = seconds_of(change.situation, found, self._wanted)
        money = self._money_of(change.situation)
        return Rated(
            what=change.what,
            takes=change.takes,
            seconds=seconds,
            gain=_gain(self._seconds, seconds),
            money=None if money is None or self._money is None else money - self._money,
        )

    def _money_of(self, situation: Situation) -> float | None:
        money = spent_by(situation.workload, self._prices).money
        return None if money is None else self._wanted * float(money.mean())


def _gain(now: float, then: float) -> float:
    if math.isinf(then):
        return 0.0 if math.isinf(now) else -math.inf
    return 1.0 if math.isinf(now) else 1 - then / now if now else 0.0


def _in_order(rated: Iterable[Rated]) -> list[Rated]:
    return sorted(rated, key=lambda one: (TAKES.index(one.takes), -one.gain))


def _advised(rated: Iterable[Rated]) -> Rated | None:
    return next((one for one in _in_order(rated) if one.gain >= WORTH_IT), None)


def _doubts(
    now: Situation, found: Rehearsed, wanted: int, prices: Mapping[str, Price]
) -> Iterable[str]:
    if (recorded := len(now.workload.conversations)) < _FEW:
        yield (
            f"The intervals are widened, since only {recorded:,} recorded "
            f"{'conversations foretell' if recorded > 1 else 'conversation foretells'} all of them."
        )
    if (beyond := times_beyond(now.workload, found)) > 1:
        yield (
            f"About {found.mean_calls_in_flight:,.0f} calls would be in flight, and there were "
            f"never more than {now.workload.peak_calls_in_flight:,} when it was recorded; the "
            f"upper end of the time allows for latencies {math.sqrt(beyond):.1f} times as long."
        )
    if found.conversations < min(wanted, now.config.run.concurrency):
        yield (
            f"Only {found.conversations:,} conversations were rehearsed, so no more were in "
            f"flight, and {now.config.run.concurrency:,} may be: where no limit holds them up, it "
            "is faster than this."
        )
    elif found.conversations < min(wanted, _ROUGH_TURNS * now.config.run.concurrency):
        yield (
            f"Only {found.conversations:,} conversations were rehearsed, and "
            f"{now.config.run.concurrency:,} may be in flight: the steady pace is a rough guess."
        )
    if unpriced := sorted(models_of(now.workload) - prices.keys()):
        yield f"There is no cost without a price for {', '.join(unpriced)}: see --price, --prices."
    if any(price.cached_input not in {None, price.input} for price in prices.values()):
        yield "Input from a prompt cache costs less; all of it is counted at the full price."
