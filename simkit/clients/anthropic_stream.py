"""A message that Anthropic's Messages API sends in pieces, put together again."""

from __future__ import annotations

from typing import Any

from simkit.clients.anthropic_failures import reported_failure
from simkit.clients.endpoint import Endpoint
from simkit.traces.provider_errors import UnusableReply
from simkit.traces.shallow_json import parse_json

_PIECES = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
"""Type of a delta to the member that holds its text; others, as signatures, say nothing."""


class StreamedMessage:
    """One message in the making; `add` each event in order, then ask for `whole`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._message: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._blocks: dict[Any, _Block] = {}
        self._stopped = False

    def add(self, data: str | bytes) -> bool:
        """Take in the data of one event; tells whether it was the last one.

        Raises:
            UnusableReply: It is no event of this API.
            ProviderError: It reports an error; what came before counts as nothing.
        """
        event = self._parsed(data)
        match event.get("type"):
            case "message_start":
                self._start(_member(event, "message"))
            case "content_block_start":
                self._blocks[event.get("index")] = _Block(_member(event, "content_block"))
            case "content_block_delta":
                self._continue(event)
            case "message_delta":
                self._message.update(_member(event, "delta"))
                self._usage.update(_member(event, "usage"))  # totals, not differences
            case "message_stop":
                self._stopped = True
            case "error":
                raise reported_failure(event, self._endpoint)
        return self._stopped  # a ping, or what the API may add, changes nothing

    def whole(self) -> dict[str, Any]:
        """The message as it would have been sent at once; the input of a tool stays JSON text.

        Raises:
            UnusableReply: The last event has not come.
        """
        if not self._stopped:
            raise self._unusable("breaks off")
        blocks = [block.whole(self._endpoint) for block in self._blocks.values()]
        return {**self._message, "content": blocks, "usage": self._usage}

    def _start(self, message: dict[str, Any]) -> None:
        self._message = message
        self._usage = dict(_member(message, "usage"))

    def _continue(self, event: dict[str, Any]) -> None:
        block, delta = self._blocks.get(event.get("index")), _member(event, "delta")
        if block is None:
            raise self._unusable("continues a block that was not begun")
        kind = delta.get("type")
        text = delta.get(_PIECES[kind]) if isinstance(kind, str) and kind in _PIECES else None
        if isinstance(text, str):
            block.pieces.append(text)

    def _parsed(self, data: str | bytes) -> dict[str, Any]:
        try:
            event = parse_json(data)
        except ValueError:
            raise self._unusable("holds an event that is no usable JSON") from None
        if not isinstance(event, dict) or not isinstance(event.get("index", 0), int):
            raise self._unusable("holds an event of another kind")
        return event

    def _unusable(self, what: str) -> UnusableReply:
        return UnusableReply(f"{self._endpoint.who} sent a stream that {what}")


class _Block:
    """One block of content and the pieces that came for it."""

    def __init__(self, start: dict[str, Any]) -> None:
        self._start = start
        self.pieces: list[str] = []

    def whole(self, endpoint: Endpoint) -> dict[str, Any]:
        member = "input" if self._start.get("type") == "tool_use" else self._start.get("type")
        # Joined, since an echoed key may be in two pieces.
        said = endpoint.without_key_text("".join(self.pieces))
        if not said or not isinstance(member, str):
            return self._start
        begun = self._start.get(member)
        return {**self._start, member: (begun if isinstance(begun, str) else "") + said}


def _member(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}
