"""What a whole run would take, from a rehearsal of some or all of its conversations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from simkit.traces.calls import LimitKind
from simkit.tuning.rehearsed import Rehearsed, Setting
from simkit.tuning.workload import Workload, calls_of

BINDING = 0.9
"""A limit of which so much is used sets the pace."""
USED_UP = 0.97
"""One of which so much is used gives no more."""
_COUNTED: Mapping[LimitKind, tuple[int, int]] = {
    "tokens": (1, 1),
    "input_tokens": (1, 0),
    "output_tokens": (0, 1),
}
"""Limits that count size: how often an input token and an output token count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a conversation of a workload asks for, on average."""

    calls: float
    input_tokens: float
    output_tokens: float

    @classmethod
    def of(cls, workload: Workload) -> Demand:
        """The mean over the conversations of *workload*."""
        calls = [call for one in workload.conversations for call in calls_of(one)]
        number = len(workload.conversations)
        return cls(
            calls=len(calls) / number,
            input_tokens=sum(call.input_tokens for call in calls) / number,
            output_tokens=sum(call.output_tokens for call in calls) / number,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """A run with one setting."""

    rehearsed: Rehearsed
    conversations: int
    """That are wanted."""
    seconds: float
    """From the first conversation to the last verdict; infinite where it never comes."""

    @property
    def setting(self) -> Setting:
        """What it is run with."""
        return self.rehearsed.setting

    @property
    def is_extrapolated(self) -> bool:
        """Whether fewer conversations were rehearsed than are wanted."""
        return self.rehearsed.conversations < self.conversations

    @property
    def conversations_per_hour(self) -> float:
        """Over the whole run; 0 where it never ends."""
        return 3600 * self.conversations / self.seconds if self.seconds > 0 else 0.0

    @property
    def calls_per_second(self) -> float:
        """Answered, over the whole run."""
        finished = self.rehearsed.finished
        each = self.rehearsed.calls / finished if finished else 0.0
        return each * self.conversations_per_hour / 3600

    @property
    def quota_used(self) -> float:
        """How much of `fullest` is used over the whole run, its start and its end included."""
        kind, steady = fullest(self.rehearsed), self.rehearsed.steady_calls_per_second
        if kind is None or not steady:
            return 0.0
        return self.rehearsed.quota_used[kind] * min(1.0, self.calls_per_second / steady)

    @property
    def refused(self) -> float:
        """Attempts that a limit refuses in the whole run."""
        return self._in_all(self.rehearsed.refused)

    @property
    def money(self) -> float | None:
        """What it costs; None where a model has no price, or it never ends."""
        money = self.rehearsed.money
        return None if money is None or math.isinf(self.seconds) else self._in_all(money)

    def _in_all(self, amount: float) -> float:
        return amount * self.conversations / self.rehearsed.conversations


def predicted(rehearsed: Rehearsed, conversations: int, demand: Demand) -> Predicted:
    """A run of so many *conversations*, of which *rehearsed* has played some or all.

    The others follow at the pace that the middle of the rehearsal has kept; its start and its
    end count once. What is left to chance by playing only some is taken out: a conversation is
    taken to ask for what one of the workload asks for on average (*demand*).

    A rehearsal that was stopped tells of a run that never ends.
    """
    seconds = rehearsed.seconds
    if rehearsed.stopped_by is not None or not rehearsed.finished:
        seconds = math.inf
    elif rehearsed.conversations < conversations:
        seconds = _extrapolated(rehearsed, conversations, demand)
    return Predicted(rehearsed=rehearsed, conversations=conversations, seconds=seconds)


def fullest(rehearsed: Rehearsed) -> LimitKind | None:
    """The limit of which most is used; None where there is none."""
    return max(rehearsed.quota_used, key=rehearsed.quota_used.__getitem__, default=None)


def _extrapolated(rehearsed: Rehearsed, conversations: int, demand: Demand) -> float:
    pace = rehearsed.steady_calls_per_second or rehearsed.calls_per_second
    if not pace:  # nothing is asked: only own work
        return rehearsed.seconds * conversations / rehearsed.conversations
    start_and_end = max(0.0, rehearsed.seconds - rehearsed.calls / pace)
    return start_and_end + conversations * demand.calls * _calls_size(rehearsed, demand) / pace


def _calls_size(rehearsed: Rehearsed, demand: Demand) -> float:
    """How large the workload's calls are beside those that were rehearsed, where size counts."""
    kind = fullest(rehearsed)
    if kind is None or kind not in _COUNTED or rehearsed.quota_used[kind] < BINDING:
        return 1.0
    into, out = _COUNTED[kind]
    played = into * rehearsed.input_tokens + out * rehearsed.output_tokens
    usual = into * demand.input_tokens + out * demand.output_tokens
    return usual / demand.calls * rehearsed.calls / played if played and demand.calls else 1.0
