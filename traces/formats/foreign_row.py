"""What the readers of foreign formats share: a row before simkit has given it ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from simkit.traces.exact_json import exact_json
from simkit.traces.one_line import one_line
from simkit.traces.records import Message, MessageRole, ToolCall

MAX_MESSAGES = 10_000
"""Of one row; rule checks look through the messages after each turn."""

CALLS_NUMBERED = "calls without ids were given ids"
IDS_REPEATED = "ids of calls come again later; each goes with the result directly after it"
RESULTS_LINKED = "results without ids were linked to the calls before them, in order"


class UnreadableRow(ValueError):
    """A row of a foreign file cannot be read; the message completes a sentence about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignCall:
    """A call as its row has it."""

    id: str | None
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignMessage:
    """A message as its row has it."""

    role: MessageRole
    content: str
    reasoning: str | None = None
    calls: tuple[ForeignCall, ...] = ()
    answers: str | None = None
    """The id of the call that this result answers, where the row says it."""
    function: str | None = None
    """The name of the function whose result this is, where the row says it."""
    weight: bool | None = None
    """Whether an assistant message is trained on, where the row says it."""


@dataclass(slots=True, kw_only=True)
class ForeignRow:
    """One conversation as its row has it."""

    messages: list[ForeignMessage]
    """One for each entry of the row's list, at the same index."""
    tools: Any
    """As the row spells them; None when it says nothing about tools."""
    id: str | int | None
    system: str | None = None
    """A system prompt that stands beside the messages."""
    is_open: bool = False
    """The format ends its rows where a result or an answer would follow."""
    notes: list[str] = field(default_factory=list)
    """What a reader should know about how this was read: fixed sentences, to be counted."""


def entries(row: dict[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    """The entries of the list at *key*, each with its place, e.g. ``"messages[3]"``.

    Raises:
        UnreadableRow: There is no such list, it is empty or too long, or holds other things.
    """
    value = row.get(key)
    if not isinstance(value, list) or not value:
        raise UnreadableRow(f'has no "{key}"; expected a list of at least one message')
    if len(value) > MAX_MESSAGES:
        raise UnreadableRow(
            f"has {len(value):,} messages, over the limit of {MAX_MESSAGES:,} for one row"
        )
    for at, entry in enumerate(value):
        if not isinstance(entry, dict):
            raise UnreadableRow(f"has something else than an object in {key}[{at}]")
    return [(f"{key}[{at}]", entry) for at, entry in enumerate(value)]


def text_at(entry: dict[str, Any], key: str, place: str) -> str | None:
    """The text at *key*; None for null or nothing.

    Raises:
        UnreadableRow: It is something else.
    """
    value = entry.get(key)
    if value is not None and not isinstance(value, str):
        raise UnreadableRow(f'has a "{key}" in {place} that is no text')
    return value


def json_at(text: str, place: str) -> Any:
    """The value of JSON that stands in a text at *place*.

    Raises:
        UnreadableRow: It is not JSON that can be kept as it is.
    """
    try:
        return exact_json(text.encode())
    except ValueError as error:
        raise UnreadableRow(f"has JSON in {place} that {error}") from None


def weight_of(entry: dict[str, Any], place: str) -> bool | None:
    """Whether the entry's ``weight`` says that it is trained on; None without one.

    Raises:
        UnreadableRow: It is neither 0 nor 1.
    """
    weight = entry.get("weight")
    if weight is None:
        return None
    if weight not in (0, 1):
        raise UnreadableRow(f"has a weight in {place} that is neither 0 nor 1")
    return bool(weight)


def unknown_role(role: object, place: str, known: Sequence[str]) -> UnreadableRow:
    """The error for a role that the format does not have."""
    shown = repr(one_line(role, limit=40)) if isinstance(role, str) else "no text"
    return UnreadableRow(f"has the role {shown} in {place}; expected {', '.join(known)}")


def id_of(row: dict[str, Any]) -> str | int | None:
    """The row's ``id``, if it is text or a whole number."""
    value = row.get("id")
    return value if isinstance(value, str) or type(value) is int else None


def linked(row: ForeignRow) -> tuple[Message, ...]:
    """The messages of *row* with an id for each call, and the results linked to them.

    Calls without an id get ``call_MESSAGE_NUMBER``. A result without one answers the first
    call of the assistant message before it that nothing answers yet; one that says which
    function it is from, the first such call of that function. Where no such call is left, the
    result stays without. What was needed is noted in *row*.
    """
    taken = {call.id for message in row.messages for call in message.calls}
    taken |= {message.answers for message in row.messages}
    seen: set[str] = set()
    messages: list[Message] = []
    open_calls: list[ToolCall] = []
    for index, (message, claimed) in enumerate(zip(row.messages, _claimed(row), strict=True)):
        calls = tuple(_with_ids(index, message, taken))
        answers = message.answers
        if message.role != "tool":
            open_calls = [call for call in calls if call.id not in claimed]
        elif answers is None:
            answers = _next_call(open_calls, message.function)
            _note(row, RESULTS_LINKED, needed=answers is not None)
        _note(row, CALLS_NUMBERED, needed=any(call.id is None for call in message.calls))
        _note(row, IDS_REPEATED, needed=any(call.id in seen for call in calls))
        seen.update(call.id for call in calls)
        messages.append(
            Message(
                role=message.role,
                content=message.content,
                reasoning=message.reasoning,
                tool_calls=calls,
                tool_call_id=answers,
            )
        )
    return tuple(messages)


def _claimed(row: ForeignRow) -> Iterator[set[str]]:
    """For each message, the ids that the results directly after it answer."""
    after: set[str] = set()
    sets: list[set[str]] = []
    for message in reversed(row.messages):
        sets.append(after)
        if message.role != "tool":
            after = set()
        elif message.answers is not None:
            after.add(message.answers)
    return reversed(sets)


def _with_ids(index: int, message: ForeignMessage, taken: set[str | None]) -> Iterator[ToolCall]:
    for number, call in enumerate(message.calls):
        call_id = call.id
        if call_id is None:
            call_id = f"call_{index}_{number}"
            while call_id in taken:
                call_id += "_"
        yield ToolCall(id=call_id, name=call.name, arguments=call.arguments)


def _next_call(open_calls: list[ToolCall], function: str | None) -> str | None:
    for call in open_calls:
        if function is None or call.name == function:
            open_calls.remove(call)
            return call.id
    return None


def _note(row: ForeignRow, note: str, *, needed: bool) -> None:
    if needed and note not in row.notes:
        row.notes.append(note)
