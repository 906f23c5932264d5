"""The record format of ToolMind (arXiv 2511.15718): one sample for each trained turn.

A row holds exactly ``conversations`` and ``tools``. The conversation is cut after the
*anchor*, an assistant message that passed the turn filter, and only the anchor shows
reasoning, between ``<think>`` tags: empty ones where the model gave none, since the content of
every last message begins with them. Messages have no ids, as in the released data: tool results
answer the calls before them in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from simkit.traces.formats.call_arguments import arguments_of
from simkit.traces.formats.chat_messages import read_messages
from simkit.traces.formats.foreign_row import ForeignMessage, ForeignRow, id_of
from simkit.traces.formats.thinking import split_thought, with_thought
from simkit.traces.records import Message, ToolCall, Trajectory, Verdict


def rows(trajectory: Trajectory, verdict: Verdict) -> Iterator[bytes]:
    """One JSON object for each turn that passed, in order; what was masked is context.

    Every row repeats the messages before its anchor, so the total size grows with the
    square of a conversation's length.
    """
    tools = [orjson.Fragment(function.tool_json) for function in trajectory.scenario.tools]
    context = [orjson.Fragment(orjson.dumps(_message(m))) for m in trajectory.messages]
    for turn in verdict.turns:
        if turn.ok:
            anchor = _anchor(trajectory.messages[turn.index])
            row = {"conversations": [*context[: turn.index], anchor], "tools": tools}
            yield orjson.dumps(row)


def _message(message: Message) -> dict[str, Any]:
    # A model may have thought aloud in its content; in front of the anchor nobody thinks.
    is_models = message.role == "assistant"
    content = split_thought(message.content)[1] if is_models else message.content
    form: dict[str, Any] = {"role": message.role, "content": content}
    if message.tool_calls:
        form["tool_calls"] = [_call(call) for call in message.tool_calls]
    return form


def _anchor(message: Message) -> dict[str, Any]:
    aloud, content = split_thought(message.content)
    return _message(message) | {"content": with_thought(message.reasoning or aloud, content)}


def _call(call: ToolCall) -> dict[str, Any]:
    return {"function": {"name": call.name, "arguments": arguments_of(call)}}


def read(row: dict[str, Any]) -> ForeignRow:
    """The conversation in *row*, up to its anchor; ``<think>`` becomes reasoning.

    Where the anchor calls functions the row is open: their results are in no row.

    Raises:
        UnreadableRow: It is not in this format.
    """
    messages = [_apart(message) for message in read_messages(row, "conversations")]
    last = messages[-1]
    return ForeignRow(
        messages=messages,
        tools=row.get("tools"),
        id=id_of(row),
        is_open=bool(last.calls),
    )


def _apart(message: ForeignMessage) -> ForeignMessage:
    """*message* with its reasoning apart from its content."""
    if message.role != "assistant" or message.reasoning is not None:
        return message
    reasoning, content = split_thought(message.content)
    return replace(message, reasoning=reasoning, content=content)
