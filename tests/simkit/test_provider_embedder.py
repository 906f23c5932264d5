"""The embedder that asks a hosted model, from the thread in which a graph is made."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import numpy as np
import pytest
from anyio.from_thread import BlockingPortal
from numpy.typing import NDArray

from simkit.clients.embeddings import EmbeddingRequest, Embeddings
from simkit.filters.sole_error import sole_error_raised
from simkit.graph.embed import CachedEmbedder
from simkit.provider_embedder import BATCH, CALLS_AT_ONCE, CHUNK, ProviderEmbedder
from simkit.traces.calls import CallTimes, Usage
from simkit.traces.provider_errors import BalanceExhausted, ProviderError, RequestRefused

MANY = [f"text {number}" for number in range(1_000)]


class Model:
    """A hosted model with vectors of a text's length, 3 times as long as they should be."""

    model = "small-embedder"

    def __init__(
        self, *, takes: int = BATCH, error: Callable[[EmbeddingRequest], None] | None = None
    ) -> None:
        self._takes = takes
        self._error = error
        self.requests: list[EmbeddingRequest] = []
        self.in_flight = 0
        self.peak = 0

    async def complete(self, request: EmbeddingRequest) -> Embeddings:
        self.requests.append(request)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await anyio.lowlevel.checkpoint()
            if self._error is not None:
                self._error(request)
            if len(request.texts) > self._takes:
                raise RequestRefused(f"at most {self._takes} texts")
        finally:
            self.in_flight -= 1
        rows = [[len(text), 1, 0] for text in request.texts]
        vectors = 3 * np.array(rows, np.float32)
        times = CallTimes(started_at=0.0)
        return Embeddings(vectors=vectors, counted=Usage(input_tokens=1), times=times)

    @property
    def asked(self) -> list[str]:
        return [text for request in self.requests for text in request.texts]


