"""A brain's reply in the shape of chat completions."""

from __future__ import annotations

import hashlib
from typing import Any

from simkit.standin.brain_contract import Reply

NOTICE = (
    "written by rule by simkit's stand-in provider; for exercising machinery, never for training"
)


def estimated_tokens(characters: int) -> int:
    """Characters divided by 4, rounded up: the stand-in's only notion of a token."""
    return -(-characters // 4)


def output_tokens(reply: Reply) -> int:
    """Tokens of all that was said: content, reasoning, names and arguments."""
    said = len(reply.content or "") + len(reply.reasoning or "")
    said += sum(len(name) + len(arguments) for name, arguments in reply.tool_calls)
    return estimated_tokens(said)


def completion(
    reply: Reply, *, model: str, body_hash: bytes, prompt_tokens: int, completion_tokens: int
) -> dict[str, Any]:
    """The answer to the request with *body_hash*.

    ``created`` is 0 and the ids come from the hash, so equal requests get equal bytes.
    """
    return {
        "id": f"chatcmpl-{body_hash.hex()}",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": _message(reply, body_hash),
                "logprobs": None,
                "finish_reason": "tool_calls" if reply.tool_calls else "stop",
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
        "system_fingerprint": "standin",
        "standin": {"notice": NOTICE, "mistake": reply.mistake},
    }


def _message(reply: Reply, body_hash: bytes) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.content}
    if reply.reasoning is not None:
        message["reasoning_content"] = reply.reasoning
    if reply.tool_calls:
        message["tool_calls"] = [
            {
                "id": _call_id(body_hash, position),
                "type": "function",
                "function": {"name": name, "arguments": arguments},
            }
            for position, (name, arguments) in enumerate(reply.tool_calls)
        ]
    return message


def _call_id(body_hash: bytes, position: int) -> str:
    digest = hashlib.blake2b(body_hash, digest_size=12, salt=position.to_bytes(4, "big"))
    return f"call_{digest.hexdigest()}"
