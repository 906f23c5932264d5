"""What a run asks of its providers, as a rehearsal plays it: who asks when, how much, how long.

Read from a saved run (`simkit.tuning.recorded`) or stated (`simkit.tuning.stated`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkloadCall:
    """One call that was answered in the end."""

    role: str
    model: str
    input_tokens: int
    output_tokens: int
    latency_class: int
    """Index into `Latencies.classes`: calls of one role and model, and of about one size."""


@dataclass(frozen=True, slots=True)
class Round:
    """Calls that are made together; the next round begins when all of them are answered."""

    pause_seconds: float
    """Own work before it: from the last answer, or the start, to asking; waiting left out."""
    calls: tuple[WorkloadCall, ...]
    """At least one."""


@dataclass(frozen=True, slots=True)
class WorkloadConversation:
    """The calls of one conversation, in order."""

    playing: tuple[Round, ...]
    """What its conversation of user, assistant and tool asks; may be empty."""
    judging: tuple[Round, ...]
    """What its filters ask; empty where rules judge alone, or it was not judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """How long a provider takes, from sending a call to its whole reply."""

    classes: tuple[tuple[float, ...], ...]
    """For each class of calls, seconds that were seen, with the load taken out; none is empty."""
    doubled_at: float | None
    """Calls in flight that double every latency, twice as many treble it, and so on; None: load
    makes no difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """What fails otherwise than by a limit."""

    share: float
    """Of the attempts that no limit refuses, in [0, 1)."""
    seconds: tuple[float, ...]
    """How long failing attempts took; empty: as long as others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the work costs the machine that runs it."""

    cpu_seconds_per_call: float
    """Of the event loop, which is one core: everything that is done for a call and its share of
    the conversation."""
    base_bytes: int
    """Memory without any conversation."""
    bytes_per_conversation: int
    """Memory for each conversation in flight."""
    disk_bytes_per_conversation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """All of it."""

    conversations: tuple[WorkloadConversation, ...]
    """At least one; longer rehearsals draw from them again."""
    latencies: Latencies
    failures: Failures
    machine: Machine
    peak_calls_in_flight: int
    """Most calls that were in flight at a time when it was recorded: beyond, it is a guess."""
    kept_share: float
    """Of the conversations, those that the filters kept; 1 where that is not known."""
    doubts: tuple[str, ...] = ()
    """What makes it less sure than it looks, a sentence each; for people."""

    @property
    def calls_per_conversation(self) -> float:
        """The mean, judges' calls included."""
        return sum(len(calls_of(one)) for one in self.conversations) / len(self.conversations)


def calls_of(conversation: WorkloadConversation) -> list[WorkloadCall]:
    """Every call of *conversation*, in order."""
    rounds = (*conversation.playing, *conversation.judging)
    return [call for one in rounds for call in one.calls]
