"""What models cost: a file of prices, and the price of a call.

simkit comes with a file (``prices.toml``, which explains the format); ``[budget] prices``
names another one instead.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simkit.config import ConfigError
from simkit.config_problems import problem_line
from simkit.toml_file import read_toml
from simkit.traces.calls import Usage

SHIPPED = Path(__file__).with_name("prices.toml")

DEAREST = 1_000_000_000
"""Money per million tokens: above any price, in any currency."""
_PER_MILLION = 1_000_000
_MEND = "; correct the path there, or name a file of prices with --prices"
_Name = Annotated[str, Field(min_length=1)]
_Money = Annotated[float, Field(ge=0, le=DEAREST, allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Price(_Table):
    """What the models of some names cost, in money per million tokens."""

    models: tuple[_Name, ...] = Field(min_length=1)
    """Exact names, or beginnings that end in ``*``."""
    provider: _Name | None = None
    """NAME of the only ``[providers.NAME]`` that it is about; None: any."""
    input: _Money
    cached_input: _Money | None = None
    """Input that the provider served from its prompt cache; None: as other input."""
    output: _Money

    def of(self, usage: Usage) -> float:
        """What a call of *usage* costs.

        Reasoning is output. Writing to a prompt cache, which some providers charge above
        plain input, counts as plain input: usage does not tell it apart.
        """
        cached = self.input if self.cached_input is None else self.cached_input
        fresh = usage.input_tokens - usage.cached_input_tokens
        total = fresh * self.input + usage.cached_input_tokens * cached
        return (total + usage.output_tokens * self.output) / _PER_MILLION


class Prices(_Table):
    """A file of prices."""

    currency: _Name
    source: _Name
    """Where the figures come from."""
    date: datetime.date
    """When they were true."""
    prices: tuple[Price, ...]

    def of(self, provider: str, model: str) -> Price | None:
        """The price of *model* at ``[providers.PROVIDER]``, or None when it has none.

        One for that provider goes before one for any, then an exact name before a
        pattern, then the longest pattern.
        """
        named = ((price, name) for price in self.prices for name in price.models)
        fitting = [
            (price.provider is not None, not name.endswith("*"), len(name), price)
            for price, name in named
            if price.provider in {None, provider} and _fits(name, model)
        ]
        return max(fitting, key=lambda found: found[:3])[3] if fitting else None


def _fits(name: str, model: str) -> bool:
    return model.startswith(name[:-1]) if name.endswith("*") else model == name


def load_prices(path: Path | None) -> Prices:
    """The prices in the TOML file *path*; None stands for the file that comes with simkit.

    Raises:
        ConfigError: It cannot be read, or something in it is wrong; one line for each
            problem, naming the file and what to mend.
    """
    file = path or SHIPPED
    try:
        prices = Prices.model_validate(read_toml(file))
    except ConfigError as error:
        mend = _MEND if isinstance(error.__cause__, OSError) else ""
        raise ConfigError(*(f"budget.prices: {line}{mend}" for line in error.problems)) from error
    except ValidationError as error:
        lines = (problem_line(detail, _table) for detail in error.errors())
        raise ConfigError(*(f"budget.prices: {file}: {line}" for line in lines)) from None
    if repeated := _repeated(prices.prices):
        raise ConfigError(*(f"budget.prices: {file}: {name} has two prices" for name in repeated))
    return prices


def prices_toml(prices: Prices) -> str:
    """*prices* as TOML; `load_prices` on the text gives equal ones."""
    return tomli_w.dumps(prices.model_dump(exclude_none=True))


def _table(path: tuple[str, ...]) -> type[_Table]:
    """The schema of the table at *path*."""
    return Price if path else Prices


def _repeated(prices: Iterable[Price]) -> list[str]:
    seen: set[tuple[str | None, str]] = set()
    repeated = []
    for price in prices:
        for name in price.models:
            if (price.provider, name) in seen:
                repeated.append(name)
            seen.add((price.provider, name))
    return repeated
