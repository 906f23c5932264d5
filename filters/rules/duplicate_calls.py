"""The same call again, with nothing new to ask it for."""

from __future__ import annotations

from collections.abc import Iterator

from simkit.filters.filter import Objection
from simkit.filters.tool_results import error_in, results_by_call
from simkit.traces.records import Message, ToolCall, Trajectory

_Key = tuple[str, bytes | str]


class DuplicateCalls:
    """A turn that repeats a call without a new cause is masked.

    Calls are the same when function and arguments are, as parsed JSON, key order aside.
    A repeat counts when it stands twice in one message, or when the earlier call had a
    result that was no error and nothing has happened since. Something has happened when
    the user spoke, or when a call that is not itself a repeat succeeded: look, change,
    look again is sound work. Going round in circles is not: in look A, look B, look A,
    look B the last one is a duplicate, as nothing new came after the first look B.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks none.
    """

    name = "duplicate_calls"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        messages = trajectory.messages
        # How many different calls had succeeded when each one last did, since the user spoke.
        successes: dict[_Key, int] = {}
        for index, message in enumerate(messages):
            if message.role == "user":
                successes = {}
            if message.role != "assistant" or not message.tool_calls:
                continue
            keys = {call.id: call.key for call in message.tool_calls}
            yield from self._repeats(index, message, successes)
            succeeded = _succeeded(messages, index)
            new = {keys[call_id] for call_id in succeeded & keys.keys()}
            total = len(successes.keys() | new)
            successes.update(dict.fromkeys(new, total))

    def _repeats(
        self, index: int, message: Message, successes: dict[_Key, int]
    ) -> Iterator[Objection]:
        in_this_message: set[_Key] = set()
        for call in message.tool_calls:
            key = call.key
            if key in in_this_message:
                yield self._objection(index, call, "twice")
            elif successes.get(key) == len(successes):
                yield self._objection(index, call, "again, with nothing new since its result")
            in_this_message.add(key)

    def _objection(self, index: int, call: ToolCall, how: str) -> Objection:
        return Objection(
            check=self.name,
            message=f"message {index} calls {call.name!r} with the same arguments {how}",
            turn=index,
        )


def _succeeded(messages: tuple[Message, ...], index: int) -> set[str]:
    results = results_by_call(messages, index)
    return {call_id for call_id, result in results.items() if error_in(result) is None}
