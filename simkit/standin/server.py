"""The HTTP side of the stand-in provider."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
from aiohttp import web

from simkit.standin.account import MAX_BODY_BYTES, Account
from simkit.standin.anthropic_api import VERSION_HEADER, AnthropicApi
from simkit.standin.brain_contract import Brain
from simkit.standin.chat_api import ChatApi
from simkit.standin.embeddings import EmbeddingsApi
from simkit.standin.settings import StandinError, StandinSettings
from simkit.standin.status_api import StatusApi, unknown

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_BACKLOG = 8192  # thousands of clients may connect at the same moment
_KEEP_ALIVE_SECONDS = 600.0
_SHUTDOWN_SECONDS = 0.1  # stopping need not wait for replies: nobody pays for them


async def serve(
    settings: StandinSettings, brain: Brain, *, on_ready: Callable[[str], None]
) -> None:
    """Serve until cancelled; *on_ready* gets the base URL, e.g. ``http://127.0.0.1:4312/v1``.

    Raises:
        StandinError: The address cannot be used, e.g. because the port is taken.
    """
    async with running(settings, brain) as base_url:
        on_ready(base_url)
        await anyio.sleep_forever()


@asynccontextmanager
async def running(settings: StandinSettings, brain: Brain) -> AsyncIterator[str]:
    """A provider in this event loop (asyncio only), stopped on leaving; gives its base URL.

    Raises:
        StandinError: The address cannot be used, e.g. because the port is taken.
    """
    runner = web.AppRunner(
        _application(settings, brain),
        access_log=None,
        keepalive_timeout=_KEEP_ALIVE_SECONDS,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        handler_cancellation=True,  # a client that left must not hold a place in flight
    )
    await runner.setup()
    try:
        await _listen(runner, settings)
        yield _base_url(settings, runner.addresses[0][1])
    finally:
        with anyio.CancelScope(shield=True):  # else a cancelled server leaves its port open
            await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: StandinSettings) -> None:
    site = web.TCPSite(runner, settings.host, settings.port, backlog=_BACKLOG)
    try:
        await site.start()
    except OSError as error:
        raise StandinError(
            f"the stand-in cannot listen on {settings.host} port {settings.port}: "
            f"{error.strerror or error}; use another --port, or 0 for a free one"
        ) from error


def _base_url(settings: StandinSettings, port: int) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{port}/v1"


def _routes(settings: StandinSettings, brain: Brain) -> dict[tuple[str, str], Handler]:
    account = Account(settings)
    chat = ChatApi(settings, brain, account)
    anthropic = AnthropicApi(settings, brain, account)
    status = StatusApi(account)
    return {
        ("POST", "/v1/chat/completions"): chat.chat,
        ("POST", "/v1/embeddings"): EmbeddingsApi(settings.models, account).embeddings,
        ("POST", "/v1/messages"): anthropic.messages,
        ("GET", "/v1/models"): _either(chat.models, anthropic.models),
        ("GET", "/stats"): status.stats,
        ("GET", "/timeline"): status.timeline,
        ("POST", "/control"): status.control,
    }


def _either(openai: Handler, anthropic: Handler) -> Handler:
    """The handler for an address that both APIs have: only one of them sends its version."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return await (anthropic if VERSION_HEADER in request.headers else openai)(request)

    return handle


def _application(settings: StandinSettings, brain: Brain) -> web.Application:
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    for (method, path), handler in _routes(settings, brain).items():
        app.router.add_route(method, path, handler)
    app.router.add_route("*", "/{path:.*}", unknown)
    return app
