"""With how many conversations to rehearse: enough for a steady pace, and not many more."""

from __future__ import annotations

import math

TURNS = 4
"""Conversations for each that may be in flight: fewer have no steady middle."""
MOST_CALLS = 20_000
"""Some five seconds of rehearsing."""


def rehearsal_size(
    wanted: int,
    *,
    concurrency: int,
    calls_each: float,
    steady: float,
    fewest_turns: float,
    usual_calls: int = MOST_CALLS,
    most_calls: float = math.inf,
) -> int:
    """How many conversations show the steady pace of a run of *wanted*, and not many more.

    `TURNS` for each in flight, and as many as *steady*; but no more than make *usual_calls* in
    all, where that leaves *fewest_turns* for each in flight.

    Args:
        concurrency: Conversations in flight at most.
        calls_each: Calls of a conversation, on average.
        steady: Conversations that go through while the pace settles.
        most_calls: Never more than these, though they may leave no steady pace.
    """
    calls = max(calls_each, 1.0)
    enough = max(TURNS * concurrency, steady)
    usual = max(fewest_turns * concurrency, usual_calls / calls)
    return min(wanted, math.ceil(min(enough, usual, most_calls / calls)))
