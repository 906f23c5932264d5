"""A model behind the chat-completions API of OpenAI, or of the many who speak it too."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import aiohttp
import anyio
import orjson

from simkit.clients.endpoint import Endpoint
from simkit.clients.http_failures import failure
from simkit.clients.http_session import environment_proxy
from simkit.clients.openai_reply import read_completion
from simkit.traces.calls import Answer, CallTimes, ChatRequest
from simkit.traces.provider_errors import (
    ProviderError,
    ProviderUnavailable,
    Unreachable,
    UnusableReply,
)

MAX_REPLY_BYTES = 32 * 2**20
MAX_COMPLAINT_BYTES = 64 * 2**10
CHECK_SECONDS = 20.0


class OpenAIChat:
    """One model at one address, asked over HTTP; one attempt a call, no waiting of its own.

    Args:
        session: Shared by all clients of a run; see `open_session`. Not closed here.
        base_url: What ``/chat/completions`` is appended to; usually ends in ``/v1``.
        api_key: Sent as a bearer token; None sends none. It appears in no error.
        extra_headers: Sent with each call; they win over ours.
        first_byte_seconds: Longest silence, before the reply begins or within it. Replies
            are not streamed: this is how long a model may think.
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
        first_byte_seconds: float,
        total_seconds: float,
        key_hint: str | None = None,
    ) -> None:
        self._session = session
        self._endpoint = Endpoint(
            base_url=base_url.rstrip("/"),
            model=model,
            api_key=api_key,
            extra_headers=extra_headers,
            key_hint=key_hint,
        )
        self._timeout = aiohttp.ClientTimeout(
            total=total_seconds,
            sock_connect=session.timeout.sock_connect,
            sock_read=first_byte_seconds,
        )
        self._proxy = environment_proxy(base_url)

    @property
    def model(self) -> str:
        return self._endpoint.model

    async def complete(self, request: ChatRequest) -> Answer:
        """Send *request* once and read the reply; see `ChatClient`."""
        started_at, started = time.time(), anyio.current_time()
        try:
            body = await self._post(encode_request(request, self.model))
        except (aiohttp.ClientError, OSError) as error:
            raise self._transport_failure(error) from None
        seconds = anyio.current_time() - started
        return Answer(
            completion=read_completion(body, self._endpoint),
            times=CallTimes(started_at=started_at, provider_seconds=seconds, total_seconds=seconds),
        )

    async def check(self) -> None:
        """Ask for the list of models, to find a wrong address or key before a run starts.

        A server that has no such list, or is busy, passes; so does HTTP 403, since a key may
        be good for chat and not for lists.

        Raises:
            Unreachable: Nothing answers, or the answer is a redirect.
            KeyRefused: HTTP 401.
        """
        timeout = aiohttp.ClientTimeout(
            total=CHECK_SECONDS, sock_connect=self._timeout.sock_connect
        )
        try:
            async with self._session.get(
                f"{self._endpoint.base_url}/models",
                headers=self._endpoint.headers(),
                timeout=timeout,
                proxy=self._proxy,
                allow_redirects=False,
            ) as response:
                if response.status == 401 or 300 <= response.status < 400:
                    raise await self._failure(response)
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(
                f"nothing usable answers at {self._endpoint.shown_url}: {self._told(error)}. "
                "Check the base URL, and that the provider runs and can be reached from here."
            ) from None

    async def _post(self, body: bytes) -> bytes:
        async with self._session.post(
            f"{self._endpoint.base_url}/chat/completions",
            data=body,
            headers=self._endpoint.headers(),
            timeout=self._timeout,
            proxy=self._proxy,
            allow_redirects=False,
        ) as response:
            if not 200 <= response.status < 300:
                raise await self._failure(response)
            reply = await _read(response, MAX_REPLY_BYTES)
        if len(reply) > MAX_REPLY_BYTES:
            raise UnusableReply(
                f"{self._endpoint.who} sent a reply of more than {MAX_REPLY_BYTES} bytes"
            )
        return self._endpoint.without_key(reply)

    async def _failure(self, response: aiohttp.ClientResponse) -> ProviderError:
        try:
            body = await _read(response, MAX_COMPLAINT_BYTES)
        except (aiohttp.ClientError, OSError):
            body = b""  # the status has said what matters
        return failure(response.status, response.headers, body, self._endpoint)

    def _transport_failure(self, error: aiohttp.ClientError | OSError) -> ProviderError:
        who, told = self._endpoint.who, self._told(error)
        if isinstance(error, (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError)):
            return Unreachable(f"{who}: that is no address. Check the base URL.")
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return Unreachable(f"{who} shows a certificate that is not trusted: {told}")
        if isinstance(error, TimeoutError):
            silence, total = self._timeout.sock_read, self._timeout.total
            return ProviderUnavailable(
                f"{who} gave no reply in time ({silence} s of silence or {total} s in all): {told}"
            )
        if isinstance(error, (aiohttp.ClientPayloadError, aiohttp.ClientResponseError)):
            return UnusableReply(f"{who} sent a reply that breaks off or is not HTTP: {told}")
        # Also when nobody listens: a provider that restarts is back in a moment, and one
        # that never was there is found by `check`.
        return ProviderUnavailable(f"no connection to {who}: {told}")

    def _told(self, error: Exception) -> str:
        """The error in words; its own text may quote an address with a password in it."""
        if isinstance(error, (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError)):
            return "that is no address"
        return self._endpoint.quote(f"{error}") or type(error).__name__


def encode_request(request: ChatRequest, model: str) -> bytes:
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
    return orjson.dumps(form)


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The decompressed body, or its first bytes, at least *limit* + 1, when it is longer."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            break
    return bytes(body)
