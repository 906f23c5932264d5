"""The first thing in a replayed conversation or judgement that is not as it was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from simkit.clients.recorded import Miss
from simkit.json_difference import Difference, first_difference
from simkit.traces.calls import CallSite, ChatRequest

_DAMAGED = "a reply that is damaged in the run's database and cannot be read"
_NOT_PLAYED_ON = "nothing, since what follows depends on the reply"
_OTHER_BYTES = Difference("", "these values", "the same values in other bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """Where it is, and what stands there: one line each, cut to the part that differs."""

    conversation: int
    turn: int | None
    """Index of the message; -1 for the intent and for the judgement of the whole, None for what
    belongs to no message."""
    role: str | None
    """Who wrote the message, or was asked; None for what belongs to no one."""
    field: str
    """Path to the value, e.g. ``tool_calls[0].arguments``. It begins with ``request`` where a
    model was asked something that it had not been asked, and is ``reply`` where what it answered
    is damaged."""
    recorded: str
    new: str


def trajectory_divergence(recorded: bytes, new: bytes, miss: Miss | None) -> Divergence | None:
    """How a replayed trajectory departs from the recorded one, both in their stored form.

    In the order of the conversation: intent, messages, the request that ended the replay
    (*miss*), how it ended, and what is known about it. None when the bytes are equal.
    """
    if recorded == new:
        return None
    before, after = orjson.loads(recorded), orjson.loads(new)
    return (
        _in_intent(before, after, miss)
        or _in_messages(before, after, miss)
        or _about(before, after)
    )


def verdict_divergence(
    conversation: int, recorded: bytes, new: bytes, miss: Miss | None
) -> Divergence | None:
    """How a new verdict departs from the recorded one, both in their stored form.

    A judge that was asked something new (*miss*) comes before what followed from it. None
    when the bytes are equal.
    """
    if recorded == new:
        return None
    if miss is not None:
        return request_divergence(miss)
    before, after = orjson.loads(recorded), orjson.loads(new)
    if before["outcome"] != after["outcome"]:
        found = Difference("outcome", _outcome(before), _outcome(after))
        return _named(conversation, None, None, found)
    for old, again in zip(before["turns"], after["turns"], strict=False):
        if difference := first_difference(old, again):
            return _named(conversation, old["index"], "assistant", difference)
    return _named(conversation, None, None, first_difference(before, after) or _OTHER_BYTES)


def request_divergence(miss: Miss, recorded: ChatRequest | None = None) -> Divergence:
    """What was asked that had not been asked, or whose reply is damaged.

    With where it differs from the *recorded* request for the same place, when that is known.
    """
    site = miss.request.site
    if miss.damaged:
        damage = Difference(f"reply{_which(site)}", _DAMAGED, _NOT_PLAYED_ON)
        return _named(site.scenario, site.turn, site.role, damage)
    found = None if recorded is None else first_difference(_asked(recorded), _asked(miss.request))
    if found is None:
        instead = miss.instead
        before = (
            "nothing is recorded for this call"
            if instead is None
            else f"another request (model {instead.model}, fingerprint {instead.fingerprint.hex()})"
        )
        now = f"model {miss.model}, fingerprint {miss.fingerprint.hex()}{_which(site)}"
        found = Difference("", before, now)
    field = f"request.{found.path}" if found.path else "request"
    return _named(site.scenario, site.turn, site.role, found._replace(path=field))


def _which(site: CallSite) -> str:
    """Which one of several calls for a message *site* is, after the first."""
    numbers = (("part", site.part), ("ask", site.ask))
    return "".join(f", {name} {number}" for name, number in numbers if number)


def _in_intent(
    before: Mapping[str, Any], after: Mapping[str, Any], miss: Miss | None
) -> Divergence | None:
    if after["intent"] is None and miss is not None:
        return None
    difference = first_difference(before["intent"], after["intent"], "intent")
    return difference and _named(_number(before), -1, "writer", difference)


def _in_messages(
    before: Mapping[str, Any], after: Mapping[str, Any], miss: Miss | None
) -> Divergence | None:
    old, new = before["messages"], after["messages"]
    for turn, (recorded, again) in enumerate(zip(old, new, strict=False)):
        if difference := first_difference(recorded, again):
            return _named(_number(before), turn, recorded["role"], difference)
    if miss is not None:
        return request_divergence(miss)
    if len(old) == len(new):
        return None
    turn = min(len(old), len(new))
    longer = old if len(old) > len(new) else new
    shown = first_difference(*(_message_or_end(whole, turn) for whole in (before, after)))
    return shown and _named(
        _number(before), turn, longer[turn]["role"], shown._replace(path="message")
    )


def _message_or_end(trajectory: Mapping[str, Any], turn: int) -> str:
    messages = trajectory["messages"]
    if turn < len(messages):
        return orjson.dumps(messages[turn]).decode()
    return f"none, since the conversation ended: {trajectory['cause'] or trajectory['ended']}"


def _about(before: Mapping[str, Any], after: Mapping[str, Any]) -> Divergence:
    difference = first_difference(before, after) or _OTHER_BYTES
    return _named(_number(before), None, None, difference)


def _asked(request: ChatRequest) -> dict[str, Any]:
    """*request* as the values that its fingerprint is made of, in the order in which people
    look for a difference."""
    return {
        "messages": [orjson.loads(message.wire) for message in request.messages],
        "tools": [orjson.loads(tool.tool_json) for tool in request.tools],
        "reply_schema": request.reply_schema and orjson.loads(request.reply_schema.wire),
        "temperature": request.temperature,
        "max_output_tokens": request.max_output_tokens,
        "seed": request.seed,
    }


def _outcome(verdict: Mapping[str, Any]) -> str:
    reasons = "; ".join(f"{reason['check']}: {reason['message']}" for reason in verdict["reasons"])
    outcome: str = verdict["outcome"]
    return f"{outcome} because of {reasons}" if reasons else outcome


def _number(trajectory: Mapping[str, Any]) -> int:
    number: int = trajectory["scenario"]["number"]
    return number


def _named(
    conversation: int, turn: int | None, role: str | None, difference: Difference
) -> Divergence:
    return Divergence(
        conversation=conversation,
        turn=turn,
        role=role,
        field=difference.path,
        recorded=difference.recorded,
        new=difference.new,
    )
