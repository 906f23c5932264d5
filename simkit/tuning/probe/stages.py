"""What was measured at one concurrency, and what follows: the next concurrency, or the end."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from simkit.pace import BUDGET
from simkit.tuning.probe.attempts import Attempt

FIRST = 2
"""Conversations in flight to begin with."""
LONG_REST_SECONDS = 60.0
"""Whoever asks for a rest of so long has had enough."""

_FLAT = 0.1
"""Of the growth in concurrency: throughput that grows by less has not grown, but for noise."""
_BRISK = 0.6
"""The same: below it the bend is near, and the next step is a smaller one."""
_SLOWED = 3.0
"""Times the latency of the first stage: more at once would only wait longer."""
_FAILING = 0.10
"""Share of the calls that fail: a run goes on where it is less, by retries."""
_FAILING_EXCESS = 2.0
"""Times the failures of the first stage: some providers always fail a little."""
_HOPELESS_FAILING = 0.5
"""Share beyond which it is harm even where it was so from the start."""
_REFUSING = 0.30
"""Share of the attempts: enough to tell the limit by, and no use to anybody."""
_UNSURE_SHARE = 0.5
"""Of the budget: until then it holds conversations back only as none has told yet what it costs."""
_PATIENT_STAGES = 8
"""At one concurrency, for the first conversations to end."""
_BUDGET_SHARE = 0.7
"""Of the budget, after which nothing new is begun: the rest is for what is in flight."""
_LEAST_SPREAD = 0.3
"""Of latencies, by their mean: a few calls may be alike by chance."""
_HELD_BACK = 0.1
"""Share of the time that a stage may wait for the budget, and still tell of its concurrency."""

Ending = Literal[
    "flat",
    "harm",
    "rest",
    "budget",
    "no answers",
    "died",
    "finished",
    "highest",
    "account",
    "interrupted",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One concurrency, from settling to its end."""

    concurrency: int
    """Conversations in flight."""
    seconds: float
    """Measured, without the settling."""
    answered: int
    refused: int
    failed: int
    input_tokens: int
    output_tokens: int
    mean_calls_in_flight: float
    mean_seconds: float
    """Of an answered call at the provider; 0 without any."""
    p95_seconds: float
    spread: float
    """Standard deviation of these by their mean."""
    seconds_by_role: Mapping[str, float]
    longest_rest_seconds: float
    limiting: Mapping[str, float] = field(default_factory=dict)
    """What set the pace at its end, to its share of the time."""
    is_whole: bool = True
    """Whether it lasted as long as it should; else it may not have settled."""
    has_died: bool = False
    """Whether the provider stopped answering in it, so that it tells of nothing else."""

    @property
    def per_second(self) -> float:
        """Answered calls a second."""
        return self.answered / self.seconds if self.seconds > 0 else 0.0

    @property
    def error(self) -> float:
        """Standard error of `per_second`."""
        spread = max(self.spread, _LEAST_SPREAD)
        return self.per_second * spread / math.sqrt(max(self.answered, 1))

    @property
    def is_held_back(self) -> bool:
        """Whether fewer conversations were in flight than wanted, as the budget is nearly spent."""
        return self.limiting.get(BUDGET, 0.0) > _HELD_BACK

    @property
    def attempts(self) -> int:
        return self.answered + self.refused + self.failed

    @property
    def failed_share(self) -> float:
        """Of the attempts that no limit refused."""
        return self.failed / max(1, self.answered + self.failed)

    @property
    def refused_share(self) -> float:
        """Of all attempts."""
        return self.refused / max(1, self.attempts)

    def slowdown(self, first: Stage) -> float:
        """How many times longer calls take than in the stage *first*, role by role."""
        ratios = [
            seconds / first.seconds_by_role[role]
            for role, seconds in self.seconds_by_role.items()
            if first.seconds_by_role.get(role, 0.0) > 0
        ]
        return statistics.median(ratios) if ratios else 1.0


@dataclass(frozen=True, slots=True)
class Go:
    """Play so many conversations at once next."""

    concurrency: int


@dataclass(frozen=True, slots=True)
class Stop:
    """The stages are over."""

    ending: Ending
    why: str
    """In a sentence."""


def stage_of(
    attempts: Sequence[Attempt],
    *,
    concurrency: int,
    began: float,
    ended: float,
    limiting: Mapping[str, float],
    is_whole: bool = True,
    has_died: bool = False,
) -> Stage:
    """What *attempts* that ended between the times *began* and *ended* were like."""
    within = [attempt for attempt in attempts if began <= attempt.ended_at < ended]
    answered = [attempt for attempt in within if attempt.outcome == "answered"]
    seconds = [attempt.seconds for attempt in answered]
    mean = statistics.fmean(seconds) if seconds else 0.0
    # Those that have not ended yet are as many, and as long, as those begun before the stage.
    busy = sum(attempt.seconds for attempt in within)
    return Stage(
        concurrency=concurrency,
        seconds=ended - began,
        answered=len(answered),
        refused=sum(attempt.outcome == "refused" for attempt in within),
        failed=sum(attempt.outcome == "failed" for attempt in within),
        input_tokens=sum(attempt.input_tokens for attempt in answered),
        output_tokens=sum(attempt.output_tokens for attempt in answered),
        mean_calls_in_flight=busy / (ended - began) if ended > began else 0.0,
        mean_seconds=mean,
        p95_seconds=sorted(seconds)[math.ceil(0.95 * len(seconds)) - 1] if seconds else 0.0,
        spread=statistics.pstdev(seconds) / mean if mean > 0 else 0.0,
        seconds_by_role=_by_role(answered),
        longest_rest_seconds=max((a.retry_after_seconds or 0.0 for a in within), default=0.0),
        limiting=dict(limiting),
        is_whole=is_whole,
        has_died=has_died,
    )


