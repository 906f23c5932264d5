"""Accounts: one key at one endpoint for one model, with its limits and its client."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import aiohttp
import structlog

from simkit.clients.hedged import Hedged, HedgePolicy
from simkit.clients.limited import Limited
from simkit.clients.pool import Member, Pool
from simkit.clients.retry_budget import RetryBudget
from simkit.clients.retrying import Retrying, RetryPolicy
from simkit.config import ProviderConfig, api_key
from simkit.limits import AccountLimiter
from simkit.traces.calls import Answered, Client, Request
from simkit.traces.events import AccountPaused, CallRetried
from simkit.traces.provider_errors import AccountProblem

_log = structlog.get_logger()

RequestT = TypeVar("RequestT", bound=Request)
AnswerT = TypeVar("AnswerT", bound=Answered)
AskedT = TypeVar("AskedT", bound=Request, contravariant=True)
ToldT = TypeVar("ToldT", bound=Answered, covariant=True)

_RETRIES_AT_ONCE = 50
"""Failing calls that may always be repeated at once, whatever has been answered so far."""
_RELEASE_AFTER_SECONDS = 30.0
"""Where there is a choice of accounts, nobody waits longer for one that rests."""


class Transport(Client[AskedT, ToldT], Protocol):
    """A client that makes the calls themselves."""

    async def check(self) -> None:
        """Find a wrong address or key before anything is asked."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Generic[RequestT, AnswerT]):
    """A client that keeps to the limits of one key at one endpoint for one model."""

    name: str
    """Model and endpoint, and the variable of the key where there are several."""
    client: Client[RequestT, AnswerT]
    limiter: AccountLimiter
    weight: float
    transport: Transport[RequestT, AnswerT]

    @property
    def backlog(self) -> int:
        """Calls in flight or waiting."""
        return self.limiter.open_reservations + self.limiter.waiting


def accounts_of(
    provider: ProviderConfig,
    model: str,
    make: Callable[..., Transport[RequestT, AnswerT]],
    session: aiohttp.ClientSession,
    *,
    connections: int,
    is_alone: bool = True,
    around: Callable[[Transport[RequestT, AnswerT]], Client[RequestT, AnswerT]] = lambda inner: (
        inner
    ),
    on_pause: Callable[[AccountPaused], None] | None = None,
) -> Iterator[Account[RequestT, AnswerT]]:
    """One account for each key of *provider*.

    Args:
        make: A transport class.
        connections: Most calls of an account at once.
        is_alone: Whether nobody else can be asked instead.
        around: Wraps what belongs right around the transport.
        on_pause: Told when a quota is used up for long.

    Raises:
        ConfigError: A key is not in the environment.
        KeyRefused: A key cannot be sent.
    """
    variables: Sequence[str | None] = provider.api_key_env or (None,)
    for variable in variables:
        transport = make(
            session,
            base_url=provider.base_url,
            model=model,
            api_key=None if variable is None else api_key(variable),
            key_hint=variable,
            extra_headers=provider.extra_headers,
            connect_seconds=provider.connect_seconds,
            first_byte_seconds=provider.first_byte_seconds,
            total_seconds=provider.total_seconds,
        )
        name = f"{model} at {provider.base_url}"
        if len(variables) > 1:
            name += f" with the key from {variable}"
        yield account_of(
            provider,
            transport,
            name=name,
            connections=connections,
            is_alone=is_alone,
            around=around,
            on_pause=on_pause,
        )


def account_of(
    provider: ProviderConfig,
    transport: Transport[RequestT, AnswerT],
    *,
    name: str,
    connections: int,
    is_alone: bool,
    around: Callable[[Transport[RequestT, AnswerT]], Client[RequestT, AnswerT]] = lambda inner: (
        inner
    ),
    on_pause: Callable[[AccountPaused], None] | None = None,
) -> Account[RequestT, AnswerT]:
    """The account of *provider* that *transport* asks, as `accounts_of` makes them."""
    limiter = AccountLimiter(
        requests_per_minute=provider.requests_per_minute,
        tokens_per_minute=provider.tokens_per_minute,
        input_tokens_per_minute=provider.input_tokens_per_minute,
        output_tokens_per_minute=provider.output_tokens_per_minute,
        max_in_flight=provider.max_calls_in_flight,
        connections=connections,
        release_after_seconds=None if is_alone else _RELEASE_AFTER_SECONDS,
        on_pause=_telling(name, on_pause),
    )
    return Account(
        name=name,
        client=_limited(around(transport), limiter, hedge_share=provider.hedge_share),
        limiter=limiter,
        weight=provider.weight,
        transport=transport,
    )


def joined(
    accounts: Sequence[Account[RequestT, AnswerT]],
    fallbacks: Sequence[Account[RequestT, AnswerT]],
    provider: ProviderConfig,
    *,
    on_retry: Callable[[CallRetried], None] | None = None,
    jitter: random.Random | None = None,
    clock: Callable[[], float] | None = None,
) -> Client[RequestT, AnswerT]:
    """All *accounts* as one client that repeats what fails, as *provider* says.

    Args:
        jitter: Draws the pauses before retries; None: at random.
        clock: Measures how long retries are tried; see `Retrying`.
    """
    together: Client[RequestT, AnswerT] = accounts[0].client
    if len(accounts) + len(fallbacks) > 1:
        together = Pool(list(map(_member, accounts)), list(map(_member, fallbacks)))
    policy = RetryPolicy(
        attempts=provider.retry_attempts, min_pause_seconds=provider.retry_min_pause_seconds
    )
    # Retries hold a token while they are made; half of all calls in flight may be some.
    capacity = max(_RETRIES_AT_ONCE, sum(account.limiter.connections for account in accounts) / 2)
    budget = RetryBudget(reserve=_RETRIES_AT_ONCE, capacity=capacity)
    jitter = jitter or random.Random()  # timing only; it never reaches the data
    return Retrying(together, policy, jitter=jitter, budget=budget, on_retry=on_retry, clock=clock)


async def check(accounts: Sequence[Account[RequestT, AnswerT]]) -> None:
    """Make sure that at least one of *accounts* can be used; warn of those that cannot.

    Raises:
        AccountProblem: None can; the first one's problem.
    """
    problems: list[AccountProblem] = []
    for account in accounts:
        try:
            await account.transport.check()
        except AccountProblem as problem:
            problems.append(problem)
    if problems and len(problems) == len(accounts):
        raise problems[0]
    for left_out in problems:
        _log.warning("a provider cannot be asked; others are asked instead", problem=str(left_out))


def _member(account: Account[RequestT, AnswerT]) -> Member[RequestT, AnswerT]:
    return Member(client=account.client, backlog=lambda: account.backlog, weight=account.weight)


def _limited(
    paid: Client[RequestT, AnswerT], limiter: AccountLimiter, *, hedge_share: float
) -> Client[RequestT, AnswerT]:
    limited = Limited(paid, limiter)
    if not hedge_share:
        return limited
    # The second ask pays a reservation of its own.
    return Limited(Hedged(paid, limited, HedgePolicy(share=hedge_share)), limiter)


def _telling(
    account: str, on_pause: Callable[[AccountPaused], None] | None
) -> Callable[[float, str], None]:
    def tell(seconds: float, reason: str) -> None:
        _log.warning("an account rests", account=account, seconds=round(seconds), reason=reason)
        if on_pause is not None:
            on_pause(AccountPaused(account=account, seconds=seconds, reason=reason))

    return tell
