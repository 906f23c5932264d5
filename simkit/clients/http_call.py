"""One call over HTTP: sent, timed, bounded, and told apart when it fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO

import aiohttp
import anyio
from multidict import CIMultiDict
from yarl import URL

from simkit.clients.endpoint import Endpoint
from simkit.clients.event_stream import EventStream, ServerEvent
from simkit.clients.http_failures import failure
from simkit.clients.http_session import environment_proxy
from simkit.clients.limit_headers import allowances
from simkit.clients.transport_failures import (
    CHECK_ADVICE,
    TransportError,
    told,
    transport_failure,
)
from simkit.traces.calls import Allowance, CallTimes
from simkit.traces.provider_errors import ProviderError, Unreachable, UnusableReply

MAX_REPLY_BYTES = 32 * 2**20
_LARGE_BYTES = 2**20
"""Larger bodies are sent in pieces, so that no single one holds up all other calls."""
MAX_STREAM_BYTES = 8 * MAX_REPLY_BYTES
"""Each streamed token comes with a few hundred bytes around it."""
MAX_COMPLAINT_BYTES = 64 * 2**10
CHECK_SECONDS = 20.0
_LEAVE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """A successful answer, with an echoed key removed."""

    body: bytes
    """Empty when the reply came as events."""
    times: CallTimes
    allowances: tuple[Allowance, ...]


class HttpCalls:
    """Calls to one path of an endpoint; one attempt each, no waiting of its own.

    Args:
        session: Shared by all clients of a run; see `open_session`. Not closed here.
        path: Appended to the endpoint's address, e.g. ``/chat/completions``.
        connect_seconds: Longest wait for one connection attempt, TLS included.
        first_byte_seconds: Longest silence, before the reply begins or within it. Where
            replies are not streamed, this is how long a model may think.
        total_seconds: Longest duration of a call, the wait for a connection included.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        endpoint: Endpoint,
        *,
        path: str,
        connect_seconds: float,
        first_byte_seconds: float,
        total_seconds: float,
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        # Whatever is the same in each call is made once: there are thousands a second.
        self._url = _url(endpoint.base_url + path)
        self._headers = CIMultiDict(endpoint.headers())
        self._proxy = environment_proxy(endpoint.base_url)
        self._timeout = aiohttp.ClientTimeout(
            total=total_seconds, sock_connect=connect_seconds, sock_read=first_byte_seconds
        )

    @property
    def endpoint(self) -> Endpoint:
        return self._endpoint

    async def post(self, body: bytes) -> HttpReply:
        """Send *body* once and read the whole reply, of any 2xx status.

        Raises:
            ProviderError: No such reply; as `Client.complete` does. The limits that a
                failing answer tells of are in its ``allowances``.

        Safe to cancel at any point: the connection is closed.
        """
        return await self._call(body, None)

    async def stream(
        self, body: bytes, on_event: Callable[[ServerEvent], bool | None]
    ) -> HttpReply:
        """Send *body* once and hand each event of the reply to *on_event*.

        Args:
            on_event: Returns True after the last event that it needs; what it raises ends
                the call. A key is removed from what it gets, unless the key is split over
                several events.

        Returns:
            Once the reply has ended, orderly as far as HTTP can tell. Whether it was whole
            is for those to say who know what its last event is. A server that knows no
            streaming answers with a ``body`` instead, and *on_event* is not called.

        Raises:
            ProviderError: As `post` does.
        """
        return await self._call(body, on_event)

    async def check(self, path: str = "/models") -> None:
        """Ask for *path*, to find a wrong address or key before a run starts.

        A server that has no such path, or is busy, passes; so does HTTP 403, since a key may
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
                _url(self._endpoint.base_url + path),
                headers=self._headers,
                timeout=timeout,
                proxy=self._proxy,
                allow_redirects=False,
            ) as response:
                if response.status == 401 or 300 <= response.status < 400:
                    raise await self._failure(response)
        except TransportError as error:
            raise Unreachable(
                f"nothing usable answers at {self._endpoint.shown_url}: "
                f"{told(error, self._endpoint)}. {CHECK_ADVICE}"
            ) from None

    async def _call(
        self, body: bytes, on_event: Callable[[ServerEvent], bool | None] | None
    ) -> HttpReply:
        started_at, started = time.time(), time.monotonic()
        try:
            async with self._session.post(
                self._url,
                data=body if len(body) < _LARGE_BYTES else BytesIO(body),
                headers=self._headers,
                timeout=self._timeout,
                proxy=self._proxy,
                allow_redirects=False,
            ) as response:
                try:
                    reply = await self._reply(response, on_event)
                except ProviderError as error:
                    error.allowances = allowances(response.headers, self._endpoint.doubt)
                    raise
                headers = response.headers
        except TransportError as error:
            raise transport_failure(error, self._endpoint, self._timeout) from None
        seconds = time.monotonic() - started
        return HttpReply(
            body=self._endpoint.without_key(reply),
            times=CallTimes(started_at=started_at, provider_seconds=seconds, total_seconds=seconds),
            allowances=allowances(headers, self._endpoint.doubt),
        )

    async def _reply(
        self,
        response: aiohttp.ClientResponse,
        on_event: Callable[[ServerEvent], bool | None] | None,
    ) -> bytes:
        if not 200 <= response.status < 300:
            raise await self._failure(response)
        if on_event is None or response.content_type != EventStream.CONTENT_TYPE:
            return await self._read_reply(response.content)
        await self._read_events(response.content, on_event)
        return b""

    async def _read_reply(self, content: aiohttp.StreamReader) -> bytes:
        chunks = await _read(content, MAX_REPLY_BYTES)
        if sum(map(len, chunks)) > MAX_REPLY_BYTES:
            raise self._too_long(MAX_REPLY_BYTES)
        return b"".join(chunks)

    async def _read_events(
        self, content: aiohttp.StreamReader, on_event: Callable[[ServerEvent], bool | None]
    ) -> None:
        events = EventStream(max_event_bytes=MAX_REPLY_BYTES)
        size = 0
        while chunk := await content.readany():
            size += len(chunk)
            if size > MAX_STREAM_BYTES:
                raise self._too_long(MAX_STREAM_BYTES)
            try:
                complete = events.feed(chunk)
            except ValueError:
                raise self._too_long(MAX_REPLY_BYTES) from None
            for event in complete:
                if on_event(ServerEvent(event.name, self._endpoint.without_key(event.data))):
                    await _leave(content)
                    return

    def _too_long(self, limit: int) -> UnusableReply:
        return UnusableReply(f"{self._endpoint.who} sent a reply of more than {limit} bytes")

    async def _failure(self, response: aiohttp.ClientResponse) -> ProviderError:
        try:
            body = b"".join(await _read(response.content, MAX_COMPLAINT_BYTES))
        except TransportError:
            body = b""  # the status has said what matters
        return failure(response.status, response.headers, body, self._endpoint)


def _url(text: str) -> URL | str:
    """Parsed once; what is no address stays as it is, and the call says so."""
    try:
        return URL(text)
    except ValueError:
        return text


async def _read(content: aiohttp.StreamReader, limit: int) -> list[bytes]:
    """The decompressed body, or its first bytes, more than *limit*, when it is longer."""
    # Not `read`, which unpacks all that was sent before its size can be looked at.
    chunks = [await content.readany()]
    size = len(chunks[0])
    while size <= limit and not content.at_eof():
        chunk = await content.readany()
        size += len(chunk)
        chunks.append(chunk)
    return chunks


async def _leave(content: aiohttp.StreamReader) -> None:
    """Read to the end, which has usually come already, so that the connection can be used again."""
    if not content.at_eof():
        with anyio.move_on_after(_LEAVE_SECONDS), suppress(*TransportError):
            await content.readany()
