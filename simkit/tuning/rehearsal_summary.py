"""Sums up a rehearsal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simkit.bookkeeping import pricing_of
from simkit.config import RunConfig
from simkit.pace import Pace
from simkit.traces.calls import LimitKind, Usage
from simkit.tuning.rehearsal_play import Moment, RehearsalPlan, RehearsalPlay
from simkit.tuning.rehearsal_stats import mean_and_p95
from simkit.tuning.rehearsed import Rehearsed, Setting, Timeline
from simkit.tuning.rehearsed_accounts import RehearsedAccount


def summary(
    plan: RehearsalPlan,
    play: RehearsalPlay,
    pace: Pace,
    timeline: Timeline,
    began: Moment,
    ended: Moment,
    stopped_by: str | None,
) -> Rehearsed:
    """What is to be told of *play*, which lasted from *began* to *ended*."""
    counts, stats, machine = ended.counts, play.stats, plan.workload.machine
    steady = _steady(play, began, ended)
    wait, p95_wait = mean_and_p95(play.waits)
    latency, p95_latency = mean_and_p95(stats.latencies)
    return Rehearsed(
        setting=setting_of(plan.config),
        conversations=plan.conversations,
        finished=play.finished,
        stopped_by=stopped_by,
        seconds=ended.at - began.at,
        calls=counts.answered,
        refused=counts.refused,
        failed=counts.failed,
        input_tokens=counts.input_tokens,
        output_tokens=counts.output_tokens,
        steady_calls_per_second=_answered_per_second(*steady),
        quota_used=_quota_used(play.providers.accounts, *steady),
        limiting=pace.shares(),
        waited_seconds=_waited(play.providers.accounts),
        mean_wait_seconds=wait,
        p95_wait_seconds=p95_wait,
        mean_latency_seconds=latency,
        p95_latency_seconds=p95_latency,
        mean_calls_in_flight=_mean(timeline.calls_in_flight),
        peak_calls_in_flight=stats.peak_in_flight,
        memory_bytes=machine.base_bytes + machine.bytes_per_conversation * play.in_flight.peak,
        money=_money(plan.config, play.providers.accounts),
        timeline=timeline,
    )


def setting_of(config: RunConfig) -> Setting:
    """The setting that *config* holds."""
    told = {provider.max_calls_in_flight for provider in config.providers.values()}
    return Setting(
        concurrency=config.run.concurrency,
        filter_workers=config.filter_workers,
        max_calls_in_flight=told.pop() if len(told) == 1 else None,
    )


def _steady(play: RehearsalPlay, began: Moment, ended: Moment) -> tuple[Moment, Moment]:
    """From when the first conversations have made way for others, until none is left to start.

    From the start on where there are too few conversations for that, and all of it where hardly
    more are played than are in flight.
    """
    last = play.steady_until
    long_enough = (ended.at - began.at) / 5  # a short stretch says less than all of it
    for first in (play.steady_from, began):
        if first is not None and last is not None and last.at - first.at > long_enough:
            return first, last
    return began, ended


def _answered_per_second(first: Moment, last: Moment) -> float:
    answered = last.counts.answered - first.counts.answered
    return answered / (last.at - first.at) if last.at > first.at else 0.0


def _quota_used(
    accounts: Sequence[RehearsedAccount], first: Moment, last: Moment
) -> Mapping[LimitKind, float]:
    """Of each limit, over all accounts that have it."""
    used: dict[LimitKind, float] = {}
    allowed: dict[LimitKind, float] = {}
    for account, before, after in zip(accounts, first.of_accounts, last.of_accounts, strict=True):
        counts, terms = after - before, account.terms
        amounts: tuple[tuple[LimitKind, float | None, int], ...] = (
            ("requests", terms.requests_per_minute, counts.answered),
            ("tokens", terms.tokens_per_minute, counts.input_tokens + counts.output_tokens),
            ("input_tokens", terms.input_tokens_per_minute, counts.input_tokens),
            ("output_tokens", terms.output_tokens_per_minute, counts.output_tokens),
        )
        for kind, limit, amount in amounts:
            if limit is not None:
                used[kind] = used.get(kind, 0.0) + amount
                allowed[kind] = allowed.get(kind, 0.0) + limit * (last.at - first.at) / 60
    return {kind: used[kind] / allowed[kind] for kind in used if allowed[kind] > 0}


def _waited(accounts: Sequence[RehearsedAccount]) -> Mapping[str, float]:
    waited: dict[str, float] = {}
    for account in accounts:
        for limit, seconds in account.account.limiter.seconds_waited.items():
            waited[limit] = waited.get(limit, 0.0) + seconds
    return {limit: seconds for limit, seconds in waited.items() if seconds > 0}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _money(config: RunConfig, accounts: Sequence[RehearsedAccount]) -> float | None:
    pricing = pricing_of(config, [account.account.client.model for account in accounts])
    total = 0.0
    for account in accounts:
        price = pricing.prices.get(account.account.client.model)
        if price is None:
            return None
        counts = account.stats.counts
        total += price.of(
            Usage(input_tokens=counts.input_tokens, output_tokens=counts.output_tokens)
        )
    return total
