"""The calls of recorded conversations in rounds: what was asked together, and after what pause."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from simkit.traces.call_times import CallTable, Integers
from simkit.tuning.workload import Round, WorkloadCall, WorkloadConversation

JUDGE = "judge"
"""The role of the calls of filters; a gate before the conversation asks as the writer."""

_CLOCK_SECONDS = 0.001
"""By which a call may seem to begin before the one that it waited for has ended."""
_LONGEST = 20.0
"""Times the usual pause; if nobody asked for so long, the process was not at work."""
_NEVER_LONG_SECONDS = 1.0


class _Pauses:
    """Own work between calls, told from time in which the process was not there.

    A run that was stopped and went on later has conversations with hours between two calls. In
    those hours the whole run was silent; a conversation that works for long, on a function in
    Python perhaps, is alone with that.
    """

    def __init__(self, calls: CallTable) -> None:
        pauses = calls.asked_at[1:] - calls.ended_at[:-1]
        own = pauses[(calls.scenario[1:] == calls.scenario[:-1]) & (pauses > 0)]
        self._usual = float(np.median(own)) if len(own) else 0.0
        order = np.argsort(calls.asked_at, kind="stable")
        busy_until = np.maximum.accumulate(calls.ended_at[order])[:-1]
        asked_again = calls.asked_at[order][1:]
        silent = asked_again - busy_until > max(_NEVER_LONG_SECONDS, _LONGEST * self._usual)
        self._silent_from: list[float] = busy_until[silent].tolist()
        self._silent_until: list[float] = asked_again[silent].tolist()

    def between(self, ended_at: float, asked_at: float) -> float:
        """Seconds of own work from the end of a call to asking; the usual where it is hidden."""
        first = bisect_left(self._silent_from, ended_at - _CLOCK_SECONDS)
        if first < len(self._silent_from) and self._silent_until[first] <= asked_at:
            return self._usual
        return max(asked_at - ended_at, 0.0)


@dataclass(slots=True)
class _OpenRound:
    """A round that further calls may belong to."""

    pause_seconds: float
    ended_at: float
    calls: list[WorkloadCall] = field(default_factory=list)

    def closed(self) -> Round:
        return Round(self.pause_seconds, tuple(self.calls))


def conversations_of(
    calls: CallTable, latency_class: Integers, scenarios: Sequence[int]
) -> tuple[WorkloadConversation, ...]:
    """The conversations of *scenarios*, in this order; one without a call is empty.

    Args:
        calls: All of the run, as it orders them.
        latency_class: Of each call.
    """
    first = np.searchsorted(calls.scenario, scenarios, side="left").tolist()
    last = np.searchsorted(calls.scenario, scenarios, side="right").tolist()
    recorded = _Recorded(calls, latency_class)
    return tuple(
        recorded.conversation(range(start, end)) for start, end in zip(first, last, strict=True)
    )


class _Recorded:
    """All calls of a run, to look into."""

    def __init__(self, calls: CallTable, latency_class: Integers) -> None:
        self._calls = calls
        self._latency_class = latency_class
        self._pauses = _Pauses(calls)

    def conversation(self, indexes: Iterable[int]) -> WorkloadConversation:
        """That of the calls at *indexes*, which are in order of asking."""
        playing: list[int] = []
        judging: list[int] = []
        for index in indexes:
            (judging if self._role_and_model(index)[0] == JUDGE else playing).append(index)
        return WorkloadConversation(
            playing=tuple(self._rounds(playing)), judging=tuple(self._rounds(judging))
        )

    def _rounds(self, indexes: Iterable[int]) -> Iterator[Round]:
        """Those of the calls at *indexes*; the first has no pause.

        What passed before the first is not known of a conversation; and of its judging, it is
        waiting for a filter.
        """
        current: _OpenRound | None = None
        for index in indexes:
            asked_at = float(self._calls.asked_at[index])
            ended_at = float(self._calls.ended_at[index])
            if current is None:
                current = _OpenRound(0.0, ended_at)
            elif asked_at >= current.ended_at - _CLOCK_SECONDS:
                yield current.closed()
                current = _OpenRound(self._pauses.between(current.ended_at, asked_at), ended_at)
            current.ended_at = max(current.ended_at, ended_at)
            current.calls.append(self._call(index))
        if current is not None:
            yield current.closed()

    def _call(self, index: int) -> WorkloadCall:
        role, model = self._role_and_model(index)
        return WorkloadCall(
            role=role,
            model=model,
            input_tokens=int(self._calls.input_tokens[index]),
            output_tokens=int(self._calls.output_tokens[index]),
            latency_class=int(self._latency_class[index]),
        )

    def _role_and_model(self, index: int) -> tuple[str, str]:
        return self._calls.kinds[self._calls.kind[index]]
