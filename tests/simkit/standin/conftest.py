"""A tiny brain, the parts of valid requests, and a client of a running stand-in."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiohttp
import anyio
import anyio.lowlevel
import orjson
import pytest

from simkit.standin.brain_contract import Brain, Reply
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings


class Echo:
    """Repeats the last message; calls the first tool when asked to, with a random number."""

    def reply(self, body: dict[str, Any], draw: random.Random) -> Reply:
        last = body["messages"][-1]["content"]
        if last == "call" and "tools" in body:
            name = body["tools"][0]["function"]["name"]
            call = (name, f'{{"city":"{draw.randrange(10**9)}"}}')
            return Reply(tool_calls=(call, call), reasoning="as asked", mistake="duplicate_call")
        if last == "break":
            raise RuntimeError("the brain broke")
        return Reply(content=last)


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def a_tool() -> Callable[..., dict[str, Any]]:
    """Build a valid tool; by default it takes a required city."""

    def build(name: str = "get_temperature", **parameters: Any) -> dict[str, Any]:
        schema = {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        }
        function = {"name": name, "description": "Get it.", "parameters": schema | parameters}
        return {"type": "function", "function": function}

    return build


@pytest.fixture
def a_body() -> Callable[..., dict[str, Any]]:
    """Build a valid request; by default one short question."""

    def build(content: str = "hello", **fields: Any) -> dict[str, Any]:
        messages = [{"role": "user", "content": content}]
        return {"model": "standin", "messages": messages} | fields

    return build


class Caller:
    """A client of one stand-in provider."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self.session = session
        self.base_url = base_url

    async def ask(self, body: Any, **headers: str) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        """Status, parsed body and headers of the answer to a chat request."""
        return await self._post(f"{self.base_url}/chat/completions", body, headers)

    async def leave(self, body: Any) -> dict[str, Any]:
        """Hang up once the provider works on *body*; gives the stats when it knows of that."""
        with anyio.fail_after(60):
            async with anyio.create_task_group() as asking:
                asking.start_soon(self.ask, body)
                while not (await self.stats())["in_flight"]:
                    await anyio.lowlevel.checkpoint()
                asking.cancel_scope.cancel()
            while (stats := await self.stats())["in_flight"]:
                await anyio.lowlevel.checkpoint()
        return stats

    async def control(self, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
        """Status and parsed body of an answer of ``POST /control``."""
        url = self.base_url.removesuffix("/v1") + "/control"
        return (await self._post(url, body, headers))[:2]

    async def get(self, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
        url = self.base_url.removesuffix("/v1") + path
        async with self.session.get(url, headers=headers) as answer:
            return answer.status, orjson.loads(await answer.read())

    async def stats(self) -> dict[str, Any]:
        return (await self.get("/stats"))[1]

    async def _post(
        self, url: str, body: Any, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        async with self.session.post(url, data=raw, headers=headers) as answer:
            return answer.status, orjson.loads(await answer.read()), answer.headers


@pytest.fixture
def calling() -> Callable[..., AbstractAsyncContextManager[Caller]]:
    """Run a stand-in with a brain and settings, and give a client of it."""

    @asynccontextmanager
    async def call(brain: Brain, **settings: Any) -> AsyncIterator[Caller]:
        async with (
            running(StandinSettings(**settings), brain) as base_url,
            aiohttp.ClientSession() as session,
        ):
            yield Caller(session, base_url)

    return call
