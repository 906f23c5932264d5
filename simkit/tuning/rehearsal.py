"""Plays a workload with one setting in virtual time: the real scheduler, limiter, retries, pools
and filter queue, against providers that are simulated.

What is left out: what is said. A conversation is the calls that a recorded one made, with new
latencies drawn from those that were seen; the CPU of the machine is a queue that all calls pass.
"""

from __future__ import annotations

from collections.abc import Mapping

import anyio

from simkit.config import RunConfig
from simkit.counted import counted
from simkit.filters.queue import FilterQueue
from simkit.filters.sole_error import sole_error_raised
from simkit.pace import BETWEEN_CALLS, CPU, FILTERS, LATENCY, Pace
from simkit.scheduler import work_through
from simkit.traces.provider_errors import AccountProblem, StoppedAnswering
from simkit.tuning.rehearsal_play import Processor, RehearsalPlan, RehearsalPlay, RehearsalQueue
from simkit.tuning.rehearsal_stats import CallStats, Line
from simkit.tuning.rehearsal_summary import summary
from simkit.tuning.rehearsed import Rehearsed
from simkit.tuning.rehearsed_accounts import RehearsedProviders
from simkit.tuning.terms import ProviderTerms
from simkit.tuning.virtual_time import run_virtually
from simkit.tuning.workload import Workload

_HOPELESS_SECONDS = 6 * 3600.0
"""A provider that has answered nothing for so long, while it was asked, never will."""


def rehearse(
    config: RunConfig,
    workload: Workload,
    terms: Mapping[str, ProviderTerms],
    *,
    conversations: int,
    seed: int = 0,
) -> Rehearsed:
    """How a run of *config* would go whose conversations are like those of *workload*.

    Args:
        config: Holds the setting: how many conversations are in flight, and what the clients
            are told of limits.
        terms: What providers enforce, by the name of their table; one without terms has no
            limits.
        conversations: How many are played; up to as many as *workload* has, its first ones.
        seed: Of all that is left to chance. Equal arguments give equal results.

    Raises:
        TermsError: A limit cannot be enforced.
        ConfigError: A role has no model, or the file of prices cannot be used.

    Takes a few tenths of a millisecond of real time for each call.
    """
    return run_virtually(_rehearse, RehearsalPlan(config, workload, terms, conversations, seed))


async def _rehearse(plan: RehearsalPlan) -> Rehearsed:
    stats = CallStats()
    providers = RehearsedProviders(plan.config, plan.workload, plan.terms, plan.seed, stats)
    play = RehearsalPlay(
        plan, providers, stats, Processor(plan.workload.machine.cpu_seconds_per_call)
    )
    queue = FilterQueue(
        play, play.accept, size=plan.config.filter_queue, workers=plan.config.filter_workers
    )
    pace = _pace(plan, play, queue)
    line = Line(stats, lambda: play.in_flight.now, pace.note)
    stopped_by: str | None = None
    began = play.moment()
    try:
        with sole_error_raised():
            async with anyio.create_task_group() as watching:
                watching.start_soon(line.draw)
                watching.start_soon(_give_up, stats)
                await _play_all(plan, play, queue)
                watching.cancel_scope.cancel()
    except (AccountProblem, _Hopeless) as problem:
        stopped_by = _told(problem)
    ended = play.moment()
    line.step()
    return summary(plan, play, pace, line.timeline(), began, ended, stopped_by)


async def _play_all(plan: RehearsalPlan, play: RehearsalPlay, queue: RehearsalQueue) -> None:
    async with queue:
        await work_through(
            plan.drawn(),
            lambda item: play.play(item, queue.put),
            concurrency=play.most_in_flight,
            may_start=_always,
        )


def _pace(plan: RehearsalPlan, play: RehearsalPlay, queue: RehearsalQueue) -> Pace:
    accounts = play.providers.accounts
    return Pace(
        lambda: [account.account.limiter.seconds_waited for account in accounts],
        signs=(
            (FILTERS, lambda: queue.waiting > plan.config.filter_queue),
            (CPU, lambda: play.processor.is_behind(anyio.current_time())),
            (LATENCY, lambda: play.started < plan.conversations and play.stats.in_flight > 0),
            (BETWEEN_CALLS, lambda: play.started < plan.conversations),
        ),
    )


async def _always() -> bool:
    return True


class _Hopeless(Exception):
    """No call will ever be answered."""


async def _give_up(stats: CallStats) -> None:
    answered = -1
    while stats.counts.answered > answered:
        answered = stats.counts.answered
        await anyio.sleep(_HOPELESS_SECONDS)
    refused, failed = stats.counts.refused, stats.counts.failed
    raise _Hopeless(
        f"the provider answered nothing for {_HOPELESS_SECONDS / 3600:.0f} hours: by then it had "
        f"answered {counted(answered, 'call')}, refused {refused:,} and failed {failed:,}"
    )


def _told(problem: Exception) -> str:
    if isinstance(problem, StoppedAnswering):  # which tells of dates, and these are none
        return "the provider failed so many calls in a row that a run ends there"
    return str(problem)
