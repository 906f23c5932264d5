"""A model behind Anthropic's Messages API, or of the few who speak it too."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import aiohttp

from simkit.clients.anthropic_failures import clarified
from simkit.clients.anthropic_reply import completion_of, read_message
from simkit.clients.anthropic_request import encode_messages_request
from simkit.clients.anthropic_stream import StreamedMessage
from simkit.clients.endpoint import Endpoint
from simkit.clients.http_call import HttpCalls, HttpReply
from simkit.traces.calls import Answer, ChatRequest, Completion
from simkit.traces.provider_errors import RequestRefused

API_VERSION = "2023-06-01"


class AnthropicChat:
    """One model at one address, asked over HTTP; one attempt a call, no waiting of its own.

    Args:
        session: Shared by all clients of a run; see `open_session`. Not closed here.
        base_url: What ``/messages`` is appended to; usually ends in ``/v1``.
        api_key: Sent as ``x-api-key``; None sends none. It appears in no error.
        extra_headers: Sent with each call; they win over ours.
        connect_seconds: Longest wait for one connection attempt.
        first_byte_seconds: Longest silence, before the reply begins or within it. Unless
            replies are streamed, this is how long a model may think.
        total_seconds: Longest duration of a call, the wait for a connection included.
        stream: Have replies sent in pieces; one that breaks off counts as none.
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
            key_header="x-api-key",
            api_headers={"anthropic-version": API_VERSION},
        )
        self._stream = stream
        self._calls = HttpCalls(
            session,
            self._endpoint,
            path="/messages",
            connect_seconds=connect_seconds,
            first_byte_seconds=first_byte_seconds,
            total_seconds=total_seconds,
        )

    @property
    def model(self) -> str:
        return self._endpoint.model

    async def complete(self, request: ChatRequest) -> Answer:
        """Send *request* once and read the reply; see `ChatClient`.

        How it is put is told at `encode_messages_request`, how the reply is read at
        `completion_of`.
        """
        body = encode_messages_request(request, self.model, stream=self._stream)
        reply_tool = request.reply_schema.name if request.reply_schema else None
        try:
            ask = self._streamed if self._stream else self._whole
            reply, completion = await ask(body, reply_tool)
        except RequestRefused as refused:
            raise clarified(refused) from None
        return Answer(completion=completion, times=reply.times, allowances=reply.allowances)

    async def check(self) -> None:
        """Ask for the list of models, to find a wrong address or key before a run starts.

        Raises:
            Unreachable, KeyRefused: As `HttpCalls.check` does.
        """
        await self._calls.check()

    async def _whole(self, body: bytes, reply_tool: str | None) -> tuple[HttpReply, Completion]:
        reply = await self._calls.post(body)
        return reply, read_message(reply.body, self._endpoint, reply_tool=reply_tool)

    async def _streamed(self, body: bytes, reply_tool: str | None) -> tuple[HttpReply, Completion]:
        message = StreamedMessage(self._endpoint)
        reply = await self._calls.stream(body, lambda event: message.add(event.data))
        if reply.body:  # a server that knows no streaming
            return reply, read_message(reply.body, self._endpoint, reply_tool=reply_tool)
        return reply, completion_of(message.whole(), self._endpoint, reply_tool=reply_tool)
