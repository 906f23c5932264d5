"""A reply of Anthropic's Messages API, read with suspicion."""

from __future__ import annotations

from typing import Any

import orjson

from simkit.clients.anthropic_failures import reported_failure
from simkit.clients.endpoint import Endpoint
from simkit.clients.http_failures import describe_body
from simkit.clients.openai_reply import MAX_TOKENS
from simkit.traces.calls import Completion, FinishReason, RequestedCall, Usage
from simkit.traces.provider_errors import ContentRefused, UnusableReply
from simkit.traces.shallow_json import parse_json

_KNOWN = frozenset(
    (
        "id",
        "type",
        "role",
        "model",
        "content",
        "stop_reason",
        "stop_sequence",
        "stop_details",
        "usage",
    )
)
_FINISH: dict[Any, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}


def read_message(body: bytes, endpoint: Endpoint, *, reply_tool: str | None) -> Completion:
    """Read the body of a successful answer; see `completion_of`.

    Raises:
        UnusableReply: No JSON, or JSON that is no message.
        ContentRefused: The model or a filter has refused.
        ProviderError: The body reports an error.
    """
    try:
        message = parse_json(body)
    except ValueError:
        raise UnusableReply(
            f"{endpoint.who} sent no usable JSON: {describe_body(body, endpoint)}"
        ) from None
    if not isinstance(message, dict):
        raise UnusableReply(f"{endpoint.who} sent JSON that is no object")
    return completion_of(message, endpoint, reply_tool=reply_tool)


def completion_of(
    message: dict[str, Any], endpoint: Endpoint, *, reply_tool: str | None
) -> Completion:
    """What *message* says.

    What a model gives to the tool *reply_tool* is its reply, and becomes the content. Without
    text and call it is still a reply; usage that is missing or absurd counts as 0.

    Raises:
        UnusableReply: There are no blocks of content, or some are of the wrong type.
        ContentRefused: The model or a filter has refused: what came before that is cut off
            anywhere, and nothing to go on from.
        ProviderError: It reports an error.
    """
    blocks = message.get("content")
    if not isinstance(blocks, list):
        if message.get("type") == "error":
            raise reported_failure(message, endpoint)
        raise UnusableReply(f"{endpoint.who} sent a reply without blocks of content")
    reason = message.get("stop_reason")
    if reason == "refusal":
        raise ContentRefused(f"{endpoint.who} refused: {_explained(message, endpoint)}")
    calls = [_call(block, endpoint) for block in blocks if _kind(block) == "tool_use"]
    replies = [call.arguments for call in calls if call.name == reply_tool]
    others = tuple(call for call in calls if call.name != reply_tool)
    finish = _FINISH.get(reason, "other") if isinstance(reason, str) else "other"
    model = message.get("model")
    return Completion(
        content=replies[0] if replies else _joined(blocks, "text", ""),
        reasoning=_joined(blocks, "thinking", "\n\n") or None,
        tool_calls=others,
        finish_reason="stop" if finish == "tool_calls" and not others else finish,
        usage=_usage(message.get("usage")),
        model=model if isinstance(model, str) else "",
        extras={key: value for key, value in message.items() if key not in _KNOWN},
    )


def _kind(block: Any) -> Any:
    return block.get("type") if isinstance(block, dict) else None


def _joined(blocks: list[Any], kind: str, separator: str) -> str:
    """All blocks of one kind, whose text has the kind's name."""
    texts = [block.get(kind) for block in blocks if _kind(block) == kind]
    return separator.join(text for text in texts if isinstance(text, str) and text)


def _call(block: dict[str, Any], endpoint: Endpoint) -> RequestedCall:
    name, call_id = block.get("name"), block.get("id")
    if not isinstance(name, str):
        raise UnusableReply(f"{endpoint.who} sent a tool call that names no function")
    return RequestedCall(
        id=call_id if isinstance(call_id, str) else "",
        name=name,
        arguments=_arguments(block.get("input")),
    )


def _arguments(given: Any) -> str:
    if isinstance(given, str):  # as it was streamed
        return given
    return "" if given is None else orjson.dumps(given).decode()


def _explained(message: dict[str, Any], endpoint: Endpoint) -> str:
    details = message.get("stop_details")
    told = details.get("explanation") if isinstance(details, dict) else None
    return endpoint.quote(told) if isinstance(told, str) and told else "it gives no reason"


def _usage(usage: Any) -> Usage:
    counts = usage if isinstance(usage, dict) else {}
    cached = _tokens(counts, "cache_read_input_tokens")
    fresh = _tokens(counts, "input_tokens") + _tokens(counts, "cache_creation_input_tokens")
    return Usage(
        input_tokens=fresh + cached,  # here, unlike in ours, the cached ones are apart
        output_tokens=_tokens(counts, "output_tokens"),
        cached_input_tokens=cached,
    )


def _tokens(counts: dict[str, Any], key: str) -> int:
    value = counts.get(key)
    return value if type(value) is int and 0 <= value <= MAX_TOKENS else 0
