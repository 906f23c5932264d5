"""The clients that are compared: simkit's, and what people use or write instead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import orjson
import tenacity

from simkit.accounts import accounts_of, joined
from simkit.clients.http_session import open_session
from simkit.clients.openai_chat import OpenAIChat
from simkit.config import ProviderConfig
from simkit.traces.calls import CallSite, ChatRequest
from simkit.traces.records import Message

Ask = Callable[[int, str], Awaitable[None]]
"""Asks one question, given its number and text, until it is answered."""
Opened = Callable[[str], "asynccontextmanager[Ask]"]

CONNECTIONS = 6_000
MAX_TOKENS = 20


@asynccontextmanager
async def simkit(base_url: str, **options: object) -> AsyncIterator[Ask]:
    """simkit's whole stack; *options* are those of ``[providers.NAME]``."""
    provider = ProviderConfig.model_validate({"base_url": base_url, **options})
    async with open_session(max_connections=CONNECTIONS) as session:
        accounts = list(
            accounts_of(provider, "standin", OpenAIChat, session, connections=CONNECTIONS)
        )
        client = joined(accounts, (), provider)

        async def ask(number: int, text: str) -> None:
            request = ChatRequest(
                site=CallSite(scenario=number, role="assistant", turn=0),
                messages=(Message(role="user", content=text),),
                max_output_tokens=MAX_TOKENS,
            )
            await client.complete(request)

        yield ask
        leaked = sum(account.limiter.open_reservations for account in accounts)
        assert leaked == 0, f"{leaked} reservations leaked"


def encoded(number: int, text: str) -> bytes:
    """The same request as the other clients send it."""
    return orjson.dumps(
        {
            "model": "standin",
            "messages": [{"role": "user", "content": text}],
            "max_tokens": MAX_TOKENS,
        }
    )


@asynccontextmanager
async def bare(base_url: str) -> AsyncIterator[Ask]:
    """aiohttp alone: no limits, no retries, nothing read of the reply but its JSON."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, limit_per_host=0)
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        url = f"{base_url}/chat/completions"

        async def ask(number: int, text: str) -> None:
            async with session.post(url, data=encoded(number, text)) as response:
                if response.status != 200:
                    raise OSError(f"HTTP {response.status}")
                orjson.loads(await response.read())

        yield ask


@asynccontextmanager
async def semaphore(base_url: str, at_once: int) -> AsyncIterator[Ask]:
    """What most people write: a semaphore around aiohttp, and tenacity's backoff around that."""
    places = asyncio.Semaphore(at_once)

    async with bare(base_url) as once:

        @tenacity.retry(
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=60),
            stop=tenacity.stop_after_attempt(12),
            retry=tenacity.retry_if_exception_type((OSError, aiohttp.ClientError, ValueError)),
            reraise=True,
        )
        async def ask(number: int, text: str) -> None:
            async with places:
                await once(number, text)

        yield ask


@asynccontextmanager
async def openai_sdk(base_url: str, at_once: int) -> AsyncIterator[Ask]:
    """The OpenAI SDK with its own retries and a semaphore."""
    import openai

    places = asyncio.Semaphore(at_once)
    async with openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=12) as client:

        async def ask(number: int, text: str) -> None:
            async with places:
                await client.chat.completions.create(
                    model="standin",
                    messages=[{"role": "user", "content": text}],
                    max_tokens=MAX_TOKENS,
                )

        yield ask
