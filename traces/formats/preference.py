"""Pairs of a mistake and its repair: ``prompt``, ``chosen``, ``rejected``, lists of messages.

The conversational preference format of TRL, with the arguments of calls as objects and ``tools``
as JSON text, which its trainers decode: as a column of objects, the schemas of all rows would be
merged into one.

A pair is made where a masked turn made a call that was answered with an error, and the
assistant mended it before the user spoke again. Both answer the same context, that of the
mistake. They are the calls alone: what is said or thought beside a repair is about the failure,
which that context does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import orjson

from simkit.traces.formats.call_arguments import arguments_of
from simkit.traces.records import Message, ToolCall, Trajectory, Verdict
from simkit.traces.shallow_json import parse_json


def rows(trajectory: Trajectory, verdict: Verdict) -> Iterator[bytes]:
    """One JSON object for each masked turn that has a repair, in the order of the mistakes."""
    messages = trajectory.messages
    passed = {turn.index for turn in verdict.turns if turn.ok}
    offered = {function.name for function in trajectory.scenario.tools}
    parent = trajectory.provenance.parent
    tools = [orjson.Fragment(function.tool_json) for function in trajectory.scenario.tools]
    for index in verdict.masked:
        if parent is not None and index < parent.turn:
            continue  # masked because the parent's rows hold it, not because it is wrong
        mended = _mended(messages, index, passed, offered)
        if mended:
            yield orjson.dumps(
                {
                    "id": f"{trajectory.id}@{index}",
                    "prompt": [_message(message) for message in messages[:index]],
                    "chosen": [_calling(_renumbered(mended, messages[index].tool_calls))],
                    "rejected": [_calling(messages[index].tool_calls)],
                    "tools": orjson.dumps(tools).decode(),
                }
            )


def _mended(
    messages: Sequence[Message], index: int, passed: set[int], offered: set[str]
) -> tuple[ToolCall, ...]:
    """The calls that do right what those of message *index* did wrong; empty where none do.

    They are those of the next turn that passed. Further failures may stand between, but no
    word of the user, and nothing else that passed, as its results may be what made the repair
    possible.
    """
    wrong = messages[index].tool_calls
    if not _failed(messages, index):
        return ()
    for later in range(index + 1, len(messages)):
        message = messages[later]
        if later in passed:
            return message.tool_calls if _mends(message.tool_calls, wrong, offered) else ()
        if message.role == "user":
            break
    return ()


def _failed(messages: Sequence[Message], index: int) -> bool:
    """Whether one of the results directly after message *index* is an error."""
    for message in messages[index + 1 :]:
        if message.role != "tool":
            break
        if _is_error(message.content):
            return True
    return False


def _is_error(result: str) -> bool:
    try:
        value = parse_json(result)
    except ValueError:
        return result.lstrip()[:5].lower() == "error"
    return isinstance(value, dict) and bool(value.get("error"))


def _mends(right: Sequence[ToolCall], wrong: Sequence[ToolCall], offered: set[str]) -> bool:
    """Whether *right* calls one of the functions of *wrong* again, and in another way.

    Where *wrong* calls nothing that is on offer, whatever *right* calls is meant instead.
    """
    if not right or _said(right) == _said(wrong):
        return False
    meant = {call.name for call in wrong} & offered
    return not meant or any(call.name in meant for call in right)


def _renumbered(right: Sequence[ToolCall], wrong: Sequence[ToolCall]) -> list[ToolCall]:
    """*right* with the ids of *wrong*, as far as they go: an id must not tell which is which."""
    ids = [*(call.id for call in wrong), *(call.id for call in right[len(wrong) :])]
    return [replace(call, id=call_id) for call, call_id in zip(right, ids, strict=False)]


def _said(calls: Sequence[ToolCall]) -> list[tuple[str, str]]:
    return [(call.name, call.arguments) for call in calls]


def _message(message: Message) -> dict[str, Any] | orjson.Fragment:
    if not message.tool_calls:
        return orjson.Fragment(message.wire)
    return _calling(message.tool_calls) | {"content": message.content}


def _calling(calls: Sequence[ToolCall]) -> dict[str, Any]:
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": arguments_of(call)},
            }
            for call in calls
        ],
    }
