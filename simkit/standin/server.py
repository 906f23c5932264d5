"""The HTTP side of the stand-in provider."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import anyio
import orjson
from aiohttp import web

from simkit.standin.brain_contract import Brain
from simkit.standin.checks import RequestChecker
from simkit.standin.fault_answers import fault_answer
from simkit.standin.faults import FaultMix
from simkit.standin.invalid_request import InvalidRequest, error_json
from simkit.standin.latency import draw_latency
from simkit.standin.limits import LimitExceeded, ProviderLimits, decimal_seconds
from simkit.standin.replies import completion, estimated_tokens, output_tokens
from simkit.standin.settings import StandinError, StandinSettings
from simkit.standin.stats import Stats
from simkit.traces.seeds import stream

MAX_BODY_BYTES = 32 * 1024 * 1024
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
        _application(Standin(settings, brain)),
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


def _application(standin: Standin) -> web.Application:
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_post("/v1/chat/completions", standin.chat)
    app.router.add_get("/v1/models", standin.models)
    app.router.add_get("/stats", standin.stats)
    app.router.add_route("*", "/{path:.*}", standin.unknown)
    return app


class Standin:
    """One provider account: its limits, faults and counters, around one brain."""

    def __init__(self, settings: StandinSettings, brain: Brain) -> None:
        self._settings = settings
        self._brain = brain
        self._checker = RequestChecker(settings.models)
        self._limits = ProviderLimits(settings)
        self._faults = FaultMix(settings)
        self._stats = Stats()

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """``POST /v1/chat/completions``."""
        self._stats.requests += 1
        try:
            return await self._admitted(request)
        except InvalidRequest as fault:
            self._stats.count_refusal(fault.status, fault.param, str(fault))
            return self._json(fault.as_json(), status=fault.status)
        except Exception:
            self._stats.broken += 1
            raise

    async def models(self, request: web.Request) -> web.Response:
        """``GET /v1/models``."""
        try:
            self._check_key(request)
        except InvalidRequest as fault:
            return self._json(fault.as_json(), status=fault.status)
        entries = [
            {"id": model, "object": "model", "created": 0, "owned_by": "simkit"}
            for model in self._settings.models
        ]
        return self._json({"object": "list", "data": entries})

    async def stats(self, request: web.Request) -> web.Response:
        """``GET /stats``: what has happened so far; needs no key."""
        limits = self._limits
        return self._json(
            self._stats.as_json(in_flight=limits.in_flight, peak_in_flight=limits.peak_in_flight)
        )

    async def unknown(self, request: web.Request) -> web.Response:
        """Any other address."""
        message = f"Unknown request URL: {request.method} {request.path}"
        error = error_json(message, "invalid_request_error", code="unknown_url")
        return self._json(error, status=404)

    async def _admitted(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        with self._noting_departure():
            raw = await _read(request)
        tokens = estimated_tokens(len(raw))
        exceeded = self._limits.admit(tokens, anyio.current_time())
        if exceeded is not None:
            return self._rate_limited(exceeded)
        try:
            return await self._answer(request, raw, tokens)
        finally:
            self._limits.leave()

    async def _answer(
        self, request: web.Request, raw: bytes, input_tokens: int
    ) -> web.StreamResponse:
        body = self._checker.checked(raw)
        body_hash = hashlib.blake2b(raw, digest_size=16).digest()
        fault, draw = self._faults.next_attempt(body_hash)
        if fault is not None:
            await self._take_time(draw_latency(self._settings.latency_seconds, 0, draw))
            self._stats.faults[fault] += 1
            return await fault_answer(fault, request, draw, self._limit_headers())
        reply = self._brain.reply(body, stream(self._settings.seed, "reply", body_hash.hex()))
        said = output_tokens(reply)
        answer = orjson.dumps(
            completion(
                reply,
                model=body["model"],
                body_hash=body_hash,
                prompt_tokens=input_tokens,
                completion_tokens=said,
            )
        )
        del body  # thousands wait here at once, and the garbage collector visits all they hold
        self._limits.take_tokens(said, anyio.current_time())
        await self._take_time(draw_latency(self._settings.latency_seconds, said, draw))
        self._stats.count_answer(input_tokens, said, reply.mistake)
        return self._encoded(answer)

    async def _take_time(self, seconds: float) -> None:
        if seconds > 0:
            with self._noting_departure():
                await anyio.sleep(seconds)

    @contextmanager
    def _noting_departure(self) -> Iterator[None]:
        try:
            yield
        except anyio.get_cancelled_exc_class():
            self._stats.abandoned += 1
            raise

    def _check_key(self, request: web.Request) -> None:
        key = self._settings.api_key
        if key is None:
            return
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {key}".encode()):
            raise InvalidRequest(
                None,
                "Incorrect API key provided; send it as the header Authorization: Bearer KEY",
                status=401,
                code="invalid_api_key",
            )

    def _rate_limited(self, exceeded: LimitExceeded) -> web.Response:
        self._stats.rate_limited[exceeded.kind] += 1
        seconds = decimal_seconds(exceeded.retry_after_seconds)
        per_minute = "" if exceeded.kind == "concurrency" else " per minute"
        message = (
            f"Rate limit reached for {exceeded.kind}: the limit is {exceeded.limit:g}{per_minute}; "
            f"please try again in {seconds}s"
        )
        error = error_json(message, exceeded.kind, code="rate_limit_exceeded")
        return self._json(error, status=429, headers={"retry-after": seconds})

    def _limit_headers(self) -> dict[str, str]:
        return self._limits.headers(anyio.current_time())

    def _json(
        self, body: object, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        return self._encoded(orjson.dumps(body), status=status, headers=headers)

    def _encoded(
        self, body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        every = {**self._limit_headers(), "content-type": "application/json"}
        return web.Response(status=status, body=body, headers={**every, **(headers or {})})


async def _read(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise InvalidRequest(
            None, f"The body of your request is larger than {MAX_BODY_BYTES} bytes", status=413
        ) from error
