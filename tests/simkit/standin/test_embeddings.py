"""The stand-in's embeddings over real HTTP."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import aiohttp
import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from simkit.standin.brain_contract import Brain
from simkit.standin.embeddings import DIMS
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings


class Caller:
    """A client of one stand-in provider."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._base_url = base_url

    async def ask(self, body: Any, **headers: str) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        """Status, parsed body and headers of one answer."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        url = f"{self._base_url}/embeddings"
        async with self._session.post(url, data=BytesIO(raw), headers=headers) as answer:
            return answer.status, orjson.loads(await answer.read()), answer.headers

    async def vectors(self, *texts: str) -> NDArray[np.float64]:
        _, reply, _ = await self.ask({"model": "standin", "input": list(texts)})
        return np.array([entry["embedding"] for entry in reply["data"]])

    async def stats(self) -> dict[str, Any]:
        url = f"{self._base_url.removesuffix('/v1')}/stats"
        async with self._session.get(url) as answer:
            stats: dict[str, Any] = await answer.json()
            return stats


@asynccontextmanager
async def calling(brain: Brain, **settings: Any) -> AsyncIterator[Caller]:
    async with (
        running(StandinSettings(**settings), brain) as base_url,
        aiohttp.ClientSession() as session,
    ):
        yield Caller(session, base_url)


async def test_an_answer_has_the_openai_shape_and_says_who_made_it(echo: Brain) -> None:
    async with calling(echo) as caller:
        body = {"model": "standin", "input": ["name of the city", "amount of money"]}
        status, reply, headers = await caller.ask(body)
        stats = await caller.stats()

    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert reply["object"] == "list"
    assert reply["model"] == "standin"
    assert [(entry["object"], entry["index"]) for entry in reply["data"]] == [
        ("embedding", 0),
        ("embedding", 1),
    ]
    assert "never for training" in reply["standin"]["notice"]
    tokens = reply["usage"]["prompt_tokens"]
    assert reply["usage"]["total_tokens"] == tokens > 0
    assert (stats["input_tokens"], stats["output_tokens"]) == (tokens, 0)


async def test_a_text_always_gets_the_same_vector_of_length_one(echo: Brain) -> None:
    async with calling(echo) as caller:
        together = await caller.vectors("name of the city", "amount of money", "the", "?!")
        _, alone, _ = await caller.ask({"model": "standin", "input": "name of the city"})

    assert together.shape == (4, DIMS)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    assert alone["data"][0]["embedding"] == together[0].tolist()


async def test_similar_texts_are_near(echo: Brain) -> None:
    async with calling(echo) as caller:
        city, cities, money = await caller.vectors(
            "Name of the city", "City in which to look for hotels", "Amount of money"
        )
    assert city @ cities > city @ money + 0.2


async def test_base64_holds_the_same_numbers(echo: Brain) -> None:
    async with calling(echo) as caller:
        body = {"model": "standin", "input": "name of the city"}
        _, plain, _ = await caller.ask(body)
        _, packed, _ = await caller.ask({**body, "encoding_format": "base64", "user": "someone"})
    unpacked = np.frombuffer(base64.b64decode(packed["data"][0]["embedding"]), "<f4")
    assert unpacked.tolist() == np.array(plain["data"][0]["embedding"], "<f4").tolist()


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"input": None}, "'input'"),
        ({"input": []}, "'input'"),
        ({"input": ""}, r"'input\[0\]': must not be empty"),
        ({"input": ["one", ""]}, r"'input\[1\]': must not be empty"),
        ({"input": ["one", 2]}, r"'input\[1\]': must be a text"),
        ({"input": [[1, 2, 3]]}, r"'input\[0\]': must be a text"),
        ({"input": ["one"] * 2_049}, "1 to 2048 texts"),
        ({"input": "x" * 40_000}, "10000 tokens, more than 8192"),
        ({"input": ["x" * 30_000] * 50}, "375000 tokens, more than 300000"),
        ({"encoding_format": "hex"}, "'encoding_format': must be float or base64"),
        ({"dimensions": 64}, "'dimensions': unknown field"),
        ({"messages": []}, "'messages': unknown field"),
        ({"model": 7}, "'model': you must name a model"),
    ],
)
async def test_what_a_real_api_would_refuse_is_refused(
    echo: Brain, changes: dict[str, Any], where: str
) -> None:
    async with calling(echo) as caller:
        body = {"model": "standin", "input": ["one"], **changes}
        status, reply, _ = await caller.ask(body)
        stats = await caller.stats()
    assert (status, reply["error"]["type"]) == (400, "invalid_request_error")
    assert re.search(where, reply["error"]["message"])
    assert sum(stats["refused"].values()) == 1


@pytest.mark.parametrize("raw", [b"", b"[1]", b'{"model": "standin"'])
async def test_what_is_no_json_object_is_refused(echo: Brain, raw: bytes) -> None:
    async with calling(echo) as caller:
        assert (await caller.ask(raw))[0] == 400


async def test_an_unknown_model_and_a_wrong_key_are_told_apart(echo: Brain) -> None:
    async with calling(echo, api_key="secret") as caller:
        body = {"model": "other", "input": "one"}
        assert (await caller.ask(body))[0] == 401
        status, reply, _ = await caller.ask(body, Authorization="Bearer secret")
    assert (status, reply["error"]["code"]) == (404, "model_not_found")


async def test_limits_faults_and_counters_are_those_of_the_account(echo: Brain) -> None:
    """
    Chat and embeddings share one account, as they do at a real provider.
    """
    body = {"model": "standin", "input": "one"}
    async with calling(echo, rpm=1) as caller:
        status, _, headers = await caller.ask(body)
        assert (status, headers["x-ratelimit-limit-requests"]) == (200, "1")
        status, _, headers = await caller.ask(body)
        assert status == 429
        assert float(headers["retry-after"]) > 30
    async with calling(echo, faults=1.0) as caller:
        with pytest.raises((aiohttp.ClientError, orjson.JSONDecodeError, KeyError)):
            await caller.vectors("one")
        assert sum((await caller.stats())["faults"].values()) == 1