def next_step(stages: Sequence[Stage], *, budget_used: float, most: int) -> Go | Stop:
    """Where to go after *stages*, in the order in which they were measured.

    Concurrency only rises: fewer conversations are in flight only when some have ended, which
    takes far longer than a stage. It doubles while that pays, grows by half where that pays less,
    and ends where more gives nothing.

    Args:
        budget_used: Share of the budget that is spent.
        most: Never more conversations at once than this.
    """
    if not stages:
        return Go(min(FIRST, most))
    last = stages[-1]
    if harm := _harm(stages):
        return harm
    if budget_used >= _BUDGET_SHARE:
        return Stop("budget", f"{budget_used:.0%} of the budget is spent")
    if last.is_held_back:
        if budget_used < _UNSURE_SHARE and _times_at(stages, last.concurrency) < _PATIENT_STAGES:
            return Go(last.concurrency)
        return Stop("budget", "the conversations in flight need what is left of the budget")
    gain = 1.0
    if lower := [stage for stage in stages if stage.concurrency < last.concurrency]:
        before = max(lower, key=lambda stage: stage.per_second)
        gain = _gain(before, last)
        if gain < _FLAT:
            return Stop(
                "flat",
                f"{last.concurrency:,} conversations at once give {last.per_second:.3g} calls a "
                f"second, {before.concurrency:,} gave {before.per_second:.3g}",
            )
    if last.concurrency >= most:
        return Stop("highest", f"{most:,} conversations at once are all there may be")
    factor = 2.0 if gain >= _BRISK else 1.5
    return Go(min(most, max(last.concurrency + 1, math.ceil(last.concurrency * factor))))


def _times_at(stages: Sequence[Stage], concurrency: int) -> int:
    return sum(stage.concurrency == concurrency for stage in stages)


def _gain(before: Stage, last: Stage) -> float:
    """By how much throughput has grown, as a share of the growth in concurrency."""
    if not before.per_second:
        return 1.0
    wanted = last.concurrency / before.concurrency - 1
    return (last.per_second / before.per_second - 1) / wanted


def _harm(stages: Sequence[Stage]) -> Stop | None:
    """What forbids to go on as at the last stage."""
    first, last = stages[0], stages[-1]
    if last.longest_rest_seconds >= LONG_REST_SECONDS:
        return Stop(
            "rest",
            f"the provider asks for a rest of {last.longest_rest_seconds:,.0f} s, and a probe "
            f"waits for less than {LONG_REST_SECONDS:.0f} s",
        )
    if unanswered := no_answers(last):
        return unanswered
    if last.refused_share > _REFUSING:
        return Stop("harm", f"{last.refused_share:.0%} of the attempts are refused")
    if last.failed_share > _failing_limit(first, last):
        return Stop("harm", f"{last.failed_share:.0%} of the calls fail")
    if (slowdown := last.slowdown(first)) > _SLOWED:
        return Stop("harm", f"calls take {slowdown:.1f} times as long as at the start")
    return None


def no_answers(last: Stage) -> Stop | None:
    """That nothing was answered in the stage *last*, if so."""
    if last.answered:
        return None
    if not last.attempts:
        return Stop("no answers", f"no attempt came to an end in {last.seconds:,.0f} s")
    return Stop(
        "no answers",
        f"none of {last.attempts:,} attempts was answered: {last.refused:,} were refused, "
        f"{last.failed:,} failed",
    )


def _failing_limit(first: Stage, last: Stage) -> float:
    """Share of failures from which on *last* does harm; what fails at first is not our doing."""
    if last is first:
        return _HOPELESS_FAILING
    # Three standard deviations: of few calls, a tenth may fail by chance.
    chance = 3 * math.sqrt(_FAILING * (1 - _FAILING) / max(1, last.answered + last.failed))
    usual = max(_FAILING, _FAILING_EXCESS * first.failed_share)
    return min(_HOPELESS_FAILING, usual + chance)


def _by_role(answered: Sequence[Attempt]) -> dict[str, float]:
    seconds: dict[str, list[float]] = {}
    for attempt in answered:
        seconds.setdefault(attempt.role, []).append(attempt.seconds)
    return {role: statistics.fmean(each) for role, each in sorted(seconds.items())}
