"""Nothing is said by saying nothing."""

from __future__ import annotations

from collections.abc import Iterator

from simkit.filters.filter import Objection
from simkit.filters.tool_results import results_after
from simkit.traces.records import Message, Trajectory


class NonEmptyTurns:
    """Every message says something.

    - An assistant message with neither content nor call is masked.
    - An empty user message objects to the whole: whatever is said next answers nothing.
    - An empty tool result masks the assistant message that follows the results: it can
      only guess what the function did, and guessing must not be taught. The call itself
      stays trained on, and so does every later turn.

    White space counts as nothing, and so does reasoning without an answer.
    """

    name = "non_empty_turns"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        messages = trajectory.messages
        for index, message in enumerate(messages):
            if message.role == "user" and _says_nothing(message):
                yield self._objection(None, f"the user message {index} is empty")
            if message.role != "assistant":
                continue
            if _says_nothing(message) and not message.tool_calls:
                yield self._objection(index, f"message {index} has neither content nor a call")
            results = tuple(results_after(messages, index))
            follower = index + len(results) + 1
            if any(map(_says_nothing, results)) and _is_assistant(messages, follower):
                yield self._objection(
                    follower, f"message {follower} rests on a tool result that is empty"
                )

    def _objection(self, turn: int | None, message: str) -> Objection:
        return Objection(check=self.name, message=message, turn=turn)


def _says_nothing(message: Message) -> bool:
    return not message.content.strip()


def _is_assistant(messages: tuple[Message, ...], index: int) -> bool:
    return index < len(messages) and messages[index].role == "assistant"
