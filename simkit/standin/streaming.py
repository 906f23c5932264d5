"""A chat completion as the server-sent events of ``"stream": true``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

_PIECE_CHARACTERS = 24
_DONE = b"data: [DONE]\n\n"


def as_events(whole: Mapping[str, Any], *, with_usage: bool) -> bytes:
    """The completion *whole* in pieces, as one text: the stand-in takes its time before it.

    Args:
        with_usage: Whether an event about the usage follows the last piece, as for
            ``"stream_options": {"include_usage": true}``.
    """
    top = {key: value for key, value in whole.items() if key not in ("choices", "usage")}
    top["object"] = "chat.completion.chunk"
    choice = whole["choices"][0]
    events = [_event(top, delta, None) for delta in _deltas(choice["message"])]
    events.append(_event(top, {}, choice["finish_reason"]))
    if with_usage:
        events.append({**top, "choices": [], "usage": whole["usage"]})
    return b"".join(b"data: %b\n\n" % orjson.dumps(event) for event in events) + _DONE


def _event(
    top: Mapping[str, Any], delta: Mapping[str, Any], finish_reason: str | None
) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return {**top, "choices": [choice]}


def _deltas(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"role": message["role"], "content": ""}
    for key in ("reasoning_content", "content"):
        for piece in _pieces(message.get(key) or ""):
            yield {key: piece}
    for index, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        begun = {**call, "function": {"name": function["name"], "arguments": ""}}
        yield {"tool_calls": [{"index": index, **begun}]}
        for piece in _pieces(function["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), _PIECE_CHARACTERS):
        yield text[start : start + _PIECE_CHARACTERS]
