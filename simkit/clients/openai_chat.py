"""A model behind the chat-completions API of OpenAI, or of the many who speak it too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import aiohttp
import orjson

from simkit.clients.endpoint import Endpoint
from simkit.clients.http_call import HttpCalls, HttpReply
from simkit.clients.openai_reply import read_completion
from simkit.clients.openai_stream import StreamedReply
from simkit.traces.calls import Answer, ChatRequest, Completion
from simkit.traces.provider_errors import ProviderError

Read = Callable[[], Completion]


class OpenAIChat:
    """One model at one address, asked over HTTP; one attempt a call, no waiting of its own.

    Args:
        session: Shared by all clients of a run; see `open_session`. Not closed here.
        base_url: What ``/chat/completions`` is appended to; usually ends in ``/v1``.
        api_key: Sent as a bearer token; None sends none. It appears in no error.
        extra_headers: Sent with each call; they win over ours.
        connect_seconds: Longest wait for one connection attempt.
        first_byte_seconds: Longest silence, before the reply begins or within it. Unless
            replies are streamed, this is how long a model may think.
        total_seconds: Longest duration of a call, the wait for a connection included.
        stream: Have replies sent in pieces, so that a silent call is noticed early. The
            answer is the same. A server that knows no streaming may ignore it.
        key_hint: Name of the environment variable that the key comes from, for errors.

    Raises:
        KeyRefused: The key holds a character that no header can carry, or the address names
            a user besides.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        model: str,
        api_key: str | None,
        extra_headers: Mapping[str, str] = MappingProxyType({}),
        connect_seconds: float = 10.0,
        first_byte_seconds: float,
        total_seconds: float,
        stream: bool = False,
        key_hint: str | None = None,
    ) -> None:
        self._endpoint = Endpoint(
            base_url=base_url.rstrip("/"),
            model=model,
            api_key=api_key,
            extra_headers=extra_headers,
            key_hint=key_hint,
        )
        self._calls = HttpCalls(
            session,
            self._endpoint,
            path="/chat/completions",
            connect_seconds=connect_seconds,
            first_byte_seconds=first_byte_seconds,
            total_seconds=total_seconds,
        )
        self._stream = stream

    @property
    def model(self) -> str:
        return self._endpoint.model

    async def complete(self, request: ChatRequest) -> Answer:
        """Send *request* once and read the reply; see `Client`."""
        body = encode_request(request, self.model, stream=self._stream)
        reply, read = await (self._streamed(body) if self._stream else self._whole(body))
        try:
            completion = read()
        except ProviderError as error:
            error.allowances = reply.allowances
            raise
        return Answer(completion=completion, times=reply.times, allowances=reply.allowances)

    async def check(self) -> None:
        """Ask for the list of models, to find a wrong address or key before a run starts.

        Raises:
            Unreachable, KeyRefused: See `HttpCalls.check`.
        """
        await self._calls.check()

    async def _whole(self, body: bytes) -> tuple[HttpReply, Read]:
        reply = await self._calls.post(body)
        return reply, lambda: read_completion(reply.body, self._endpoint)

    async def _streamed(self, body: bytes) -> tuple[HttpReply, Read]:
        streamed = StreamedReply(self._endpoint)
        reply = await self._calls.stream(body, streamed.take)
        if reply.body:  # a server that knows no streaming
            return reply, lambda: read_completion(reply.body, self._endpoint)
        return reply, streamed.completion


def encode_request(request: ChatRequest, model: str, *, stream: bool = False) -> bytes:
    """The body of the call, joined from parts that were each encoded once."""
    form: dict[str, Any] = {
        "model": model,
        "messages": [orjson.Fragment(message.wire) for message in request.messages],
    }
    if request.tools:
        form["tools"] = [orjson.Fragment(tool.tool_json) for tool in request.tools]
    if request.reply_schema is not None:
        form["response_format"] = orjson.Fragment(request.reply_schema.wire)
    if request.temperature is not None:
        form["temperature"] = request.temperature
    if request.max_output_tokens is not None:
        # The older of two names: every compatible server knows it, few know the newer
        # max_completion_tokens.
        form["max_tokens"] = request.max_output_tokens
    if request.seed is not None:
        form["seed"] = request.seed
    if stream:
        form["stream"] = True
        form["stream_options"] = {"include_usage": True}
    return orjson.dumps(form)
