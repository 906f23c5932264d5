"""Counts what happens in a run, for those who show it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from simkit.traces.events import (
    AccountPaused,
    CallAnswered,
    CallRetried,
    ConversationStarted,
    Event,
    Preparing,
    Resumed,
    Stopping,
    TrajectoryJudged,
)
from simkit.traces.filter_stages import STAGES, Stage

_CALL_WINDOW_SECONDS = 10.0
# Conversations end rarely and in waves; a short window would make the time left jump.
_DONE_WINDOW_SECONDS = 300.0


class SlidingRate:
    """How often something happened in the last *seconds*, in memory that does not grow."""

    _SLICES = 40

    def __init__(self, seconds: float) -> None:
        self._slice_seconds = seconds / self._SLICES
        self._slices: deque[tuple[int, int]] = deque()

    def count(self, now: float) -> None:
        """It happened once, at *now*."""
        number = int(now / self._slice_seconds)
        if self._slices and self._slices[-1][0] == number:
            number, counted = self._slices.pop()
            self._slices.append((number, counted + 1))
        else:
            self._slices.append((number, 1))
        self._forget(number)

    def per_second(self, now: float, *, since: float) -> float:
        """Times a second over the window, or from *since* where that is shorter ago."""
        self._forget(int(now / self._slice_seconds))
        window = min(now - since, self._slice_seconds * self._SLICES)
        return sum(counted for _, counted in self._slices) / window if window > 0 else 0.0

    def _forget(self, newest: int) -> None:
        while self._slices and self._slices[0][0] <= newest - self._SLICES:
            self._slices.popleft()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """An account is asked nothing for a while."""

    until: float
    """In seconds of the clock that events are counted with."""
    reason: str


@dataclass(slots=True, kw_only=True)
class Tally:
    """What has happened so far, counted from events; knows no terminal and no clock."""

    total: int
    started_at: float
    kept: int = 0
    dropped: int = 0
    undecided: int = 0
    failed: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    is_stopping: bool = False
    """Whether the run only waits for the calls that are being made."""
    preparing: Preparing | None = None
    """What the run still does before its first conversation."""
    paused: dict[str, Pause] = field(default_factory=dict)
    """Account to its latest pause, which may be over."""
    _passed: Counter[Stage] = field(default_factory=Counter)
    _stopped: Counter[Stage] = field(default_factory=Counter)
    _calls: SlidingRate = field(default_factory=lambda: SlidingRate(_CALL_WINDOW_SECONDS))
    _done: SlidingRate = field(default_factory=lambda: SlidingRate(_DONE_WINDOW_SECONDS))

    @property
    def done(self) -> int:
        """Conversations whose verdict is in the store."""
        return self.kept + self.dropped + self.undecided + self.failed

    def count(self, event: Event, now: float) -> None:
        """Take in one event that arrived at *now*, in seconds of a monotonic clock."""
        match event:
            case TrajectoryJudged():
                self._count_verdict(event)
                self._done.count(now)
            case CallAnswered(usage=usage):
                self.input_tokens += usage.input_tokens
                self.output_tokens += usage.output_tokens
                self._calls.count(now)
            case CallRetried():
                self.retries += 1
            case AccountPaused(account=account, seconds=seconds, reason=reason):
                self.paused[account] = Pause(until=now + seconds, reason=reason)
            case Preparing():
                self.preparing = event
            case ConversationStarted():
                self.preparing = None
            case Resumed(kept=kept, dropped=dropped, failed=failed):
                self.kept, self.dropped, self.failed = kept, dropped, failed
            case Stopping():
                self.is_stopping = True
            case _:
                pass

    def _count_verdict(self, event: TrajectoryJudged) -> None:
        match event.outcome:
            case "kept":
                self.kept += 1
            case "dropped":
                self.dropped += 1
            case "undecided":
                self.undecided += 1
            case "failed":
                self.failed += 1
        self._passed.update(event.passed)
        if event.stopped is not None:
            self._stopped[event.stopped] += 1

    def pass_rates(self) -> dict[Stage, float]:
        """Stage to the share that it let through of what came to it, in order; since this process
        began. Stages to which nothing came are missing."""
        reached = self._passed + self._stopped
        return {stage: self._passed[stage] / reached[stage] for stage in STAGES if reached[stage]}

    def calls_per_second(self, now: float) -> float:
        """Answered calls a second over the last 10 seconds."""
        return self._calls.per_second(now, since=self.started_at)

    def seconds_left(self, now: float, *, in_flight: int, not_started: int) -> float | None:
        """Until all but *not_started* are done at the pace of the last 5 minutes.

        None when nothing tells it. Conversations begin together and end together, so the
        pace means nothing before as many are done as are *in_flight*.
        """
        if self.done < in_flight:
            return None
        rate = self._done.per_second(now, since=self.started_at)
        return (self.total - not_started - self.done) / rate if rate > 0 else None
