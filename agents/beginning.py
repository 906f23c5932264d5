"""What a conversation goes on from when its first messages were made elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from simkit.traces.plans import Fault
from simkit.traces.records import Intent, Message, Parent, Trajectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a fork begins with."""

    intent: Intent
    messages: tuple[Message, ...]
    """Every call in them has its result."""
    parent: Parent
    faults: tuple[Fault, ...] = ()
    """What went wrong in `messages` on purpose."""


def beginning_of(trajectory: Trajectory) -> Beginning | None:
    """What *trajectory* went on from if it is a fork; None for any other."""
    parent = trajectory.provenance.parent
    if parent is None or trajectory.intent is None:
        return None
    kept = trajectory.messages[: parent.kept]
    faults = faults_before(parent.kept, trajectory)
    return Beginning(intent=trajectory.intent, messages=kept, parent=parent, faults=faults)


def faults_before(message: int, trajectory: Trajectory) -> tuple[Fault, ...]:
    """Those of *trajectory* that happened before *message*."""
    return tuple(fault for fault in trajectory.faults if fault.message < message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the user or the assistant said, with the results of the calls in it."""

    message: Message
    results: list[Message] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether each of its calls has its result."""
        return len(self.results) == len(self.message.tool_calls)

    @property
    def is_answer(self) -> bool:
        """Whether it is what the assistant tells the user, who speaks next."""
        return self.message.role == "assistant" and not self.message.tool_calls


def steps(messages: Sequence[Message]) -> Iterator[Step]:
    """*messages*, which begin with the user's, as steps."""
    step: Step | None = None
    for message in messages:
        if message.role == "tool" and step is not None:
            step.results.append(message)
            continue
        if step is not None:
            yield step
        step = Step(message=message)
    if step is not None:
        yield step
