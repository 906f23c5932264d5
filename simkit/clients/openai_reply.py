"""A chat completion as providers send it, read with suspicion."""

from __future__ import annotations

from typing import Any

import orjson

from simkit.clients.endpoint import Endpoint
from simkit.clients.http_failures import describe_body, failure
from simkit.traces.calls import Completion, FinishReason, RequestedCall, Usage
from simkit.traces.provider_errors import ContentRefused, UnusableReply
from simkit.traces.shallow_json import parse_json

_KNOWN = frozenset(("choices", "usage", "id", "object", "created", "model", "obfuscation"))
"""Read elsewhere, or noise: ``obfuscation`` is random text that hides the length of an event."""

_FINISH: dict[Any, FinishReason] = {
    "stop": "stop",
    "end_turn": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}
_THINK, _END_THINK = "<think>", "</think>"

MAX_TOKENS = 20_000_000
"""More than any model takes. A higher count is a mistake, and believing it would leave a debt
that holds back every call of the account, for hours."""


def read_completion(body: bytes, endpoint: Endpoint) -> Completion:
    """Read the body of a successful answer.

    An empty reply (no text, no call) is a reply: the model had nothing to say, and asking
    once more is for those who know what was asked. Usage that is missing or absurd counts
    as 0.

    Raises:
        UnusableReply: No JSON, no choices, no message, or parts of the wrong type.
        ContentRefused: The provider's filter left nothing of the reply.
        ProviderError: The body reports an error, as some gateways do with HTTP 200.
    """
    return completion_of(reply_object(body, endpoint), endpoint)


def completion_of(reply: dict[str, Any], endpoint: Endpoint) -> Completion:
    """As `read_completion`, of a body that has been decoded."""
    choice = _first_choice(reply, endpoint)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise UnusableReply(f"{endpoint.who} sent a reply without a message")
    finish_reason = _finish_reason(choice)
    content, reasoning = _split_reasoning(content_text(message, endpoint), message)
    tool_calls = _tool_calls(message, endpoint)
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        if finish_reason == "content_filter":
            raise ContentRefused(f"{endpoint.who} filtered the reply: {endpoint.quote(refusal)}")
        content = content or refusal
    if finish_reason == "content_filter" and not content and not tool_calls:
        raise ContentRefused(f"{endpoint.who} filtered the reply and left nothing of it")
    model = reply.get("model")
    return Completion(
        content=content,
        reasoning=reasoning,
        tool_calls=tool_calls,
        finish_reason=finish_reason,
        usage=read_usage(reply.get("usage")),
        model=model if isinstance(model, str) else "",
        extras={key: value for key, value in reply.items() if key not in _KNOWN},
    )


def reply_object(body: bytes, endpoint: Endpoint) -> dict[str, Any]:
    """Decode *body*, which must be a JSON object.

    Raises:
        UnusableReply: It is not.
    """
    try:
        reply = parse_json(body)
    except ValueError:
        raise UnusableReply(
            f"{endpoint.who} sent no usable JSON: {describe_body(body, endpoint)}"
        ) from None
    if not isinstance(reply, dict):
        raise UnusableReply(f"{endpoint.who} sent JSON that is no object")
    return reply


def _first_choice(reply: dict[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    choices = reply.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    raise_error_of(reply, endpoint)
    raise UnusableReply(f"{endpoint.who} sent a reply without choices")


def raise_error_of(reply: dict[str, Any], endpoint: Endpoint) -> None:
    """Raise what *reply*, which came with HTTP 200, reports in a member ``error``, if it does.

    Raises:
        ProviderError: As for the HTTP status that its ``code`` is, else `UnusableReply`.
    """
    error = reply.get("error")
    if not error:
        return
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, int) and 400 <= code < 600:
        raise failure(code, {}, orjson.dumps(reply), endpoint)
    raise UnusableReply(f"{endpoint.who} sent an error as a reply: {endpoint.quote(str(error))}")


def _finish_reason(choice: dict[str, Any]) -> FinishReason:
    reason = choice.get("finish_reason")
    return _FINISH.get(reason, "other") if isinstance(reason, str) else "other"


def content_text(message: dict[str, Any], endpoint: Endpoint) -> str:
    """The text of a message, or of a piece of one, which may come in parts.

    Raises:
        UnusableReply: It is neither text nor a list.
    """
    content = message.get("content")
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_part_text(part) for part in content)
    raise UnusableReply(f"{endpoint.who} sent content that is a {type(content).__name__}")


def _part_text(part: object) -> str:
    text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
    return text if isinstance(text, str) else ""


def _split_reasoning(content: str, message: dict[str, Any]) -> tuple[str, str | None]:
    """The content, and the reasoning from wherever the provider puts it."""
    for key in ("reasoning_content", "reasoning"):
        reasoning = message.get(key)
        if isinstance(reasoning, str) and reasoning:
            return content, reasoning
    start = content.lstrip()
    if not start.startswith(_THINK):
        return content, None
    # Without an end the reply was cut while thinking: then there is no content at all.
    reasoning, _, answer = start.removeprefix(_THINK).partition(_END_THINK)
    return answer.lstrip(), reasoning.strip() or None


def _tool_calls(message: dict[str, Any], endpoint: Endpoint) -> tuple[RequestedCall, ...]:
    calls = message.get("tool_calls")
    if calls is None:
        return ()
    if not isinstance(calls, list):
        raise UnusableReply(f"{endpoint.who} sent tool_calls that are no list")
    return tuple(_tool_call(call, endpoint) for call in calls)


def _tool_call(call: Any, endpoint: Endpoint) -> RequestedCall:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise UnusableReply(f"{endpoint.who} sent a tool call that names no function")
    call_id = call.get("id")
    return RequestedCall(
        id=call_id if isinstance(call_id, str) else "",
        name=function["name"],
        arguments=_arguments(function.get("arguments")),
    )


def _arguments(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    # Some servers send the object itself, or nothing for a function without arguments.
    return "" if arguments is None else orjson.dumps(arguments).decode()


def read_usage(usage: Any) -> Usage:
    """What the ``usage`` of a reply says, 0 where it says nothing sensible."""
    input_tokens = _tokens(usage, "prompt_tokens")
    output_tokens = _tokens(usage, "completion_tokens")
    cached = _tokens(_member(usage, "prompt_tokens_details"), "cached_tokens")
    reasoning = _tokens(_member(usage, "completion_tokens_details"), "reasoning_tokens")
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_input_tokens=min(cached, input_tokens),
        reasoning_tokens=min(reasoning, output_tokens),
    )


def _tokens(counts: Any, key: str) -> int:
    value = _member(counts, key)
    return value if type(value) is int and 0 <= value <= MAX_TOKENS else 0


def _member(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None
