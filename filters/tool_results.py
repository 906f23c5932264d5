"""Reading tool messages: which call each answers, and whether it reports an error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simkit.traces.records import Message
from simkit.traces.shallow_json import parse_json


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolError:
    """What a tool says in ``{"error": ...}`` instead of a result."""

    type: str
    """E.g. ``"invalid_arguments"``; empty when the tool names none."""
    message: str


def results_after(messages: Sequence[Message], index: int) -> Iterator[Message]:
    """The tool messages that directly follow message *index*, in order."""
    for message in messages[index + 1 :]:
        if message.role != "tool":
            return
        yield message


def results_by_call(messages: Sequence[Message], index: int) -> dict[str, Message]:
    """Call id to the result that directly follows the assistant message at *index*.

    Calls without a result are missing; of two results for one call the first counts.
    """
    found: dict[str, Message] = {}
    for result in results_after(messages, index):
        if result.tool_call_id is not None:
            found.setdefault(result.tool_call_id, result)
    return found


def error_in(result: Message) -> ToolError | None:
    """The error that a tool message reports, or None when it gives a result.

    An error is a JSON object whose ``error`` is neither null nor false nor empty.
    """
    try:
        value = parse_json(result.content)
    except ValueError:
        return None
    error = value.get("error") if isinstance(value, dict) else None
    if not error:
        return None
    if not isinstance(error, dict):
        return ToolError(type="", message=str(error))
    return ToolError(type=str(error.get("type") or ""), message=str(error.get("message") or ""))
