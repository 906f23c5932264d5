"""The rule checks, asked about a conversation that was made elsewhere.

The checks are about conversations as simkit plays them. What a foreign format has beside
that (a system prompt in the list, rows that end where a result would follow, tools that
nobody knows) is kept from the checks that it would only confuse; none is made milder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from simkit.filters.filter import Check, Objection
from simkit.filters.rules import (
    CallResultLinkage,
    KnownFunction,
    RoleOrder,
    SchemaValidArguments,
    default_checks,
)
from simkit.traces.foreign import Conversation
from simkit.traces.formats.foreign_row import IDS_REPEATED
from simkit.traces.one_line import one_line
from simkit.traces.records import Message, Trajectory

_NUMBER = re.compile(r"message (\d+)")


def checks_for(conversation: Conversation) -> list[Check]:
    """The checks of `default_checks` that *conversation* can be asked, in their order.

    - A system prompt may open the conversation; one in the middle breaks the order.
    - An id of a call may come again later, when each goes with the result directly after it:
      providers do repeat them, in a quarter of tau-bench's published conversations.
    - An open row counts as closed by a result for each call and an answer.
    - Where nobody knows what was on offer, `KnownFunction` is left out, and of
      `SchemaValidArguments` there remains that arguments are a JSON object.
    """
    return [
        _adapted(check, conversation)
        for check in default_checks()
        if conversation.offers_tools or not isinstance(check, KnownFunction)
    ]


def turns_only(checks: Iterable[Check]) -> list[Check]:
    """*checks* without what they hold against a whole conversation."""
    return [_TurnsOnly(inner=check) for check in checks]


def _adapted(check: Check, conversation: Conversation) -> Check:
    adapted = check
    if isinstance(check, SchemaValidArguments) and not conversation.offers_tools:
        return _ReadableArguments(inner=check)
    if isinstance(check, RoleOrder):
        adapted = _AfterSystemPrompt(inner=adapted)
    if isinstance(check, CallResultLinkage) and IDS_REPEATED in conversation.notes:
        adapted = _IdsToldApart(inner=adapted)
    if conversation.is_open and isinstance(check, RoleOrder | CallResultLinkage):
        adapted = _Closed(inner=adapted)
    return adapted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """A check that asks another one."""

    inner: Check

    @property
    def name(self) -> str:
        return self.inner.name


class _TurnsOnly(_Around):
    __slots__ = ()

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        return (found for found in self.inner.check(trajectory) if found.turn is not None)


class _ReadableArguments(_Around):
    """In the place of `SchemaValidArguments`, which passes over functions that it does not know."""

    __slots__ = ()

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        for index, message in enumerate(trajectory.messages):
            for call in message.tool_calls:
                try:
                    call.parsed_arguments()
                except ValueError as error:
                    reason = one_line(f"message {index} calls {call.name!r}: {error}")
                    yield Objection(check=self.name, message=reason, turn=index)


class _AfterSystemPrompt(_Around):
    """For `RoleOrder`: messages are counted as before, but the order begins after the prompt."""

    __slots__ = ()

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        messages = trajectory.messages
        first = next((at for at, m in enumerate(messages) if m.role != "system"), len(messages))
        for found in self.inner.check(replace(trajectory, messages=messages[first:])):
            yield replace(found, message=_counted_on(found.message, first))


def _counted_on(reason: str, before: int) -> str:
    """*reason* with the number of its message, if it names one, higher by *before*."""
    return _NUMBER.sub(lambda found: f"message {int(found[1]) + before}", reason, count=1)


class _IdsToldApart(_Around):
    """For `CallResultLinkage`: an id that an earlier message has used is taken as another one."""

    __slots__ = ()

    def check(self, trajectory: Trajectory) -> Iterable[Objection]:
        messages = tuple(_told_apart(trajectory.messages))
        return self.inner.check(replace(trajectory, messages=messages))


def _told_apart(messages: Iterable[Message]) -> Iterator[Message]:
    seen: set[str] = set()
    again: dict[str, str] = {}
    for index, message in enumerate(messages):
        if message.role == "tool":
            answers = message.tool_call_id
            yield message if answers not in again else replace(message, tool_call_id=again[answers])
            continue
        ids = [call.id for call in message.tool_calls]
        again = {call_id: f"{call_id}, of message {index}" for call_id in ids if call_id in seen}
        seen.update(ids)
        calls = (replace(call, id=again.get(call.id, call.id)) for call in message.tool_calls)
        yield replace(message, tool_calls=tuple(calls)) if again else message


class _Closed(_Around):
    __slots__ = ()

    def check(self, trajectory: Trajectory) -> Iterable[Objection]:
        last = trajectory.messages[-1]
        results = tuple(
            Message(role="tool", content="{}", tool_call_id=call.id) for call in last.tool_calls
        )
        closed = (*trajectory.messages, *results, Message(role="assistant", content="Done."))
        return self.inner.check(replace(trajectory, messages=closed))
