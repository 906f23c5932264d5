"""Calls as JSON: every reply is one object that says either an answer or calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from simkit.clients.tool_mode_calls import Call, Said, call_json, read_call, without_fence
from simkit.traces.shallow_json import parse_json


class CallsAsJson:
    """``{"reply": {"kind": "answer", ...}}`` or ``{"reply": {"kind": "calls", ...}}``.

    The two stand inside a member because some servers want a plain object at the top of a
    reply schema, and the kind comes first so that a model decides before it writes on.
    There is no member for reasoning: models that reason do so before their reply, where the
    client reads it, and a history never shows it.
    """

    prompt = "calls_as_json"

    def write(self, text: str, calls: Sequence[Call]) -> str:
        if not calls:
            return orjson.dumps({"reply": {"kind": "answer", "text": text}}).decode()
        reply: dict[str, Any] = {"kind": "calls"}
        if text:
            reply["text"] = text
        reply["calls"] = [orjson.Fragment(call_json(*call)) for call in calls]
        return orjson.dumps({"reply": reply}).decode()

    def read(self, content: str) -> Said | None:
        try:
            value = parse_json(without_fence(content))
        except ValueError:
            return None
        match value:
            case {"reply": {"kind": "answer", "text": str(text)}}:
                return Said(text)
            case {"reply": {"kind": "calls", "calls": [_, *_] as calls, **rest}}:
                beside = rest.get("text")
                return Said(
                    beside if isinstance(beside, str) else "",
                    tuple(read_call(orjson.dumps(call).decode()) for call in calls),
                )
        return None
