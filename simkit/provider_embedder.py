"""The embedder of a function graph that asks a hosted model."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import anyio
import numpy as np
from anyio.from_thread import BlockingPortal
from numpy.typing import NDArray

from simkit.clients.embeddings import EmbeddingClient, EmbeddingRequest
from simkit.config import quoted
from simkit.filters.sole_error import sole_error_raised
from simkit.traces.provider_errors import RequestRefused

BATCH = 128
"""Texts in one call, where the provider takes so many."""
CALLS_AT_ONCE = 32
CHUNK = BATCH * CALLS_AT_ONCE
"""Texts to embed between two writes to a cache: as many as keep all calls busy."""


class ProviderEmbedder:
    """A hosted embedding model, as the `Embedder` of a graph; for worker threads.

    Texts go out in batches, several at once; how fast is up to the limits inside *client*.
    What a provider takes at once differs from 10 texts to 2,048, so a batch that it refuses
    is asked again in smaller ones. The first call is made alone: a wrong model, or a batch
    that is too large, is then found by one call and not by `CALLS_AT_ONCE`.

    Hosted models do not repeat a vector to the last bit. Behind a `CachedEmbedder` each text
    is asked once, so that all graphs built on one machine agree.

    Args:
        client: The model with its retries and limits around it.
        portal: Makes the calls, in the event loop that it was opened in. They end with it at
            the latest, also those of a thread that nobody waits for any more.
        base_url: Where it is asked; part of the name, since servers give models names of
            their own choice.
    """

    default_min_cosine = 0.7
    """A guess: each model has its own idea of how near unrelated texts are. See what `simkit
    graph show` says of the graph, and set ``graph.min_score``."""

    def __init__(self, client: EmbeddingClient, portal: BlockingPortal, *, base_url: str) -> None:
        self._client = client
        self._portal = portal
        self._base_url = base_url
        self._batch = BATCH
        self._has_answered = False

    @property
    def name(self) -> str:
        return f"{self._client.model} at {self._base_url}"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text; see `Embedder`. Blank texts are not sent.

        Raises:
            ProviderError: A batch failed for good.
            concurrent.futures.CancelledError: The portal's tasks are cancelled.
            RuntimeError: The portal is closed, or this is the thread of its event loop.
        """
        return self._portal.call(self._embed, texts)

    async def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        left = _Unembedded(texts)
        while left.pending and not self._has_answered:
            await self._ask_next(left)
        with sole_error_raised():
            async with anyio.create_task_group() as group:
                for _ in range(min(CALLS_AT_ONCE, len(left.pending))):
                    group.start_soon(self._ask_all, left)
        return left.rows()

    async def _ask_all(self, left: _Unembedded) -> None:
        while left.pending:
            await self._ask_next(left)

    async def _ask_next(self, left: _Unembedded) -> None:
        """Get the vectors of the next batch, or find out that batches must be smaller."""
        taken = left.take(self._batch)
        request = EmbeddingRequest(
            texts=tuple(left.texts[index] for index in taken), scenario=taken[0]
        )
        try:
            answer = await self._client.complete(request)
        except RequestRefused as error:
            if len(taken) == 1:
                error.args = (f"{error}; the text is {quoted(request.texts[0])}",)
                raise
            self._batch = min(self._batch, len(taken) // 2)
            left.pending.extendleft(reversed(taken))
            return
        self._has_answered = True
        left.found.update(zip(taken, _of_length_one(answer.vectors), strict=True))


class _Unembedded:
    """Texts to embed, and how far that is."""

    def __init__(self, texts: Sequence[str]) -> None:
        # A lone surrogate, which JSON from outside may hold, cannot be sent.
        self.texts = [text.encode("utf-8", "replace").decode() for text in texts]
        self.pending = deque(index for index, text in enumerate(texts) if text.strip())
        self.found: dict[int, NDArray[np.float32]] = {}

    def take(self, most: int) -> list[int]:
        return [self.pending.popleft() for _ in range(min(most, len(self.pending)))]

    def rows(self) -> NDArray[np.float32]:
        """Zeros for blank texts; of no dimensions at all when every text is blank."""
        dims = max(map(len, self.found.values()), default=0)
        rows = np.zeros((len(self.texts), dims), np.float32)
        for index, vector in self.found.items():
            rows[index] = vector
        return rows


def _of_length_one(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    exact = vectors.astype(np.float64)
    lengths = np.linalg.norm(exact, axis=1, keepdims=True)
    return np.asarray(exact / np.where(lengths > 0, lengths, 1), np.float32)
