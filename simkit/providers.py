"""The clients of a run: for each model all its accounts as one client, and the journal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import aiohttp
import structlog

from simkit.account_session import account_session
from simkit.accounts import Account, Transport, accounts_of, check, joined
from simkit.bus import Bus
from simkit.choices import Choice, choice_of, choices_of, is_alone, pairs
from simkit.clients.anthropic_chat import AnthropicChat
from simkit.clients.http_session import open_session
from simkit.clients.journaled import Journal, Journaled
from simkit.clients.metered import Metered
from simkit.clients.openai_chat import OpenAIChat
from simkit.clients.tool_mode import tool_mode_client
from simkit.config import ProviderConfig, RoleConfig, RunConfig
from simkit.drain import Drain, Drainable, DrainsWhenStopped
from simkit.limits.pause import Pause
from simkit.open_files import allow_connections
from simkit.prices import Prices
from simkit.session import AccountSession
from simkit.spending import Ledger
from simkit.traces.calls import AgentRole, Answer, ChatClient, ChatRequest
from simkit.traces.events import CallAnswered, CallRetried
from simkit.traces.voice import Voice

_log = structlog.get_logger()

CALLS_PER_CONVERSATION = 4
"""Connections planned for each conversation in flight: parallel tool calls and its judges."""

LEAST_CONNECTIONS = 4_096
"""Planned however few conversations there are at first; those that are not used cost nothing."""

ChatAccount = Account[ChatRequest, Answer]
Transports = Callable[[ProviderConfig], Callable[..., Transport[ChatRequest, Answer]]]
"""For a provider, what makes the transport of each of its keys; see `accounts_of`."""


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
    pause: Pause = field(default_factory=Pause)
    """Whether a person holds the run up."""

    async def check(self) -> None:
        """Make sure that each model can be asked somewhere, before anything is made.

        Raises:
            Unreachable, KeyRefused: It cannot.
        """
        checked: set[tuple[str, ...]] = set()
        for providers, model, fallbacks in choices_of(self.config):
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
        for choice in choices_of(self.config):
            providers, model, fallbacks = choice
            client = joined(
                self._of([(name, model) for name in providers]),
                self._of(fallbacks),
                self.config.providers[providers[0]],
                on_retry=on_retry,
                clock=self.pause.clock,
            )
            stopping = DrainsWhenStopped(client, self.drain)
            clients[choice] = Journaled(stopping, journal, on_answer=on_answer)
        return Voices.of(self.config, lambda settings: clients[choice_of(settings)])

    def limiting(self) -> str:
        """What sets the pace now, over all accounts."""
        causes = [account.limiter.limiting() for account in self.all_accounts()]
        return next((cause for cause in causes if cause != "nothing"), "nothing")

    def hold(self) -> None:
        """Send no call until `release`; those in flight end, and none fails for the wait."""
        self.pause.begin()
        for account in self.all_accounts():
            account.limiter.hold()

    def release(self) -> None:
        """Send calls again."""
        self.pause.end()
        for account in self.all_accounts():
            account.limiter.release()

    def log_limits(self) -> None:
        """Write the limits that were kept to, told or learned, into the log."""
        for account in self.all_accounts():
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

    def sessions(self) -> tuple[AccountSession, ...]:
        """What each account has measured since it was opened."""
        return tuple(
            account_session(name, model, self.config.providers[name], account.limiter)
            for (name, model), accounts in self.accounts.items()
            for account in accounts
        )

    def leaked(self) -> int:
        """Reservations still open; 0 once no call is being made."""
        return sum(account.limiter.open_reservations for account in self.all_accounts())

    @property
    def names(self) -> tuple[str, ...]:
        """NAMEs of the provider tables that are asked."""
        return tuple(dict.fromkeys(name for name, _ in self.accounts))

    def named_accounts(self) -> Iterator[tuple[str, ChatAccount]]:
        """Of every model, with the NAME of the provider table."""
        for (name, _), accounts in self.accounts.items():
            for account in accounts:
                yield name, account

    def all_accounts(self) -> Iterator[ChatAccount]:
        """Of every model, always in the same order."""
        for accounts in self.accounts.values():
            yield from accounts

    def _of(self, asked: Sequence[tuple[str, str]]) -> list[ChatAccount]:
        return [account for pair in asked for account in self.accounts[pair]]


def over_http(provider: ProviderConfig) -> Callable[..., Transport[ChatRequest, Answer]]:
    """The transports of *provider*, which speak its API."""
    speaks = AnthropicChat if provider.api == "anthropic" else OpenAIChat
    return partial(speaks, stream=provider.stream)


@asynccontextmanager
async def open_providers(
    config: RunConfig,
    ledger: Ledger,
    prices: Prices,
    bus: Bus,
    drain: Drain,
    *,
    transports: Transports = over_http,
) -> AsyncIterator[Providers]:
    """Open the connections that *config* asks for; they close on leaving.

    Args:
        ledger: Counts what is paid, at *prices*.
        bus: Is told when an account rests for long.
        drain: Ends the run without cutting off calls.
        transports: Make the calls; others than the usual ones may need no network.

    Raises:
        ConfigError: A key is not in the environment.
    """
    providers = Providers(config, drain)
    asked_for = choices_of(config)
    asked = list(dict.fromkeys(pair for choice in asked_for for pair in pairs(choice)))
    # For each account: their sum is bounded by the conversations in flight, and who has to
    # take over for others needs all of it.
    connections = _connections(config)
    alone = {choice[0] for choice in asked_for if is_alone(choice, config)}
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
                    transports(provider),
                    sessions[name],
                    connections=connections,
                    is_alone=(name,) in alone,
                    around=partial(_paid, provider, ledger, prices, name, drain),
                    on_pause=bus.publish,
                )
            )
        yield providers


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


def planned_connections(config: RunConfig) -> int:
    """How many connections a run wants: its concurrency may be raised while it goes on."""
    return max(config.run.concurrency * CALLS_PER_CONVERSATION, LEAST_CONNECTIONS)


def _connections(config: RunConfig) -> int:
    possible = allow_connections(planned_connections(config))
    if possible < config.run.concurrency:
        _log.warning(
            "this system lets a program open too few files for the concurrency; calls will "
            "wait for connections. Raise it with: ulimit -n",
            concurrency=config.run.concurrency,
            connections=possible,
        )
    return possible
