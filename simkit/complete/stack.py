"""What answers raw requests: retries around a pool of accounts, each with its limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from simkit.accounts import Account, Transport, accounts_of, check, joined
from simkit.clients.http_session import open_session
from simkit.clients.metered import Metered
from simkit.clients.raw_chat import RawAnswer, RawChat, RawRequest
from simkit.complete.line_budget import LineBudget, Releasing
from simkit.config import RunConfig
from simkit.prices import Price, Prices
from simkit.spending import Ledger
from simkit.traces.calls import Client
from simkit.traces.events import AccountPaused, CallRetried

_UNNAMED = "the provider"
"""What errors call the model where requests name models of their own."""

RawAccount = Account[RawRequest, RawAnswer]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawStack:
    """A client of raw requests, and what may be asked of it."""

    client: Client[RawRequest, RawAnswer]
    budget: LineBudget
    """To be asked before `client` is, and told after."""
    check: Callable[[], Awaitable[None]]
    """Finds wrong addresses and keys; see `accounts.check`."""
    limiting: Callable[[], str]
    """What sets the pace now, e.g. ``"requests"`` or ``"nothing"``."""
    open_reservations: Callable[[], int]
    """Calls that hold a share of the limits."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A model at a provider."""

    provider: str
    model: str
    price: Price | None
    stands_in: bool
    """Whether it is a fallback."""


@asynccontextmanager
async def open_raw_stack(
    config: RunConfig,
    ledger: Ledger,
    prices: Prices,
    *,
    connections: int,
    on_retry: Callable[[CallRetried], None],
    on_pause: Callable[[AccountPaused], None],
) -> AsyncIterator[RawStack]:
    """Open the connections to all that ``[model]`` names; they close on leaving.

    Args:
        config: One that `check_complete` accepts.
        ledger: Holds the limits of the budget, and what is paid at *prices*.
        connections: Most requests at once, over all accounts. Any account may have all of
            them: the others may be down.
        on_retry: Told before each pause of a single request.
        on_pause: Told when an account rests for long.

    Raises:
        KeyRefused: A key cannot be sent.
    """
    asked = _asked(config, prices)
    budget = LineBudget(ledger, config.model.name or _UNNAMED, _dearest(asked))
    keys = sum(len(config.providers[one.provider].api_key_env) or 1 for one in asked)
    members: list[RawAccount] = []
    fallbacks: list[RawAccount] = []
    async with AsyncExitStack() as stack:
        for one in asked:
            provider = config.providers[one.provider]
            session = open_session(
                max_connections=connections, connect_seconds=provider.connect_seconds
            )
            (fallbacks if one.stands_in else members).extend(
                accounts_of(
                    provider,
                    one.model,
                    partial(RawChat, sets_model=one.stands_in),
                    await stack.enter_async_context(session),
                    connections=connections,
                    is_alone=keys == 1,
                    around=partial(_paying, budget, one.price),
                    on_pause=on_pause,
                )
            )
        first = config.providers[config.model.provider[0]]
        everybody = members + fallbacks
        yield RawStack(
            client=joined(members, fallbacks, first, on_retry=on_retry),
            budget=budget,
            check=partial(check, everybody),
            limiting=partial(_limiting, everybody, budget),
            open_reservations=lambda: sum(one.limiter.open_reservations for one in everybody),
        )


def _asked(config: RunConfig, prices: Prices) -> list[_Asked]:
    """All that may be asked, in the order of the configuration."""
    model = config.model.name or _UNNAMED
    pairs = [(name, model, False) for name in dict.fromkeys(config.model.provider)]
    pairs += [(fallback.provider, fallback.model, True) for fallback in config.model.fallback]
    return [_Asked(name, its, prices.of(name, its), stands_in) for name, its, stands_in in pairs]


def _dearest(asked: Iterable[_Asked]) -> Price | None:
    known = [one.price for one in asked if one.price is not None]
    return max(known, key=lambda price: price.input + price.output, default=None)


def _paying(
    budget: LineBudget, price: Price | None, transport: Transport[RawRequest, RawAnswer]
) -> Releasing:
    return Releasing(Metered(transport, budget.ledger, price), budget)


def _limiting(accounts: Sequence[RawAccount], budget: LineBudget) -> str:
    if budget.is_waited_for:
        return "the budget"
    causes = (account.limiter.limiting() for account in accounts)
    return next((cause for cause in causes if cause != "nothing"), "nothing")