def expected(texts: Sequence[str]) -> NDArray[np.float32]:
    rows = np.array([[len(text), 1, 0] if text else [0, 0, 0] for text in texts], np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


@asynccontextmanager
async def hosting(model: Model) -> AsyncIterator[ProviderEmbedder]:
    with sole_error_raised():
        async with BlockingPortal() as portal:
            yield ProviderEmbedder(model, portal, base_url="http://127.0.0.1/v1")


async def embedded(model: Model, texts: Sequence[str]) -> NDArray[np.float32]:
    async with hosting(model) as embedder:
        return await anyio.to_thread.run_sync(embedder.embed, texts)


async def test_every_text_gets_its_own_row_of_length_one() -> None:
    model = Model()
    rows = await embedded(model, MANY)
    assert rows.dtype == np.float32
    assert np.allclose(rows, expected(MANY), atol=1e-6)
    assert sorted(model.asked) == sorted(MANY)


async def test_blank_texts_are_zeros_and_are_not_sent() -> None:
    model = Model()
    texts = ["", "one", " \n", "three", ""]
    rows = await embedded(model, texts)
    assert model.asked == ["one", "three"]
    assert np.allclose(rows, expected(["", "one", "", "three", ""]), atol=1e-6)


@pytest.mark.parametrize("texts", [[], ["", " "]])
async def test_nothing_to_ask_asks_nothing(texts: list[str]) -> None:
    model = Model()
    assert (await embedded(model, texts)).shape == (len(texts), 0)
    assert model.requests == []


async def test_after_a_first_call_many_are_made_at_once_but_not_all() -> None:
    """
    How fast they go is up to the limits; the first one finds out whether they can go at all.
    """
    model = Model()
    rows = await embedded(model, [f"text {number}" for number in range(3 * CHUNK)])
    assert len(rows) == 3 * CHUNK
    assert model.peak == CALLS_AT_ONCE
    assert len(model.requests) == 3 * CALLS_AT_ONCE


@pytest.mark.parametrize("takes", [100, 32, 1])
async def test_batches_that_are_refused_are_asked_in_smaller_ones(takes: int) -> None:
    """
    What providers take at once differs from 10 texts to 2,048, and no two say so alike.
    """
    model = Model(takes=takes)
    rows = await embedded(model, MANY)
    assert np.allclose(rows, expected(MANY), atol=1e-6)
    refused = [request for request in model.requests if len(request.texts) > takes]
    assert [len(request.texts) for request in refused] == [
        size for size in (128, 64, 32, 16, 8, 4, 2, 1) if size > takes
    ]


async def test_a_text_that_is_refused_alone_ends_it() -> None:
    def refuse(request: EmbeddingRequest) -> None:
        if "text 7" in request.texts:
            raise RequestRefused("too long")

    model = Model(error=refuse)
    with pytest.raises(RequestRefused, match='too long; the text is "text 7"'):
        await embedded(model, MANY)


async def test_an_account_problem_is_found_by_one_call() -> None:
    def fail(request: EmbeddingRequest) -> None:
        raise BalanceExhausted("out of credit")

    model = Model(error=fail)
    with pytest.raises(BalanceExhausted):
        await embedded(model, MANY)
    assert len(model.requests) == 1


async def test_a_failure_among_many_calls_comes_out_as_itself() -> None:
    def fail(request: EmbeddingRequest) -> None:
        if request.scenario > 0:
            raise BalanceExhausted("out of credit")

    with pytest.raises(BalanceExhausted):
        await embedded(Model(error=fail), MANY)


async def test_the_name_tells_model_and_server_apart() -> None:
    """
    Servers name their models as they please, and caches go by the name.
    """
    async with BlockingPortal() as portal:
        here = ProviderEmbedder(Model(), portal, base_url="http://127.0.0.1:1/v1")
        there = ProviderEmbedder(Model(), portal, base_url="http://127.0.0.1:2/v1")
    assert here.name == "small-embedder at http://127.0.0.1:1/v1" != there.name


async def test_text_that_cannot_be_encoded_does_no_harm() -> None:
    model = Model()
    await embedded(model, ["half a \ud83d face"])
    assert model.asked == ["half a ? face"]


async def test_what_is_cached_is_not_asked_again_even_after_a_failure(tmp_path: Path) -> None:
    """
    Vectors are paid for: a run that is started again goes on where the last one ended.
    """

    def fail(request: EmbeddingRequest) -> None:
        if "text 500" in request.texts:
            raise BalanceExhausted("out of credit")

    async def embed(model: Model, texts: Sequence[str]) -> NDArray[np.float32]:
        async with hosting(model) as hosted:
            cached = CachedEmbedder(hosted, tmp_path / "cache.db", chunk=200)
            return await anyio.to_thread.run_sync(cached.embed, texts)

    with pytest.raises(ProviderError):
        await embed(Model(error=fail), MANY)

    model = Model()
    rows = await embed(model, ["", *MANY])
    assert np.allclose(rows, expected(["", *MANY]), atol=1e-6)
    assert sorted(model.asked) == sorted(MANY[400:])

    idle = Model()
    again = await embed(idle, ["", *MANY])
    assert np.array_equal(again, rows)
    assert idle.requests == []


async def test_cancelling_whoever_waits_cancels_the_calls() -> None:
    """
    The thread is left to itself, as a run does it, and yet ends soon; the calls have ended
    before whoever opened the portal goes on.
    """
    asked = anyio.Event()
    ended: list[str] = []
    thread_ended = threading.Event()

    class Silent(Model):
        async def complete(self, request: EmbeddingRequest) -> Embeddings:
            asked.set()
            try:
                await anyio.sleep_forever()
            finally:
                ended.append("call")
            raise AssertionError

    async def run_until_cancelled() -> None:
        async with hosting(Silent()) as embedder:

            def embed() -> None:
                try:
                    embedder.embed(MANY)
                finally:
                    thread_ended.set()

            await anyio.to_thread.run_sync(embed, abandon_on_cancel=True)

    async with anyio.create_task_group() as group:
        group.start_soon(run_until_cancelled)
        await asked.wait()
        group.cancel_scope.cancel()
    assert ended == ["call"]
    assert await anyio.to_thread.run_sync(thread_ended.wait, 5)
