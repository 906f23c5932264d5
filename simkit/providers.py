"""The clients of a run: for each model all its accounts as one client, and the journal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import aiohttp
import structlog

from simkit.accounts import Account, Transport, accounts_of, check, joined
from simkit.bus import Bus
from simkit.clients.anthropic_chat import AnthropicChat
from simkit.clients.http_session import open_session
from simkit.clients.journaled import Journal, Journaled
from simkit.clients.metered import Metered
from simkit.clients.openai_chat import OpenAIChat
from simkit.clients.tool_mode import tool_mode_client
from simkit.config import ProviderConfig, RoleConfig, RunConfig
from simkit.drain import Drain, Drainable, DrainsWhenStopped
from simkit.open_files import allow_connections
from simkit.prices import Prices
from simkit.spending import Ledger
from simkit.traces.calls import AgentRole, Answer, ChatClient, ChatRequest
from simkit.traces.events import CallAnswered, CallRetried
from simkit.traces.voice import Voice

_log = structlog.get_logger()

CALLS_PER_CONVERSATION = 4
"""Connections planned for each conversation in flight: parallel tool calls and its judges."""

ChatAccount = Account[ChatRequest, Answer]
Choice = tuple[tuple[str, ...], str, tuple[tuple[str, str], ...]]
"""What one role may ask: providers, model, and fallbacks as provider and model."""


@dataclass(frozen=True, slots=True)
class Voices:
    """What those who are asked in a run speak with."""

    roles: Mapping[AgentRole, Voice]
    """Of the roles in use."""
    panel: tuple[Voice, ...] = ()
    """Of the judges beside that of the role."""

    @classmethod
    def of(cls, config: RunConfig, client: Callable[[RoleConfig], ChatClient]) -> Voices:
        """Those that *config* asks for; *client* finds what reaches a model."""

        def voice(role: AgentRole, settings: RoleConfig) -> Voice:
            return Voice(
                role=role,
                client=client(settings),
                temperature=settings.temperature,
                max_output_tokens=settings.max_output_tokens,
            )

        return cls(
            {role: voice(role, config.role(role)) for role in config.roles_in_use},
            tuple(voice("judge", settings) for settings in config.panel),
        )

    @property
    def judges(self) -> tuple[Voice, ...]:
        """All of them; empty where rules judge alone."""
        return (self.roles["judge"], *self.panel) if "judge" in self.roles else ()


@dataclass(slots=True)
class Providers:
    """Every account that a run may ask."""

    config: RunConfig
    drain: Drain
    accounts: dict[tuple[str, str], list[ChatAccount]] = field(default_factory=dict)
    """Provider table and model to an account for each key."""

    async def check(self) -> None:
        """Make sure that each model can be asked somewhere, before anything is made.

        Raises:
            Unreachable, KeyRefused: It cannot.
        """
        checked: set[tuple[str, ...]] = set()
        for providers, model, fallbacks in _choices(self.config):
            if providers not in checked:  # whatever the model, address and key are the same
                checked.add(providers)
                await check(self._of([(name, model) for name in providers]) + self._of(fallbacks))

    def voices(
        self,
        journal: Journal,
        *,
        on_answer: Callable[[CallAnswered], None],
        on_retry: Callable[[CallRetried], None],
    ) -> Voices:
        """The voices of everybody who is asked."""
        clients: dict[Choice, ChatClient] = {}
        for choice in _choices(self.config):
            providers, model, fallbacks = choice
            client = joined(
                self._of([(name, model) for name in providers]),
                self._of(fallbacks),
                self.config.providers[providers[0]],
                on_retry=on_retry,
            )
            stopping = DrainsWhenStopped(client, self.drain)
            clients[choice] = Journaled(stopping, journal, on_answer=on_answer)
        return Voices.of(self.config, lambda settings: clients[_choice(settings)])

    def limiting(self) -> str:
        """What sets the pace now, over all accounts."""
        causes = [account.limiter.limiting() for account in self._all()]
        return next((cause for cause in causes if cause != "nothing"), "nothing")

    def log_limits(self) -> None:
        """Write the limits that were kept to, told or learned, into the log."""
        for account in self._all():
            limiter = account.limiter
            _log.info(
                "limits of an account",
                account=account.name,
                max_in_flight=limiter.max_in_flight,
                per_minute={kind: round(rate) for kind, rate in limiter.per_minute.items()},
                seconds_waited={
                    limit: round(seconds, 1)
                    for limit, seconds in limiter.seconds_waited.items()
                    if seconds >= 0.1
                },
            )

    def leaked(self) -> int:
        """Reservations still open; 0 once no call is being made."""
        return sum(account.limiter.open_reservations for account in self._all())

    def _all(self) -> Iterator[ChatAccount]:
        for accounts in self.accounts.values():
            yield from accounts

    def _of(self, asked: Sequence[tuple[str, str]]) -> list[ChatAccount]:
        return [account for pair in asked for account in self.accounts[pair]]


@asynccontextmanager
async def open_providers(
    config: RunConfig, ledger: Ledger, prices: Prices, bus: Bus, drain: Drain
) -> AsyncIterator[Providers]:
    """Open the connections that *config* asks for; they close on leaving.

    Args:
        ledger: Counts what is paid, at *prices*.
        bus: Is told when an account rests for long.
        drain: Ends the run without cutting off calls.

    Raises:
        ConfigError: A key is not in the environment.
    """
    providers = Providers(config, drain)
    choices = _choices(config)
    asked = list(dict.fromkeys(pair for choice in choices for pair in _pairs(choice)))
    # For each account: their sum is bounded by the conversations in flight, and who has to
    # take over for others needs all of it.
    connections = _connections(config)
    alone = {choice[0] for choice in choices if _is_alone(choice, config)}
    async with AsyncExitStack() as stack:
        sessions: dict[str, aiohttp.ClientSession] = {}
        for name, model in asked:
            provider = config.providers[name]
            if name not in sessions:
                session = open_session(
                    max_connections=connections, connect_seconds=provider.connect_seconds
                )
                sessions[name] = await stack.enter_async_context(session)
            providers.accounts[name, model] = list(
                accounts_of(
                    provider,
                    model,
                    _transport(provider),
                    sessions[name],
                    connections=connections,
                    is_alone=(name,) in alone,
                    around=partial(_paid, provider, ledger, prices, name, drain),
                    on_pause=bus.publish,
                )
            )
        yield providers


def _transport(provider: ProviderConfig) -> Callable[..., Transport[ChatRequest, Answer]]:
    speaks = AnthropicChat if provider.api == "anthropic" else OpenAIChat
    return partial(speaks, stream=provider.stream)


def _paid(
    provider: ProviderConfig,
    ledger: Ledger,
    prices: Prices,
    name: str,
    drain: Drain,
    transport: Transport[ChatRequest, Answer],
) -> Drainable[ChatRequest, Answer]:
    spoken = tool_mode_client(transport, provider.tool_mode)
    return Drainable(Metered(spoken, ledger, prices.of(name, transport.model)), drain)


def _choices(config: RunConfig) -> list[Choice]:
    return list(dict.fromkeys(map(_choice, config.in_use)))


def _choice(role: RoleConfig) -> Choice:
    fallbacks = tuple((fallback.provider, fallback.model) for fallback in role.fallback)
    return role.providers, role.model, fallbacks


def _pairs(choice: Choice) -> list[tuple[str, str]]:
    providers, model, fallbacks = choice
    return [*((name, model) for name in providers), *fallbacks]


def _is_alone(choice: Choice, config: RunConfig) -> bool:
    """Whether there is one account only for what *choice* asks."""
    pairs = _pairs(choice)
    return len(pairs) == 1 and len(config.providers[pairs[0][0]].api_key_env) <= 1


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
