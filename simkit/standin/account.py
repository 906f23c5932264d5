"""One provider account: every request passes its key check, limits, faults and counters."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping

import anyio
from aiohttp import web

from simkit.standin.api_style import ApiStyle, Asked, Write
from simkit.standin.durations import decimal_seconds
from simkit.standin.fault_answers import fault_answer
from simkit.standin.faults import FaultMix
from simkit.standin.invalid_request import InvalidRequest
from simkit.standin.latency import draw_latency, slowed
from simkit.standin.limits import LimitExceeded, ProviderLimits
from simkit.standin.replies import estimated_tokens
from simkit.standin.settings import StandinSettings
from simkit.standin.stats import Stats
from simkit.standin.timeline import Timeline

MAX_BODY_BYTES = 32 * 1024 * 1024


class Account:
    """Stands between the endpoints and the network; made inside the event loop that serves.

    An endpoint hands `answer` its request, a function that writes the answer, and the style
    of its API; the account decides whether the function is asked at all, and when what it
    wrote is sent.
    """

    def __init__(self, settings: StandinSettings) -> None:
        now = anyio.current_time()
        self.settings = settings
        self.limits = ProviderLimits(settings, now)
        self.stats = Stats()
        self.timeline = Timeline(now)
        self._faults = FaultMix(settings)

    async def answer(
        self, request: web.BaseRequest, write: Write, style: ApiStyle
    ) -> web.StreamResponse:
        """Answer *request* with what *write* makes of it, or as limits and faults have it."""
        self.stats.requests += 1
        try:
            self._check_key(request, style)
            return await self._admitted(request, write, style)
        except InvalidRequest as fault:
            self.stats.count_refusal(fault.status, fault.param, str(fault))
            return self._invalid(fault, style)
        except Exception:
            self.stats.broken += 1
            raise

    def free_answer(
        self, request: web.BaseRequest, write: Callable[[], bytes], style: ApiStyle
    ) -> web.StreamResponse:
        """Answer *request* with the JSON of *write*: needs the key, but no share of a limit."""
        try:
            self._check_key(request, style)
            return self._response(write(), style, anyio.current_time())
        except InvalidRequest as fault:
            return self._invalid(fault, style)

    def change_limits(self, settings: StandinSettings) -> None:
        """Go on with *settings*, which may differ from the present ones in their limits."""
        self.settings = settings
        self.limits.change(settings, anyio.current_time())

    async def _admitted(
        self, request: web.BaseRequest, write: Write, style: ApiStyle
    ) -> web.StreamResponse:
        raw = await self._read(request)
        now = anyio.current_time()  # asked for as rarely as can be: the clock is dear
        tokens = estimated_tokens(len(raw))
        self.timeline.at(now).received += 1
        exceeded = self.limits.admit(tokens, now)
        if exceeded is not None:
            return self._rate_limited(exceeded, style, now)
        self.stats.admitted += 1
        self.timeline.at(now).admit(tokens)
        asked = Asked(
            raw=raw,
            body_hash=hashlib.blake2b(raw, digest_size=16).digest(),
            input_tokens=tokens,
        )
        try:
            return await self._answer(request, asked, write, style, now)
        finally:
            self.limits.leave()

    async def _answer(
        self,
        request: web.BaseRequest,
        asked: Asked,
        write: Write,
        style: ApiStyle,
        now: float,
    ) -> web.StreamResponse:
        fault, draw = self._faults.next_attempt(asked.body_hash)
        if fault is not None:
            now = await self._take_time(0, draw, now)
            self.stats.faults[fault] += 1
            return await fault_answer(fault, request, draw, style, self._hints(style, now))
        written = write(asked)
        self.limits.take_output(written.output_tokens, now)
        self.timeline.at(now).output_tokens += written.output_tokens
        now = await self._take_time(written.output_tokens, draw, now)
        self.timeline.at(now).answered += 1
        self.stats.count_answer(asked.input_tokens, written.output_tokens, written.mistake)
        return self._response(written.body, style, now, content_type=written.content_type)

    async def _read(self, request: web.BaseRequest) -> bytes:
        try:
            return await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise InvalidRequest(
                None, f"The body of your request is larger than {MAX_BODY_BYTES} bytes", status=413
            ) from error
        except anyio.get_cancelled_exc_class():
            self.stats.abandoned += 1
            raise

    async def _take_time(self, output_tokens: int, draw: random.Random, now: float) -> float:
        """Wait as long as the latency has it, from *now* on; gives the moment after it."""
        seconds = draw_latency(self.settings.latency_seconds, output_tokens, draw)
        seconds = slowed(seconds, self.limits.in_flight, self.settings.slowdown_at)
        if seconds <= 0:
            return now
        try:
            await anyio.sleep(seconds)
            return anyio.current_time()
        except anyio.get_cancelled_exc_class():
            self.stats.abandoned += 1
            raise

    def _check_key(self, request: web.BaseRequest, style: ApiStyle) -> None:
        if self.settings.api_key is not None:
            style.check_key(request.headers, self.settings.api_key)

    def _rate_limited(self, exceeded: LimitExceeded, style: ApiStyle, now: float) -> web.Response:
        self.stats.rate_limited[exceeded.kind] += 1
        self.timeline.at(now).refused += 1
        hints = self.settings.hints
        advice = {"retry-after": decimal_seconds(exceeded.retry_after_seconds)}
        return self._response(
            style.rate_limited(exceeded if hints == "all" else None),
            style,
            now,
            status=429,
            headers={} if hints == "none" else advice,
        )

    def _invalid(self, fault: InvalidRequest, style: ApiStyle) -> web.Response:
        body = style.invalid(fault)
        return self._response(body, style, anyio.current_time(), status=fault.status)

    def _hints(self, style: ApiStyle, now: float) -> dict[str, str]:
        if self.settings.hints != "all":
            return {}
        return style.limit_headers(self.limits.levels(now))

    def _response(
        self,
        body: bytes,
        style: ApiStyle,
        now: float,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> web.Response:
        every = {**self._hints(style, now), "content-type": content_type, **(headers or {})}
        return web.Response(status=status, body=body, headers=every)
