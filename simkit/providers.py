"""The clients of a run: one stack for each model, one limiter for each account."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from simkit.clients.http_session import open_session
from simkit.clients.journaled import Journal, Journaled
from simkit.clients.limited import Limited
from simkit.clients.openai_chat import OpenAIChat
from simkit.clients.retrying import Retrying, RetryPolicy
from simkit.config import ProviderConfig, RunConfig, api_key
from simkit.limits.limiter import AccountLimiter
from simkit.open_files import allow_connections
from simkit.traces.calls import AgentRole, ChatClient
from simkit.traces.events import CallAnswered, CallRetried
from simkit.traces.voice import Voice

_log = structlog.get_logger()

CALLS_PER_CONVERSATION = 4
"""Connections planned for each conversation in flight: parallel tool calls and its judges."""


@dataclass(slots=True)
class Providers:
    """Every model that a run may ask."""

    config: RunConfig
    limiters: dict[tuple[str, str], AccountLimiter] = field(default_factory=dict)
    """One for each provider table and model."""
    transports: dict[tuple[str, str], OpenAIChat] = field(default_factory=dict)

    async def check(self) -> None:
        """Make sure that each provider answers and accepts the key, before anything is made.

        Raises:
            Unreachable, KeyRefused: It does not.
        """
        seen: set[str] = set()
        for (provider, _), transport in self.transports.items():
            if provider not in seen:
                seen.add(provider)
                await transport.check()

    def voices(
        self,
        journal: Journal,
        *,
        on_answer: Callable[[CallAnswered], None],
        on_retry: Callable[[CallRetried], None],
    ) -> dict[AgentRole, Voice]:
        """Role to the voice that it speaks with, for the roles in use."""
        jitter = random.Random()  # timing only; it never reaches the data
        stacks: dict[tuple[str, str], ChatClient] = {
            account: Journaled(
                Retrying(
                    Limited(transport, self.limiters[account]),
                    _retry_policy(self.config.providers[account[0]]),
                    jitter=jitter,
                    on_retry=on_retry,
                ),
                journal,
                on_answer=on_answer,
            )
            for account, transport in self.transports.items()
        }
        voices = {}
        for role in self.config.roles_in_use:
            settings = self.config.role(role)
            voices[role] = Voice(
                role=role,
                client=stacks[settings.providers[0], settings.model],
                temperature=settings.temperature,
                max_output_tokens=settings.max_output_tokens,
            )
        return voices

    def limiting(self) -> str:
        """What sets the pace now, over all accounts."""
        causes = [limiter.limiting() for limiter in self.limiters.values()]
        return next((cause for cause in causes if cause != "nothing"), "nothing")

    def leaked(self) -> int:
        """Reservations still open; 0 once no call is being made."""
        return sum(limiter.open_reservations for limiter in self.limiters.values())


@asynccontextmanager
async def open_providers(config: RunConfig) -> AsyncIterator[Providers]:
    """Open the connections that *config* asks for; they close on leaving.

    Raises:
        ConfigError: A key is not in the environment.
    """
    providers = Providers(config)
    accounts = dict.fromkeys(
        (settings.providers[0], settings.model)
        for settings in map(config.role, config.roles_in_use)
    )
    connections = _connections(config)
    async with open_session(max_connections=connections) as session:
        for name, model in accounts:
            provider = config.providers[name]
            variable = next(iter(provider.api_key_env), None)
            # Calls queue at the limiter, in order; behind a full pool their clocks would run.
            share = max(1, connections // len(accounts))
            providers.limiters[name, model] = _limiter(provider, share)
            providers.transports[name, model] = OpenAIChat(
                session,
                base_url=provider.base_url,
                model=model,
                api_key=api_key(variable) if variable else None,
                key_hint=variable,
                extra_headers=provider.extra_headers,
                first_byte_seconds=provider.first_byte_seconds,
                total_seconds=provider.total_seconds,
            )
        yield providers


def _connections(config: RunConfig) -> int:
    planned = config.run.concurrency * CALLS_PER_CONVERSATION
    possible = allow_connections(planned)
    if possible < config.run.concurrency:
        _log.warning(
            "this system lets a program open too few files for the concurrency; calls will "
            "wait for connections. Raise it with: ulimit -n",
            concurrency=config.run.concurrency,
            connections=possible,
        )
    return possible


def _retry_policy(provider: ProviderConfig) -> RetryPolicy:
    return RetryPolicy(
        attempts=provider.retry_attempts, min_pause_seconds=provider.retry_min_pause_seconds
    )


def _limiter(provider: ProviderConfig, connections: int) -> AccountLimiter:
    return AccountLimiter(
        requests_per_minute=provider.requests_per_minute,
        tokens_per_minute=provider.tokens_per_minute,
        max_in_flight=min(provider.max_calls_in_flight or connections, connections),
    )
