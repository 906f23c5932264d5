"""Where a conversation is cut off."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where a conversation is cut off; it is then kept as data, but not as training data."""

    max_messages: int = 120
    max_characters: int = 400_000
    """Of all messages together: a model that floods is stopped before its history costs more
    than all others."""
    max_calls_per_turn: int = 5
    """Calls in one assistant message beyond this are answered with an error."""
    max_tool_rounds: int = 20
    """Assistant messages with calls before the assistant must answer the user."""
    max_errors: int = 10
    """Failed calls in a row."""
    max_user_reasks: int = 8
    """Messages of the user's model that the guard refuses, see `simkit.agents.guard`."""


class LimitReached(Exception):
    """A limit cut the conversation off; the message is its machine-readable name."""
