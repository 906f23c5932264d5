"""Nothing is said by saying nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from simkit.filters.filter import Objection
from simkit.filters.tool_results import results_after
from simkit.traces.records import Message, Trajectory

_THINKS = re.compile(r"(?:\A|[_.-])(?:think|thought|reflect|scratchpad)(?:\Z|[_.-])", re.IGNORECASE)


class NonEmptyTurns:
    """Every message says something.

    - An assistant message with neither content nor call is masked; so is one without calls
      that is punctuation only. An emoji says something.
    - An empty user message objects to the whole: whatever is said next answers nothing.
    - An empty tool result masks the assistant message that follows the results: it can
      only guess what the function did, and guessing must not be taught. The call itself
      stays trained on, and so does every later turn. A function that by its name only lets
      the assistant think has nothing to return.

    White space counts as nothing, and so does reasoning without an answer. Results that are
    empty lists or objects say that there is nothing, and pass; so does a user's "?".

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks none.
    """

    name = "non_empty_turns"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        messages = trajectory.messages
        for index, message in enumerate(messages):
            if message.role == "user" and _says_nothing(message):
                yield self._objection(None, f"the user message {index} is empty")
            if message.role != "assistant":
                continue
            if not message.tool_calls and not _has_words(message.content):
                what = (
                    "neither content nor a" if _says_nothing(message) else "punctuation only and no"
                )
                yield self._objection(index, f"message {index} has {what} call")
            results = tuple(results_after(messages, index))
            follower = index + len(results) + 1
            if _is_assistant(messages, follower) and _leaves_to_guess(message, results):
                yield self._objection(
                    follower, f"message {follower} rests on a tool result that is empty"
                )

    def _objection(self, turn: int | None, message: str) -> Objection:
        return Objection(check=self.name, message=message, turn=turn)


def _says_nothing(message: Message) -> bool:
    return not message.content.strip()


def _leaves_to_guess(caller: Message, results: tuple[Message, ...]) -> bool:
    thoughts = {call.id for call in caller.tool_calls if _THINKS.search(call.name)}
    return any(_says_nothing(result) and result.tool_call_id not in thoughts for result in results)


def _has_words(text: str) -> bool:
    return any(sign.isalnum() or unicodedata.category(sign) == "So" for sign in text)


def _is_assistant(messages: tuple[Message, ...], index: int) -> bool:
    return index < len(messages) and messages[index].role == "assistant"
