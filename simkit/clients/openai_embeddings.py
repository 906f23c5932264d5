"""An embedding model behind the API of OpenAI, or of the many who speak it too."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import aiohttp
import orjson

from simkit.clients.embeddings import EmbeddingRequest, Embeddings
from simkit.clients.embeddings_reply import read_embeddings
from simkit.clients.endpoint import Endpoint
from simkit.clients.http_call import HttpCalls, HttpReply
from simkit.traces.provider_errors import ProviderError, UnusableReply


class OpenAIEmbeddings:
    """One model at one address, asked over HTTP; one attempt a call, no waiting of its own.

    Args:
        session: Shared by all clients of a run; see `open_session`. Not closed here.
        base_url: What ``/embeddings`` is appended to; usually ends in ``/v1``.
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
    ) -> None:
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
            path="/embeddings",
            connect_seconds=connect_seconds,
            first_byte_seconds=first_byte_seconds,
            total_seconds=total_seconds,
        )
        self._dims: int | None = None
        """Numbers in a vector, once one has come."""

    @property
    def model(self) -> str:
        return self._calls.endpoint.model

    async def check(self) -> None:
        """Find a wrong address or key before a run starts; see `HttpCalls.check`."""
        await self._calls.check()

    async def complete(self, request: EmbeddingRequest) -> Embeddings:
        """Send *request* once and read the vectors; see `Client`.

        Raises:
            UnusableReply: Also when vectors are not as long as those of earlier calls.
        """
        reply = await self._calls.post(encode_request(request, self.model))
        try:
            return self._read(reply, len(request.texts))
        except ProviderError as error:
            error.allowances = reply.allowances
            raise

    def _read(self, reply: HttpReply, count: int) -> Embeddings:
        endpoint = self._calls.endpoint
        vectors, usage = read_embeddings(reply.body, count, endpoint)
        dims = vectors.shape[1]
        if self._dims not in (None, dims):
            raise UnusableReply(
                f"{endpoint.who} sent vectors of {dims} numbers, after vectors of {self._dims}"
            )
        self._dims = dims
        return Embeddings(
            vectors=vectors, counted=usage, times=reply.times, allowances=reply.allowances
        )


def encode_request(request: EmbeddingRequest, model: str) -> bytes:
    """The body of the call."""
    form = {"model": model, "input": orjson.Fragment(request.wire), "encoding_format": "float"}
    return orjson.dumps(form)
