"""What answers raw requests: retries around limits around one provider."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import structlog

from simkit.clients.http_session import open_session
from simkit.clients.limited import Limited
from simkit.clients.raw_chat import RawAnswer, RawChat, RawRequest
from simkit.clients.retrying import Retrying, RetryPolicy
from simkit.config import ProviderConfig, api_key
from simkit.limits.limiter import AccountLimiter
from simkit.open_files import allow_connections
from simkit.traces.calls import Client
from simkit.traces.events import CallRetried

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class RawStack:
    """A client of raw requests, and what may be asked of it."""

    client: Client[RawRequest, RawAnswer]
    check: Callable[[], Awaitable[None]]
    """Finds a wrong address or key; see `RawChat.check`."""
    limiting: Callable[[], str]
    """What sets the pace now, e.g. ``"requests"`` or ``"nothing"``."""
    open_reservations: Callable[[], int]
    """Calls that hold a share of the limits."""


@asynccontextmanager
async def open_raw_stack(
    provider: ProviderConfig,
    model: str | None,
    *,
    concurrency: int,
    on_retry: Callable[[CallRetried], None],
    on_pause: Callable[[float, str], None],
) -> AsyncIterator[RawStack]:
    """Open the connections to *provider*; they close on leaving.

    Args:
        model: Named in errors; None where requests name models of their own.
        concurrency: Most calls at once, where *provider* sets no lower limit.
        on_retry: Told before each pause of a single request.
        on_pause: Told when all requests rest for long: seconds, and the provider's words.

    Raises:
        ConfigError: The key is not in the environment.
        KeyRefused: The key cannot be sent.
    """
    connections = _connections(concurrency)
    async with open_session(max_connections=connections) as session:
        transport = _transport(session, provider, model)
        limiter = AccountLimiter(
            requests_per_minute=provider.requests_per_minute,
            tokens_per_minute=provider.tokens_per_minute,
            input_tokens_per_minute=provider.input_tokens_per_minute,
            output_tokens_per_minute=provider.output_tokens_per_minute,
            max_in_flight=provider.max_calls_in_flight,
            connections=connections,
            on_pause=on_pause,
        )
        policy = RetryPolicy(
            attempts=provider.retry_attempts,
            min_pause_seconds=provider.retry_min_pause_seconds,
        )
        yield RawStack(
            client=Retrying(
                Limited(transport, limiter), policy, jitter=random.Random(), on_retry=on_retry
            ),
            check=transport.check,
            limiting=limiter.limiting,
            open_reservations=lambda: limiter.open_reservations,
        )


def _transport(
    session: aiohttp.ClientSession, provider: ProviderConfig, model: str | None
) -> RawChat:
    variable = next(iter(provider.api_key_env), None)
    return RawChat(
        session,
        base_url=provider.base_url,
        model=model or "the provider",
        api_key=api_key(variable) if variable else None,
        key_hint=variable,
        extra_headers=provider.extra_headers,
        connect_seconds=provider.connect_seconds,
        first_byte_seconds=provider.first_byte_seconds,
        total_seconds=provider.total_seconds,
    )


def _connections(concurrency: int) -> int:
    possible = allow_connections(concurrency)
    if possible < concurrency:
        _log.warning(
            "this system lets a program open too few files for the concurrency; fewer calls "
            "are made at once. Raise it with: ulimit -n",
            concurrency=concurrency,
            connections=possible,
        )
    return possible
