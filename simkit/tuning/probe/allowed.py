"""What a probe may spend, and the least with which it finds anything out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import NoReturn

from simkit.config import BudgetSection, ConfigError, RunConfig, quoted
from simkit.prices import load_prices
from simkit.traces.calls import Usage

_STAGES = "three stages, with 2, 4 and 8 conversations in flight,"
_CALLS = 200
"""Of these stages, and until each has settled."""
_INPUT_TOKENS, _INPUT_TOKENS_PER_FUNCTION = 900, 80
"""Of a call, and more for each function of the chain: such conversations are longer, and each
call sends all that was said before it."""
_OUTPUT_TOKENS = 120
_ROUNDED = 10_000
"""Tokens: it is only an estimate."""
_SHARE = 0.9
"""Of a budget, after which no stage goes on."""
_TOKENS = re.compile(r"(\d[\d_,]*)\s*(?:tokens?)?", re.IGNORECASE)
_MONEY = re.compile(r"(\d[\d_,]*(?:\.\d+)?)\s*([A-Za-z]{2,8})")
_FORMAT = "expected tokens, such as 500000, or money in the currency of the prices, such as 1.50usd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """At most so many tokens, or so much money."""

    tokens: int | None = None
    money: float | None = None
    unit: str
    """``"tokens"``, or the currency."""

    @property
    def amount(self) -> float:
        return float(self.tokens if self.tokens is not None else self.money or 0.0)

    def said(self, amount: float) -> str:
        """*amount* with the unit, for people."""
        return f"{amount:,.0f} tokens" if self.tokens is not None else f"{amount:,.2f} {self.unit}"

    def section(self, before: BudgetSection) -> BudgetSection:
        """The ``[budget]`` of the probe; of what was there *before*, only the prices stay."""
        return before.model_copy(update={"tokens": self.tokens, "money": self.money})


def allowed(said: str, config: RunConfig) -> Allowed:
    """What ``--budget`` *said* allows a run of *config*.

    Raises:
        ConfigError: It is no amount, of another currency, of models without a price, or so small
            that nothing would be learned from spending it.
    """
    given = _parsed(said, config)
    least = _least(given, config)
    if given.amount < least:
        raise ConfigError(
            f"--budget: {given.said(given.amount)} are too little to find anything out: {_STAGES} "
            f"take about {given.said(least)}, as chains of {_chain_length(config):g} functions "
            "make conversations that long; nothing was spent"
        )
    return given


def _parsed(said: str, config: RunConfig) -> Allowed:
    text = said.strip()
    if match := _TOKENS.fullmatch(text):
        tokens = int(re.sub("[_,]", "", match[1]))
        return Allowed(tokens=tokens, unit="tokens") if tokens else _refuse(said)
    match = _MONEY.fullmatch(text)
    if match is None:
        _refuse(said)
    money = float(re.sub("[_,]", "", match[1]))
    currency = load_prices(config.budget.prices).currency
    if match[2].casefold() != currency.casefold():
        raise ConfigError(
            f"--budget: the prices are in {currency}, not in {quoted(match[2])}; name a file of "
            f"prices in that currency under [budget], or give an amount in {currency}"
        )
    return Allowed(money=money, unit=currency) if money > 0 else _refuse(said)


def _refuse(said: str) -> NoReturn:
    raise ConfigError(f"--budget: {_FORMAT}; found {quoted(said)}")


def _least(given: Allowed, config: RunConfig) -> float:
    per_call = Usage(
        input_tokens=round(_INPUT_TOKENS + _INPUT_TOKENS_PER_FUNCTION * _chain_length(config)),
        output_tokens=_OUTPUT_TOKENS,
    )
    calls = _CALLS / _SHARE
    if given.tokens is not None:
        tokens = calls * (per_call.input_tokens + per_call.output_tokens)
        return float(_ROUNDED * math.ceil(tokens / _ROUNDED))
    prices = load_prices(config.budget.prices)
    costs = [
        price.of(per_call)
        for role in config.in_use
        for name in role.providers
        if (price := prices.of(name, role.model)) is not None
    ]
    # To the next hundredth, as money is shown.
    return math.ceil(100 * calls * sum(costs) / len(costs)) / 100 if costs else 0.0


def _chain_length(config: RunConfig) -> float:
    """Functions of a chain, on average."""
    walk = config.walk
    usual = (walk.min_length + walk.max_length) / 2
    short = (walk.short_min_length + walk.short_max_length) / 2
    return (1 - walk.short_share) * usual + walk.short_share * short
