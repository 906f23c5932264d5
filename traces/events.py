"""What happens in a run, told to watchers (progress, log, metrics); see the bus.

Events inform; results travel through the streams and the store. A watcher that is slow
misses some, which is counted. Times are seconds of the run's monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from simkit.traces.calls import AgentRole, CallTimes, Usage
from simkit.traces.filter_stages import Stage
from simkit.traces.records import Ended, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparing:
    """Something that takes a while before the first conversation has come so far."""

    what: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A run goes on; so many of its conversations are through already."""

    kept: int
    dropped: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """The run was told to stop: it waits for the calls that are being made."""

    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationStarted:
    """A scenario was admitted and its first call is about to be made."""

    scenario: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered:
    """A model call was answered and the reply is in the journal."""

    scenario: int
    role: AgentRole
    model: str
    usage: Usage
    times: CallTimes


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRetried:
    """An attempt failed and another one will be made after a pause."""

    scenario: int
    role: str
    cause: str
    attempt: int
    """1 for the first attempt."""
    pause_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPaused:
    """A quota is used up: no call of an account is made for a long while."""

    account: str
    """Model and endpoint, without a key."""
    seconds: float
    reason: str
    """What the provider said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationPlayed:
    """A trajectory is in the store."""

    scenario: int
    ended: Ended
    cause: str | None
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrajectoryJudged:
    """A verdict is in the store."""

    scenario: int
    outcome: Outcome
    checks: tuple[str, ...]
    """Names of the checks that objected to the whole."""
    masked_turns: int
    trained_turns: int
    passed: tuple[Stage, ...] = ()
    """Stages of the filters that let it through, in order."""
    stopped: Stage | None = None
    """The stage that did not, if any."""


Event = (
    Preparing
    | Resumed
    | Stopping
    | ConversationStarted
    | CallAnswered
    | CallRetried
    | AccountPaused
    | ConversationPlayed
    | TrajectoryJudged
)
