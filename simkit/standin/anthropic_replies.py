"""A brain's reply as Anthropic's Messages API sends it, at once or in pieces."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from simkit.standin.brain_contract import Reply
from simkit.standin.replies import NOTICE

NOT_AN_OBJECT = "INVALID_JSON"
"""The one member of an input whose text is no JSON object: here an input cannot be anything
else."""

_PIECE_CHARACTERS = 40
_DELTA = {"text": "text_delta", "thinking": "thinking_delta"}


def message(
    reply: Reply,
    *,
    model: str,
    request_hash: bytes,
    input_tokens: int,
    output_tokens: int,
    forced_tool: str | None,
) -> dict[str, Any]:
    """The answer to the request with *request_hash*, from which its ids come.

    With *forced_tool* the content of *reply*, JSON text, is what that tool is given.
    """
    calls = reply.tool_calls
    content = reply.content
    if forced_tool is not None:
        calls, content = ((forced_tool, content or "{}"),), None
    blocks: list[dict[str, Any]] = []
    if reply.reasoning:
        blocks.append({"type": "thinking", "thinking": reply.reasoning, "signature": "standin"})
    if content:
        blocks.append({"type": "text", "text": content})
    blocks += [_use(call, request_hash, position) for position, call in enumerate(calls)]
    return {
        "id": f"msg_{request_hash.hex()}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": blocks,
        "stop_reason": "tool_use" if calls else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": input_tokens, "output_tokens": output_tokens},
        "standin": {"notice": NOTICE, "mistake": reply.mistake},
    }


def as_events(whole: Mapping[str, Any]) -> bytes:
    """The message *whole* as the server-sent events of a streamed answer."""
    return b"".join(
        b"event: %s\ndata: %s\n\n" % (event["type"].encode(), orjson.dumps(event))
        for event in _events(whole)
    )


def _events(whole: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    usage = whole["usage"]
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield {"type": "message_start", "message": begun}
    yield {"type": "ping"}
    for index, block in enumerate(whole["content"]):
        yield {"type": "content_block_start", "index": index, "content_block": _begun(block)}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None},
        "usage": {"output_tokens": usage["output_tokens"]},
    }
    yield {"type": "message_stop"}


def _begun(block: Mapping[str, Any]) -> dict[str, Any]:
    """*block* as it is announced: nothing of its text or input has come yet."""
    if block["type"] == "tool_use":
        return {**block, "input": {}}
    return {**block, block["type"]: ""}


def _deltas(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "tool_use":
        text = orjson.dumps(block["input"]).decode()
        kind, member = "input_json_delta", "partial_json"
    else:
        text, kind, member = block[block["type"]], _DELTA[block["type"]], block["type"]
    for start in range(0, len(text), _PIECE_CHARACTERS):
        yield {"type": kind, member: text[start : start + _PIECE_CHARACTERS]}


def _use(call: tuple[str, str], request_hash: bytes, position: int) -> dict[str, Any]:
    name, arguments = call
    digest = hashlib.blake2b(request_hash, digest_size=12, salt=position.to_bytes(4, "big"))
    use_id = f"toolu_{digest.hexdigest()}"
    return {"type": "tool_use", "id": use_id, "name": name, "input": _input(arguments)}


def _input(arguments: str) -> dict[str, Any]:
    try:
        given = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        given = None
    return given if isinstance(given, dict) else {NOT_AN_OBJECT: arguments}
