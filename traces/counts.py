"""What a run holds, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

Query = Callable[..., Iterable[Any]]
"""Runs a SELECT with its values and gives its rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCounts:
    """Totals of a run so far; the mappings have the largest number first."""

    played: int
    """Conversations with a trajectory, failed ones too."""
    kept: int
    dropped: int
    failed: int
    unjudged: int
    """Played, but without a verdict yet."""
    causes: Mapping[str, int]
    """Cause of every conversation that the user did not end, to their number."""
    drop_reasons: Mapping[str, int]
    """Check to the number of trajectories that it dropped."""
    mask_reasons: Mapping[str, int]
    """Check to the number of turns of kept trajectories that it masked; a turn may be masked by
    several checks."""
    trained_turns: int
    """Assistant messages of kept trajectories that are trained on."""
    masked_turns: int
    """Assistant messages of kept trajectories that are context only."""
    calls: int
    calls_by_role: Mapping[str, int]
    input_tokens: int
    output_tokens: int
    retried_attempts: int
    """Attempts beyond the first, over all answered calls."""


def count_run(query: Query, verdicts: str) -> RunCounts:
    """Count what *query* sees; reads every verdict of the set *verdicts* once, holds none."""
    played = sum(row[0] for row in query("SELECT count(*) FROM trajectories"))
    causes = Counter(
        dict(query("SELECT cause, count(*) FROM trajectories WHERE cause IS NOT NULL GROUP BY 1"))
    )
    judged = _count_verdicts(query, verdicts)
    return RunCounts(
        played=played,
        unjudged=played - judged["kept"] - judged["dropped"] - judged["failed"],
        causes=_largest_first(causes),
        **judged,
        **_count_calls(query),
    )


def _count_verdicts(query: Query, verdicts: str) -> dict[str, Any]:
    outcomes: Counter[str] = Counter()
    drop_reasons: Counter[str] = Counter()
    mask_reasons: Counter[str] = Counter()
    turns: Counter[bool] = Counter()
    select = "SELECT outcome, body FROM verdicts WHERE filter_set = ?"
    for outcome, body in query(select, verdicts):
        outcomes[outcome] += 1
        verdict = orjson.loads(body)
        if outcome == "dropped":
            drop_reasons.update({reason["check"] for reason in verdict["reasons"]})
        elif outcome == "kept":
            turns.update(turn["ok"] for turn in verdict["turns"])
            for turn in verdict["turns"]:
                mask_reasons.update({reason["check"] for reason in turn["reasons"]})
    return {
        **{outcome: outcomes[outcome] for outcome in ("kept", "dropped", "failed")},
        "drop_reasons": _largest_first(drop_reasons),
        "mask_reasons": _largest_first(mask_reasons),
        "trained_turns": turns[True],
        "masked_turns": turns[False],
    }


def _count_calls(query: Query) -> dict[str, Any]:
    by_role: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for role, calls, input_tokens, output_tokens, retried in query(
        "SELECT role, count(*), sum(input_tokens), sum(output_tokens), sum(attempts - 1)"
        " FROM calls GROUP BY role"
    ):
        by_role[role] = calls
        totals.update(
            calls=calls,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            retried_attempts=retried,
        )
    names = ("calls", "input_tokens", "output_tokens", "retried_attempts")
    return {"calls_by_role": _largest_first(by_role), **{name: totals[name] for name in names}}


def _largest_first(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))
