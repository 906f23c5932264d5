"""Rehearsals of a plan in several processes, and how far they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simkit.tuning.plan import conversations_to_rehearse
from simkit.tuning.plan_fluid import Situation
from simkit.tuning.processes import Processes
from simkit.tuning.rehearsed import Rehearsed
from simkit.tuning.sweep import Progress


def rehearsed_in(
    processes: Processes,
    watch: Callable[[Progress], None],
    wanted: int,
    rehearsing: Callable[[Situation], Rehearsed],
    situations: Sequence[Situation],
) -> list[Rehearsed]:
    """As ``map(rehearsing, situations)``; see `simkit.tuning.plan.Each`.

    Args:
        watch: Told how far it is, at the beginning and after each rehearsal.
        wanted: Conversations that are planned for.

    Raises:
        ProcessDied: A process is gone.
    """
    calls = [
        conversations_to_rehearse(one, wanted) * one.workload.calls_per_conversation
        for one in situations
    ]
    found: dict[int, Rehearsed] = {}
    watch(Progress(0, 0.0, sum(calls)))
    for position, result in processes.results(rehearsing, situations):
        found[position] = result
        watch(Progress(len(found), sum(calls[one] for one in found), sum(calls)))
    return [found[position] for position in range(len(situations))]
