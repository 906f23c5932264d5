"""What a probe recommends: limits for each provider, and how many conversations at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from simkit.config import RunConfig
from simkit.limit_options import NAMES, OPTIONS
from simkit.traces.calls import LimitKind
from simkit.tuning.probe.account_logs import Key
from simkit.tuning.probe.attempts import episodes
from simkit.tuning.probe.live import Probed
from simkit.tuning.probe.refusals import FoundLimit
from simkit.tuning.probe.stages import Stage
from simkit.tuning.usl import Measured, Scalability, fit

AS_FAST = 0.95
"""Share of the best throughput at which nothing more is worth having."""

_HEADROOM = 1.1
"""More conversations than it takes on average: calls come unevenly."""
_UNHINDERED = 0.02
"""Share of refused attempts, below which a stage was not held up by limits."""
_OF_BOUND = 0.9
"""Of the pace that limits allow, from where on they hold a stage up."""
_LEAST_ANSWERED = 20
"""Calls: what fewer were like says nothing of a run."""
_CUT_OFF = ("died", "account", "interrupted")
"""After these a stage that was not whole says nothing of its concurrency."""
_MORE: Mapping[str, str] = {"flat": "more at once gain little", "harm": "more at once do harm"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommended:
    """What to do."""

    config: RunConfig
    """The whole configuration, with what is recommended."""
    concurrency: int
    law: Scalability | None
    """Throughput against concurrency below any limit; None without two such concurrencies."""
    per_second: float
    """Calls a second that may be expected."""
    why: str
    """A sentence."""
    notes: tuple[str, ...]
    """Doubts, a sentence each."""


@dataclass(frozen=True, slots=True)
class NothingRecommended:
    """Too little was answered for a recommendation."""

    why: str
    """As a sentence goes on."""


def recommend(config: RunConfig, probed: Probed) -> Recommended | NothingRecommended:
    """What *probed* shows to be best for *config*, which keeps everything else."""
    stages = _telling(probed)
    answered = sum(attempt.outcome == "answered" for attempt in probed.attempts)
    if not stages or answered < _LEAST_ANSWERED:
        return NothingRecommended(_too_little(probed, answered))
    bound, why = _bound(probed, stages)
    concurrency, reached = _concurrency(stages, bound)
    if math.isinf(bound):
        met = "no limit could be told" if episodes(probed.attempts) else "no limit was met"
        why = f"{met}, and {_MORE.get(probed.stop.ending, 'more may be faster')}"
    return Recommended(
        config=_with(config, probed.limits, min(concurrency, config.run.conversations)),
        concurrency=concurrency,
        law=_law(stages, bound),
        per_second=min(bound, reached.per_second * concurrency / reached.concurrency),
        why=why,
        notes=tuple(_notes(config, probed, stages)),
    )


def _telling(probed: Probed) -> list[Stage]:
    """The stages to go by."""
    answered = [stage for stage in probed.stages if stage.answered and not stage.has_died]
    whole = [stage for stage in answered if stage.is_whole and not stage.is_held_back]
    return whole if whole or probed.stop.ending in _CUT_OFF else answered


def _too_little(probed: Probed, answered: int) -> str:
    why = f"calls that were answered: {answered:,}, and it takes {_LEAST_ANSWERED} to tell anything"
    if answered >= _LEAST_ANSWERED:
        why = "no stage was over by then"
    told = [
        f"{limit.said} {NAMES[limit.kind]} of {key[1]}"
        for key, limits in probed.limits.items()
        for limit in limits
        if limit.source == "announced"
    ]
    return f"{why}; its answers announce {' and '.join(told)}" if told else why


def _bound(probed: Probed, stages: Sequence[Stage]) -> tuple[float, str]:
    """Calls a second that the limits allow, with all accounts together, and which limit does."""
    total, names = 0.0, []
    for key, limits in probed.limits.items():
        rates = [(_calls_per_second(limit, stages), limit) for limit in limits if limit.binds]
        if not rates:
            return math.inf, ""
        rate, limit = min(rates, key=lambda pair: pair[0])
        total += rate
        names.append(f"{limit.said} {NAMES[limit.kind]} of {key[1]}")
    return total, f"{' and '.join(names)} set the pace"


def _calls_per_second(limit: FoundLimit, stages: Sequence[Stage]) -> float:
    calls = sum(stage.answered for stage in stages)
    input_tokens = sum(stage.input_tokens for stage in stages)
    output_tokens = sum(stage.output_tokens for stage in stages)
    each: Mapping[LimitKind, float] = {
        "requests": calls,
        "tokens": input_tokens + output_tokens,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
    }
    if limit.kind == "concurrency":
        return limit.value / (sum(s.mean_seconds * s.answered for s in stages) / calls)
    return limit.value / 60 * calls / each[limit.kind] if each[limit.kind] else math.inf


def _concurrency(stages: Sequence[Stage], bound: float) -> tuple[int, Stage]:
    """The fewest conversations that reach `AS_FAST` of the best, and the stage it is based on."""
    free = [stage for stage in stages if stage.refused_share < _UNHINDERED] or stages[:1]
    if bound < math.inf:
        # Before a limit is met each conversation adds as much as the others do.
        pace = max(stage.per_second / stage.concurrency for stage in free)
        source = max(free, key=lambda stage: stage.per_second / stage.concurrency)
        return max(1, math.ceil(_HEADROOM * bound / pace)), source
    ordered = sorted(stages, key=lambda stage: stage.concurrency)
    best = max(stage.per_second for stage in ordered)
    chosen = next(stage for stage in ordered if stage.per_second >= AS_FAST * best)
    return chosen.concurrency, chosen


def _law(stages: Sequence[Stage], bound: float) -> Scalability | None:
    """The law of the stages that no limit held up: one that refuses makes no law, but an end."""
    points = [
        Measured(concurrency=s.concurrency, per_second=s.per_second, error=s.error)
        for s in stages
        if s.refused_share < _UNHINDERED and s.per_second < _OF_BOUND * bound
    ]
    return fit(points) if len({point.concurrency for point in points}) > 1 else None


def _with(
    config: RunConfig, limits: Mapping[Key, Sequence[FoundLimit]], concurrency: int
) -> RunConfig:
    """*config* with the limits that were met, of several accounts of a provider the lowest."""
    providers = dict(config.providers)
    for name in config.providers:
        found = [limit for key, of_key in limits.items() if key[0] == name for limit in of_key]
        providers[name] = providers[name].model_copy(update=_options(found))
    run = config.run.model_copy(update={"concurrency": max(1, concurrency)})
    return config.model_copy(update={"run": run, "providers": providers})


def _options(found: Iterable[FoundLimit]) -> dict[str, float | int]:
    options: dict[str, float | int] = {}
    for limit in sorted(found, key=lambda limit: -limit.value):
        if limit.binds:
            is_calls = limit.kind == "concurrency"
            value = int(limit.value) if is_calls else _rounded_down(limit.value)
            options[OPTIONS[limit.kind]] = value
    return options


def _rounded_down(value: float) -> float:
    """To three figures: what is measured is not known better."""
    step = 10.0 ** (math.floor(math.log10(value)) - 2)
    rounded = math.floor(value / step + 1e-9) * step
    return float(f"{rounded:.6g}")


def _notes(config: RunConfig, probed: Probed, stages: Sequence[Stage]) -> Iterator[str]:
    refused = episodes(probed.attempts)
    if refused and not any(limit.binds for limits in probed.limits.values() for limit in limits):
        yield (
            f"calls were refused at {refused:,} moments, and no limit explains them: the provider "
            "may count by fixed windows, or share its capacity with others; the limits are left "
            "to be learned while it runs"
        )
    names = [key[0] for key in probed.limits]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield (
            f"[providers.{name}] has several accounts; it gets the lowest limits that were found, "
            "as its table is about each of them"
        )
    if probed.stop.ending in _CUT_OFF:
        yield f"the probe was cut off; this rests on the {len(stages):,} whole stages before"
    if probed.stop.ending in ("finished", "highest"):
        yield "the conversations that are wanted were too few to go on; raise run.conversations"
    if not any(stage.is_whole for stage in stages):
        yield "no stage lasted long enough to be sure of"
    elif len(stages) < 3:
        yield "so few stages say little about how throughput grows"
    told = [
        name
        for name, table in config.providers.items()
        if any(getattr(table, option) is not None for option in OPTIONS.values())
    ]
    for name in told:
        yield f"[providers.{name}] tells limits, which were kept to: higher ones were not tried"
