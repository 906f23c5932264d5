"""What may set the pace of a run, and where that shows."""

from __future__ import annotations

from collections.abc import Callable

from simkit.budget import Budget
from simkit.filters.queue import FilterQueue
from simkit.final_verdicts import FinalVerdicts
from simkit.loop_lag import LoopLag
from simkit.pace import BUDGET, CPU, DISK, FILTERS, LATENCY, OLDEST, YIELD_LAG, Pace, SharedWait
from simkit.providers import Providers
from simkit.scheduler import InFlight
from simkit.steering import Steering
from simkit.traces.records import Trajectory, Verdict
from simkit.traces.store import Store


def run_pace(
    providers: Providers,
    store: Store,
    filters: FilterQueue[Trajectory, Verdict],
    in_flight: InFlight,
    *,
    budget: Budget,
    final: FinalVerdicts,
    steering: Steering,
    lag: LoopLag,
    concurrency: Callable[[], int],
    filter_queue: int,
) -> Pace:
    """What sets the pace of the run that these play.

    Args:
        concurrency: How many conversations may be in flight at present.
        filter_queue: How many trajectories may wait for *filters*.
    """
    return Pace(
        lambda: [account.limiter.seconds_waited for account in providers.all_accounts()],
        waits=[
            SharedWait(
                cause=DISK,
                seconds=lambda: store.seconds_waited,
                among=lambda: in_flight.now + filters.busy,
            )
        ],
        # Whoever waits for the disk is woken by the loop, and filters need it, too.
        causes_of_waits=[(CPU, lambda: lag.is_notable)],
        signs=[
            (BUDGET, lambda: budget.is_holding_back),
            (OLDEST, lambda: final.is_holding_back),
            (YIELD_LAG, lambda: steering.is_holding_back),
            (FILTERS, lambda: filters.waiting > filter_queue),
            (LATENCY, lambda: in_flight.now >= concurrency()),
        ],
    )
