"""Lands a run softly: no conversation is started that the budget may not see to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import anyio

from simkit.config import ConfigError, RunConfig, quoted
from simkit.prices import SHIPPED, Prices, load_prices
from simkit.spending import BudgetLine, Ledger, Spending
from simkit.standing import Standing


class Budget:
    """Says whether another conversation may start, and how the spending goes.

    Args:
        ledger: Counts what is paid.
        prices: Of the models that are asked.
        wanted: How many conversations the run is to play.
        unpriced: Models that have no price.
    """

    def __init__(
        self, ledger: Ledger, prices: Prices, *, wanted: int, unpriced: Sequence[str] = ()
    ) -> None:
        self.ledger = ledger
        self.prices = prices
        self.unpriced = tuple(unpriced)
        self._wanted = wanted
        self._started = 0
        self._waiting = False
        self._landed = False
        # One asks at a time: the answer to the next depends on whether this one starts.
        self._turn = anyio.Lock(fast_acquire=True)
        self._one_ended = anyio.Event()

    @property
    def is_holding_back(self) -> bool:
        """Whether a conversation that could start does not, because of the budget."""
        return self._waiting or self._landed

    @property
    def not_started(self) -> int:
        """Conversations that were wanted and will not be played; 0 while that is open."""
        return self._wanted - self._started if self._landed else 0

    async def may_start(self) -> bool:
        """Whether to start another conversation; whoever is told so calls `begin` at once.

        Waits while what is left may be needed for those in flight: they may end cheaply.
        False is for good: all have ended or a limit is reached, and another would be cut
        off. Safe to cancel.
        """
        if not self.ledger.is_limited:
            return True
        async with self._turn:
            while not self._has_room():
                if self._is_over():
                    self._landed = True
                    return False
                self._waiting = True
                await self._one_ended.wait()
            self._waiting = False
            return True

    def begin(self, scenario: int) -> None:
        """Conversation *scenario* starts."""
        self._started += 1
        self.ledger.begin(scenario)

    def end(self, scenario: int) -> None:
        """Conversation *scenario* is over, judged and all."""
        self.ledger.end(scenario)
        self._one_ended.set()
        self._one_ended = anyio.Event()

    def spending(self) -> tuple[Spending, ...]:
        """How far each budget is; tokens first, then money if its price is known."""
        return tuple(map(self._spending, self.ledger.lines))

    def _has_room(self) -> bool:
        # After a refusal conversations fail at little cost, which must not look like room.
        return not self.ledger.refused_calls and all(
            line.has_room_for_another_conversation() for line in self.ledger.lines
        )

    def _is_over(self) -> bool:
        return bool(self.ledger.refused_calls) or self.ledger.tokens.costs.in_flight == 0

    def _spending(self, line: BudgetLine) -> Spending:
        to_start = 0 if self._landed else self._wanted - self._started
        return Spending(
            unit=line.unit,
            spent=line.spent,
            limit=line.limit,
            forecast=line.forecast(to_start),
        )


def open_budget(config: RunConfig, standing: Standing | None = None) -> Budget:
    """The budget of a run with *config* that has come as far as *standing* (None: it is new).

    Money is counted when every model of the run has a price.

    Raises:
        ConfigError: The file of prices cannot be used, or money is limited and a model has
            no price.
    """
    limits = config.budget
    prices = load_prices(limits.prices)
    unpriced = [
        (provider, model)
        for provider, model in dict.fromkeys(_models(config))
        if prices.of(provider, model) is None
    ]
    if unpriced and limits.money is not None:
        raise ConfigError(*(_no_price(provider, model) for provider, model in unpriced))
    currency = None if unpriced else prices.currency
    ledger = Ledger(tokens=limits.tokens, money=limits.money, currency=currency)
    standing = standing or Standing()
    price_of = {model: prices.of(provider, model) for provider, model in _models(config)}
    for (model, role), (calls, usage) in standing.paid.items():
        ledger.carry(model, role, calls, usage, price_of.get(model))
    return Budget(
        ledger,
        prices,
        wanted=max(0, config.run.conversations - len(standing.judged)),
        unpriced=list(dict.fromkeys(model for _, model in unpriced)),
    )


def _models(config: RunConfig) -> Iterator[tuple[str, str]]:
    """Provider and model of everything that the run may ask."""
    for settings in config.in_use:
        for provider in settings.providers:
            yield provider, settings.model
        for fallback in settings.fallback:
            yield fallback.provider, fallback.model
    embedding = config.embedding
    if config.graph.embedder == "provider" and embedding.model is not None:
        yield embedding.provider, embedding.model


def _no_price(provider: str, model: str) -> str:
    return (
        f"budget.money: the model {quoted(model)} of [providers.{provider}] has no price; "
        "add it to a file of prices and name that in budget.prices, or limit budget.tokens "
        f"instead. For the format see {SHIPPED}"
    )
