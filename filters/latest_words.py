"""Who spoke last before a turn, and which turn comes next after a message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simkit.traces.records import Message


def next_assistant(messages: Sequence[Message], index: int) -> int | None:
    """The assistant message that answers message *index*: the first one after it, if any."""
    return next(
        (at for at in range(index + 1, len(messages)) if messages[at].role == "assistant"), None
    )


def user_before(messages: Sequence[Message], index: int) -> Iterator[str]:
    """What the user said before message *index*, the latest first."""
    return (messages[at].content for at in range(index - 1, -1, -1) if messages[at].role == "user")
