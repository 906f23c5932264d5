"""Conversations with the tags of Hermes and Qwen models: ``conversations`` of ``from``, ``value``.

The functions stand in the ``system`` turn between ``<tools>`` tags, one JSON object a line; each
call in a ``gpt`` turn between ``<tool_call>`` tags; the results of a turn's calls in one ``tool``
turn, in the order of the calls, each between ``<tool_response>`` tags. Reasoning stands between
``<think>`` tags in front of the value, wherever there is some: Qwen's own template takes away
what was thought before the last question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import orjson

from simkit.traces.formats.call_arguments import arguments_of
from simkit.traces.formats.thinking import with_thought
from simkit.traces.functions import Function
from simkit.traces.records import Message, ToolCall, Trajectory, Verdict

_OFFER = """\
You can call functions to help the user. Their signatures, one JSON object a line:
<tools>
{tools}
</tools>

To call one, answer with its name and its arguments between tags, a block for each call:
<tool_call>
{{"name": NAME, "arguments": OBJECT}}
</tool_call>
The result of each call comes back between <tool_response> tags."""


def rows(trajectory: Trajectory, verdict: Verdict) -> Iterator[bytes]:
    """One JSON object: ``id``, ``conversations`` and ``tools``, which is JSON text.

    Turns from ``gpt`` carry a ``weight``: 1 for those to train on, 0 for context.
    """
    trained = {turn.index for turn in verdict.turns if turn.ok}
    tools = trajectory.scenario.tools
    messages = list(enumerate(trajectory.messages))
    said_first = messages.pop(0)[1].content if _begins_with_system(trajectory.messages) else ""
    system = "\n\n".join(part for part in (said_first, _offer(tools)) if part)
    turns: list[dict[str, Any]] = [{"from": "system", "value": system}] if system else []
    for is_result, group in groupby(messages, key=lambda item: item[1].role == "tool"):
        if is_result:
            turns.append({"from": "tool", "value": "\n".join(_response(m) for _, m in group)})
        else:
            turns += [_turn(message, weight=int(index in trained)) for index, message in group]
    listed = orjson.dumps([orjson.Fragment(function.tool_json) for function in tools]).decode()
    yield orjson.dumps({"id": trajectory.id, "conversations": turns, "tools": listed})


def _begins_with_system(messages: Sequence[Message]) -> bool:
    return bool(messages) and messages[0].role == "system"


def _offer(tools: Sequence[Function]) -> str:
    if not tools:
        return ""
    lines = (_inside("tools", function.tool_json.decode()) for function in tools)
    return _OFFER.format(tools="\n".join(lines))


def _turn(message: Message, *, weight: int) -> dict[str, Any]:
    if message.role != "assistant":
        return {
            "from": "human" if message.role == "user" else message.role,
            "value": message.content,
        }
    said = [message.content] if message.content or not message.tool_calls else []
    value = "\n".join([*said, *map(_block, message.tool_calls)])
    if message.reasoning is not None:
        value = with_thought(message.reasoning, value)
    return {"from": "gpt", "value": value, "weight": weight}


def _block(call: ToolCall) -> str:
    text = orjson.dumps({"name": call.name, "arguments": arguments_of(call)}).decode()
    return f"<tool_call>\n{_inside('tool_call', text)}\n</tool_call>"


def _response(message: Message) -> str:
    return f"<tool_response>\n{_inside('tool_response', message.content)}\n</tool_response>"


def _inside(tag: str, text: str) -> str:
    """*text*, which cannot close *tag*; JSON reads the escaped slash as the same character."""
    return text.replace(f"</{tag}>", rf"<\/{tag}>")
