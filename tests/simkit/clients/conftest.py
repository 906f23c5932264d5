"""A request to send, and a provider on loopback to send it to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import web

from simkit.clients.http_session import open_session
from simkit.clients.openai_chat import OpenAIChat
from simkit.traces.calls import CallSite, ChatRequest
from simkit.traces.records import Message

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Listen = Callable[[Handler], Awaitable[str]]
Serve = Callable[..., Awaitable[OpenAIChat]]

API_KEY = "sk-proj-Q7xW2bN9vL4tR8yM"


@pytest.fixture
def a_request() -> Callable[..., ChatRequest]:
    """Build a request; by default the assistant's first call of the scenario."""

    def build(scenario: int = 0, *, turn: int = 1, **changes: Any) -> ChatRequest:
        fields: dict[str, Any] = {
            "site": CallSite(scenario=scenario, role="assistant", turn=turn),
            "messages": (Message(role="user", content="How warm is it in Oslo?"),),
        }
        return ChatRequest(**(fields | changes))

    return build


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """Start a provider that answers with a handler; gives its base URL. All end with the test."""
    async with AsyncExitStack() as stack:

        async def start(handler: Handler) -> str:
            app = web.Application(client_max_size=2**26)
            app.router.add_route("*", "/{path:.*}", handler)
            runner = web.AppRunner(app, handler_cancellation=True)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            return f"http://127.0.0.1:{runner.addresses[0][1]}/v1"

        yield start


@pytest.fixture
async def serve(listen: Listen) -> AsyncIterator[Serve]:
    """Start a provider as `listen` does and give a client of it.

    ``await serve(handler, **options of OpenAIChat)``.
    """
    async with open_session(max_connections=10) as session:

        async def start(handler: Handler, **options: Any) -> OpenAIChat:
            defaults: dict[str, Any] = {
                "base_url": await listen(handler),
                "model": "small-model",
                "api_key": API_KEY,
                "first_byte_seconds": 5.0,
                "total_seconds": 10.0,
            }
            return OpenAIChat(session, **(defaults | options))

        yield start
