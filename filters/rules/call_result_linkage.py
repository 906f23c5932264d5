"""Every call answered once, every answer to a call."""

from __future__ import annotations

from collections.abc import Iterator

from simkit.filters.filter import Objection
from simkit.traces.records import Message, Trajectory


class CallResultLinkage:
    """Calls and results pair up by id, one to one, results directly after their calls.

    Without that pairing nobody can say which result a call got (a known defect of
    published sets, arXiv 2511.15718), so any breach objects to the whole.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks none.
    """

    name = "call_result_linkage"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        for fault in _faults(trajectory.messages):
            yield Objection(check=self.name, message=fault, turn=None)


def _faults(messages: tuple[Message, ...]) -> Iterator[str]:
    known: set[str] = set()
    unanswered: dict[str, int] = {}
    for index, message in enumerate(messages):
        if message.role == "tool":
            yield from _misplaced_result(index, message, known, unanswered)
            continue
        yield from _left_open(unanswered)
        unanswered = {}
        if message.tool_calls and message.role != "assistant":
            yield f"message {index} is from {message.role!r} and calls functions"
        for call in message.tool_calls:
            if call.id in known:
                yield f"message {index} makes a second call with the id {call.id!r}"
            known.add(call.id)
            unanswered[call.id] = index
    yield from _left_open(unanswered)


def _misplaced_result(
    index: int, result: Message, known: set[str], unanswered: dict[str, int]
) -> Iterator[str]:
    """The fault of a tool message, if any; closes the call that it answers."""
    call_id = result.tool_call_id
    if call_id is None:
        yield f"the result in message {index} names no call"
    elif call_id not in known:
        yield f"the result in message {index} answers {call_id!r}, which nobody called"
    elif unanswered.pop(call_id, None) is None:
        yield (
            f"the result in message {index} answers {call_id!r}, which has its result "
            "already or was not made directly before"
        )


def _left_open(unanswered: dict[str, int]) -> Iterator[str]:
    for call_id, index in unanswered.items():
        yield f"the call {call_id!r} in message {index} has no result directly after it"
