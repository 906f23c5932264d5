"""A chat completion that arrives in pieces, put together again."""

from __future__ import annotations

from typing import Any

from simkit.clients.endpoint import Endpoint
from simkit.clients.event_stream import ServerEvent
from simkit.clients.openai_reply import completion_of, content_text, raise_error_of, reply_object
from simkit.traces.calls import Completion
from simkit.traces.provider_errors import UnusableReply

_TEXTS = ("reasoning_content", "reasoning", "refusal")


class StreamedReply:
    """Takes the events of one reply, ``chat.completion.chunk`` objects, in their order."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._top: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}
        self._calls: list[_StreamedCall] = []
        self._finish_reason: Any = None

    def take(self, event: ServerEvent) -> bool:
        """Add the next event; whether it was the last one.

        Raises:
            UnusableReply: It is no piece of a reply.
            ProviderError: It reports an error, as `read_completion` says.
        """
        if event.data.strip() == b"[DONE]":
            return True
        piece = reply_object(event.data, self._endpoint)
        raise_error_of(piece, self._endpoint)
        choices = piece.pop("choices", None) or ()
        # The usage comes last, and is null before; some count along in each piece.
        self._top.update((key, value) for key, value in piece.items() if value is not None)
        if not isinstance(choices, list | tuple):
            raise UnusableReply(f"{self._endpoint.who} streamed choices that are no list")
        for choice in choices:
            if isinstance(choice, dict) and not choice.get("index"):
                self._take_choice(choice)
        return False

    def completion(self) -> Completion:
        """The whole reply, the same as if it had not been streamed.

        Raises:
            UnusableReply: It was not whole: no piece said why the model stopped. A part of a
                reply never counts as one.
            ContentRefused: As `read_completion`.
        """
        if self._finish_reason is None:
            raise UnusableReply(
                f"{self._endpoint.who} streamed a reply that breaks off: no finish_reason came. "
                "If this repeats, turn streaming off for this provider."
            )
        message: dict[str, Any] = {
            key: self._endpoint.without_key_text("".join(parts))
            for key, parts in self._texts.items()
        }
        if self._calls:
            message["tool_calls"] = [call.whole(self._endpoint) for call in self._calls]
        choice = {"message": message, "finish_reason": self._finish_reason}
        return completion_of({**self._top, "choices": [choice]}, self._endpoint)

    def _take_choice(self, choice: dict[str, Any]) -> None:
        self._finish_reason = choice.get("finish_reason") or self._finish_reason
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return
        if content := content_text(delta, self._endpoint):
            self._texts.setdefault("content", []).append(content)
        for key in _TEXTS:
            text = delta.get(key)
            if isinstance(text, str) and text:
                self._texts.setdefault(key, []).append(text)
        calls = delta.get("tool_calls") or ()
        if not isinstance(calls, list | tuple):
            raise UnusableReply(f"{self._endpoint.who} streamed tool_calls that are no list")
        for call in calls:
            self._take_call(call)

    def _take_call(self, piece: Any) -> None:
        if not isinstance(piece, dict):
            raise UnusableReply(f"{self._endpoint.who} streamed a tool call that is no object")
        open_call = self._open_call(piece)
        if open_call is None or open_call.is_before(piece):
            open_call = _StreamedCall(piece.get("index"))
            self._calls.append(open_call)
        open_call.take(piece)

    def _open_call(self, piece: dict[str, Any]) -> _StreamedCall | None:
        index = piece.get("index")
        if index is None:  # some servers count nothing and send one call after the other
            return self._calls[-1] if self._calls else None
        return next((call for call in reversed(self._calls) if call.index == index), None)


class _StreamedCall:
    """One tool call, of which id and name come first and arguments in pieces."""

    def __init__(self, index: Any) -> None:
        self.index = index
        self._id: Any = None
        self._name: Any = None
        self._arguments: list[str] = []
        self._object: Any = None

    def is_before(self, piece: dict[str, Any]) -> bool:
        """Whether *piece* begins another call, though it has no index of its own."""
        function = piece.get("function")
        names = isinstance(function, dict) and bool(function.get("name"))
        return (
            names and self._name is not None and bool(piece.get("id")) and piece["id"] != self._id
        )

    def take(self, piece: dict[str, Any]) -> None:
        self._id = self._id or piece.get("id")
        function = piece.get("function")
        if not isinstance(function, dict):
            return
        self._name = self._name or function.get("name")
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            self._arguments.append(arguments)
        elif arguments is not None:
            self._object = arguments

    def whole(self, endpoint: Endpoint) -> dict[str, Any]:
        """The call as a reply that is not streamed would have it."""
        text = endpoint.without_key_text("".join(self._arguments))
        arguments = self._object if self._object is not None and not text else text
        return {"id": self._id, "function": {"name": self._name, "arguments": arguments}}
