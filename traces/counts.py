"""What a run holds, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import orjson

from simkit.traces.agreement import Agreement
from simkit.traces.filter_stages import STAGES, Stage, passage
from simkit.traces.plans import ScenarioKind
from simkit.traces.records import Outcome
from simkit.traces.rulings import JudgesRulings, Rulings

Query = Callable[..., Iterable[Any]]
"""Runs a SELECT with its values and gives its rows."""

_OUTCOMES = get_args(Outcome)

_KIND = b'],"kind":"'
"""Before the kind of a scenario in a stored trajectory, and no other kind; not there where nobody
planned it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCounts:
    """Totals of a run so far; the mappings have the largest number first."""

    played: int
    """Conversations with a trajectory, failed ones too."""
    kept: int
    dropped: int
    undecided: int
    failed: int
    unjudged: int
    """Played, but without a verdict yet."""
    kinds: Mapping[str, int]
    """Kind of scenario to the number of conversations played."""
    kept_kinds: Mapping[str, int]
    """Likewise, of those that were kept; with every kind that was played."""
    causes: Mapping[str, int]
    """Cause of every conversation that the user did not end, to their number."""
    drop_reasons: Mapping[str, int]
    """Check to the number of trajectories that it dropped."""
    undecided_reasons: Mapping[str, int]
    """Why nobody could decide, to the number of trajectories."""
    stage_reached: Mapping[str, int]
    """Stage of the filters to the trajectories that came to it, in order; of stages that none
    came to, nothing."""
    stage_passed: Mapping[str, int]
    """Likewise, of those that it let through."""
    rulings: tuple[JudgesRulings, ...]
    """What the judges said."""
    agreement: Agreement
    """Of the judges of a panel, on whole trajectories."""
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


def count_run(query: Query, verdicts: str, *, compared: bool = False) -> RunCounts:
    """Count what *query* sees; reads every verdict of the set *verdicts* once, holds none.

    Args:
        compared: Whether trajectories are known to have been compared with each other; else that
            is told from the verdicts, where one was dropped for it.

    Raises:
        ValueError: A row does not hold what it should.
    """
    played = sum(row[0] for row in query("SELECT count(*) FROM trajectories"))
    causes = Counter(
        {
            text_in(cause, "cause of a conversation"): number
            for cause, number in query(
                "SELECT cause, count(*) FROM trajectories WHERE cause IS NOT NULL GROUP BY 1"
            )
        }
    )
    judged = _count_verdicts(query, verdicts, compared=compared)
    kinds, kept_kinds = _count_kinds(query, verdicts)
    return RunCounts(
        played=played,
        unjudged=played - sum(judged[outcome] for outcome in _OUTCOMES),
        kinds=largest_first(kinds),
        kept_kinds={kind: kept_kinds[kind] for kind in largest_first(kinds)},
        causes=largest_first(causes),
        **judged,
        **_count_calls(query),
    )


def _count_verdicts(query: Query, verdicts: str, *, compared: bool) -> dict[str, Any]:
    outcomes: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {outcome: Counter() for outcome in _OUTCOMES}
    mask_reasons: Counter[str] = Counter()
    turns: Counter[bool] = Counter()
    reached: Counter[Stage] = Counter()
    passed: Counter[Stage] = Counter()
    rulings, agreement = Rulings(), Agreement()
    select = "SELECT scenario, outcome, CAST(body AS BLOB) FROM verdicts WHERE filter_set = ?"
    for scenario, outcome, body in query(select, verdicts):
        try:
            verdict = orjson.loads(body)
            reasons[outcome].update({str(reason["check"]) for reason in verdict["reasons"]})
            if outcome == "kept":
                turns.update(bool(turn["ok"]) for turn in verdict["turns"])
                for turn in verdict["turns"]:
                    mask_reasons.update({str(reason["check"]) for reason in turn["reasons"]})
            stages = passage(verdict, compared=True)
            passed.update(stages.passed)
            reached.update(stages.reached)
            rulings.add(verdict)
            agreement.add(vote["ok"] for vote in verdict.get("votes", ()))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            # Only looked into, not validated: that takes a fraction of the time.
            raise ValueError(f"the verdict of conversation {scenario} is damaged") from error
        outcomes[outcome] += 1
    if not compared and reached["near_duplicates"] == passed["near_duplicates"]:
        del reached["near_duplicates"]  # nobody was stopped there, and maybe nobody came
    return {
        **{outcome: outcomes[outcome] for outcome in _OUTCOMES},
        "drop_reasons": largest_first(reasons["dropped"]),
        "undecided_reasons": largest_first(reasons["undecided"]),
        "stage_reached": {stage: reached[stage] for stage in STAGES if reached[stage]},
        "stage_passed": {stage: passed[stage] for stage in STAGES if reached[stage]},
        "rulings": rulings.by_judge(),
        "agreement": agreement,
        "mask_reasons": largest_first(mask_reasons),
        "trained_turns": turns[True],
        "masked_turns": turns[False],
    }


def _count_kinds(query: Query, verdicts: str) -> tuple[Counter[str], Counter[str]]:
    """Kinds of the scenarios that were played, and of those whose trajectories were kept."""
    # Searched, not parsed: that takes a fraction of the time, and a damaged row stops nothing.
    # The key can stand nowhere else, as all that a model wrote is inside of strings, escaped.
    select = (
        "SELECT substr(t.body, nullif(instr(t.body, ?), 0) + ?, ?), count(*),"
        " coalesce(sum(v.outcome = 'kept'), 0) FROM trajectories AS t"
        " LEFT JOIN verdicts AS v ON v.scenario = t.scenario AND v.filter_set = ?"
        " GROUP BY 1"
    )
    played: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    longest = max(map(len, get_args(ScenarioKind)))
    for found, number, of_these in query(select, _KIND, len(_KIND), longest + 1, verdicts):
        if isinstance(found, str):
            raise ValueError("a conversation is damaged: it is not stored as it should be")
        kind = "chain" if found is None else found.split(b'"')[0].decode(errors="replace")
        played[kind] += number
        kept[kind] += of_these
    return played, kept


def _count_calls(query: Query) -> dict[str, Any]:
    by_role: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for role, calls, input_tokens, output_tokens, retried in query(
        "SELECT role, count(*), sum(input_tokens), sum(output_tokens), sum(attempts) - count(*)"
        " FROM calls GROUP BY role"
    ):
        by_role[text_in(role, "role of a call")] = calls
        totals.update(
            calls=calls,
            input_tokens=whole_number(input_tokens, "calls"),
            output_tokens=whole_number(output_tokens, "calls"),
            retried_attempts=whole_number(retried, "calls"),
        )
    names = ("calls", "input_tokens", "output_tokens", "retried_attempts")
    return {"calls_by_role": largest_first(by_role), **{name: totals[name] for name in names}}


def text_in(value: object, what: str) -> str:
    """*value*, which damage may have made anything of."""
    if not isinstance(value, str):
        raise ValueError(f"the {what} is damaged: it is no text")
    return value


def whole_number(value: object, what: str) -> int:
    """*value*, the sum of a column of *what*, which damage may have made anything of."""
    if not isinstance(value, int):
        raise ValueError(f"the {what} are damaged: not all numbers are whole")
    return value


def largest_first(counter: Counter[str]) -> dict[str, int]:
    """*counter* in the order in which people read it: by number, and the same ones by name."""
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))
