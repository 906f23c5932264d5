"""The books of a run in tokens and money, summed up by account, stage and cause."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from simkit.config import ConfigError, RunConfig
from simkit.prices import Price, load_prices
from simkit.python_tools import MODEL
from simkit.traces.books import ACCOUNTS, Account, Books, Entry

Cause = tuple[Account, str | None]
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What the models of a run cost, as far as that is known."""

    currency: str | None = None
    """None when no file of prices can be read."""
    prices: Mapping[str, Price]
    """By model, as it was asked for; models without a price are missing."""

    def money(self, entry: Entry) -> float | None:
        """What *entry* has cost; None when its model has no price."""
        price = self.prices.get(entry.model)
        return None if price is None else price.of(entry.usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What some entries add up to."""

    conversations: int | None = None
    """None where the entries are not about whole conversations."""
    calls: int = 0
    retried_attempts: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    """Part of the input."""
    output_tokens: int = 0
    judging_tokens: int = 0
    """Part of all tokens: what judges took."""
    money: float | None = 0.0
    """None when one of the models has no price."""

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    def plus(self, entry: Entry, money: float | None) -> Sum:
        """This with *entry*, which has cost *money*."""
        tokens = entry.usage.input_tokens + entry.usage.output_tokens
        return replace(
            self,
            calls=self.calls + entry.calls,
            retried_attempts=self.retried_attempts + entry.retried_attempts,
            input_tokens=self.input_tokens + entry.usage.input_tokens,
            cached_input_tokens=self.cached_input_tokens + entry.usage.cached_input_tokens,
            output_tokens=self.output_tokens + entry.usage.output_tokens,
            judging_tokens=self.judging_tokens + (tokens if entry.stage == "judge" else 0),
            money=None if self.money is None or money is None else self.money + money,
        )


class Bookkeeping:
    """Sums over *books* in the order in which people read them."""

    def __init__(self, books: Books, pricing: Pricing) -> None:
        self._books = books
        self._pricing = pricing

    @property
    def currency(self) -> str | None:
        """Of all money; None when no model has a price."""
        return self._pricing.currency if self._pricing.prices else None

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Models that were asked and have no price, in order."""
        asked = {entry.model for entry in self._books.entries}
        return tuple(sorted(asked - self._pricing.prices.keys()))

    @property
    def not_begun(self) -> int:
        """Conversations that are wanted and of which nothing is there."""
        return self._books.not_begun

    def total(self) -> Sum:
        """All of it."""
        return self._added(Sum(conversations=sum(self._books.conversations.values())))

    def by_account(self) -> dict[Account, Sum]:
        """Every account, also one with nothing in it, in the order of `ACCOUNTS`."""
        begun = self._books.conversations.items()
        sums = {
            name: Sum(conversations=sum(count for (account, _), count in begun if account == name))
            for name in ACCOUNTS
        }
        return self._grouped(sums, lambda entry: entry.account)

    def by_stage(self) -> dict[str, Sum]:
        """Stage to what was spent on it; the one with the most tokens first."""
        return _dearest_first(self._grouped({}, lambda entry: entry.stage))

    def by_cause(self) -> dict[Cause, Sum]:
        """Account and cause to their conversations and what was spent on them."""
        sums: dict[Cause, Sum] = {
            key: Sum(conversations=count) for key, count in self._books.conversations.items()
        }
        return _dearest_first(self._grouped(sums, lambda entry: (entry.account, entry.cause)))

    def entries(self) -> Iterator[tuple[Entry, float | None]]:
        """Every entry with what it has cost."""
        return ((entry, self._pricing.money(entry)) for entry in self._books.entries)

    def kept_tokens(self, stage: str) -> int:
        """Tokens of *stage* that went into kept conversations."""
        return sum(
            entry.usage.input_tokens + entry.usage.output_tokens
            for entry in self._books.entries
            if entry.stage == stage and entry.account == "kept"
        )

    def _grouped(self, sums: dict[_Key, Sum], key_of: Callable[[Entry], _Key]) -> dict[_Key, Sum]:
        for entry in self._books.entries:
            key = key_of(entry)
            sums[key] = sums.get(key, Sum()).plus(entry, self._pricing.money(entry))
        return sums

    def _added(self, empty: Sum) -> Sum:
        for entry, money in self.entries():
            empty = empty.plus(entry, money)
        return empty


def _dearest_first(sums: dict[Any, Sum]) -> dict[Any, Sum]:
    """Ties in the order of the names."""
    return dict(sorted(sums.items(), key=lambda item: (-item[1].tokens, str(item[0]))))


def pricing_of(config: RunConfig, models: Iterable[str]) -> Pricing:
    """The prices of *models* in a run of *config*; none when their file cannot be read.

    What a fallback model has answered is priced as the model that it stood in for: the
    journal knows a call by what was asked for.
    """
    try:
        prices = load_prices(config.budget.prices)
    except ConfigError:
        return Pricing(prices={})
    asked_at = {settings.model: settings.providers[0] for settings in reversed(config.in_use)}
    found = {model: prices.of(asked_at.get(model, ""), model) for model in sorted(set(models))}
    known = {model: price for model, price in found.items() if price is not None}
    if known and MODEL in found:
        known.setdefault(MODEL, Price(models=(MODEL,), input=0, output=0))  # what runs here is free
    return Pricing(currency=prices.currency, prices=known)
