"""Chat requests that others wrote, passed to a provider and back as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import aiohttp
import orjson

from simkit.clients.endpoint import Endpoint
from simkit.clients.http_call import HttpCalls
from simkit.clients.openai_reply import raise_error_of, read_usage, reply_object
from simkit.traces.calls import Answered, Usage
from simkit.traces.provider_errors import ProviderError, UnusableReply


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """The body of a chat-completions request, not streamed; satisfies `Request`."""

    number: int
    """Its place among all requests; lower ones go first."""
    body: bytes
    max_output_tokens: int | None = None
    """As the body has it."""

    @property
    def scenario(self) -> int:
        return self.number

    @property
    def role(self) -> str:
        return "request"

    @property
    def input_characters(self) -> int:
        return len(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer(Answered):
    """A provider's whole reply."""

    reply: bytes
    """JSON, as it came."""
    counted: Usage
    """What the reply says that it has cost."""

    @property
    def usage(self) -> Usage:
        return self.counted


class RawChat:
    """The chat completions of one address; one attempt a call, no waiting of its own.

    Args:
        session: Shared by all clients; see `open_session`. Not closed here.
        base_url: What ``/chat/completions`` is appended to; usually ends in ``/v1``.
        model: Named in errors.
        sets_model: Whether each request is to ask for *model*, whichever it names itself. Its
            body is then encoded anew, which rounds whole numbers of more than 64 bits.
        api_key: Sent as a bearer token; None sends none. It appears in no error.
        extra_headers: Sent with each call; they win over ours.
        connect_seconds: Longest wait for one connection attempt.
        first_byte_seconds: Longest silence, before the reply begins or within it.
        total_seconds: Longest duration of a call, the wait for a connection included.
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
        connect_seconds: float,
        first_byte_seconds: float,
        total_seconds: float,
        key_hint: str | None = None,
        sets_model: bool = False,
    ) -> None:
        self._sets_model = sets_model
        endpoint = Endpoint(
            base_url=base_url.rstrip("/"),
            model=model,
            api_key=api_key,
            extra_headers=extra_headers,
            key_hint=key_hint,
        )
        self._calls = HttpCalls(
            session,
            endpoint,
            path="/chat/completions",
            connect_seconds=connect_seconds,
            first_byte_seconds=first_byte_seconds,
            total_seconds=total_seconds,
        )

    @property
    def model(self) -> str:
        return self._calls.endpoint.model

    async def check(self) -> None:
        """Find a wrong address or key before anything is asked; see `HttpCalls.check`."""
        await self._calls.check()

    async def complete(self, request: RawRequest) -> RawAnswer:
        """Send *request* once and read the reply; see `Client`.

        Whatever is a reply is good: an empty one, one that was filtered, any tool call.

        Raises:
            UnusableReply: No JSON, no choices, no message.
            ProviderError: Also when the body reports an error, as some gateways do with
                HTTP 200.
        """
        reply = await self._calls.post(self._body(request))
        try:
            usage = _usage_of(reply.body, self._calls.endpoint)
        except ProviderError as error:
            error.allowances = reply.allowances
            raise
        return RawAnswer(
            reply=reply.body, counted=usage, times=reply.times, allowances=reply.allowances
        )

    def _body(self, request: RawRequest) -> bytes:
        if not self._sets_model:
            return request.body
        return orjson.dumps({**orjson.loads(request.body), "model": self.model})


def _usage_of(body: bytes, endpoint: Endpoint) -> Usage:
    """The usage of a reply, after making sure that it is one; all 0 when it tells none.

    Raises:
        ProviderError: It is none; see `RawChat.complete`.
    """
    reply = reply_object(body, endpoint)
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices:
        raise_error_of(reply, endpoint)
        raise UnusableReply(f"{endpoint.who} sent a reply without choices")
    if not all(isinstance(choice, dict) and _has_message(choice) for choice in choices):
        raise UnusableReply(f"{endpoint.who} sent a reply without a message")
    return read_usage(reply.get("usage"))


def _has_message(choice: dict[str, Any]) -> bool:
    return isinstance(choice.get("message"), dict)
