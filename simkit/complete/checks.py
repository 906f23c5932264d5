"""Whether requests can be answered with a configuration that is valid in itself."""

from __future__ import annotations

from collections.abc import Iterator

from simkit.budget import open_budget
from simkit.config import ConfigError, GraphSection, RolesSection, RunConfig
from simkit.config_check import key_problems, missing_provider
from simkit.prices import Prices, load_prices
from simkit.spending import Ledger


def check_complete(config: RunConfig) -> None:
    """Make sure that answering can start.

    Raises:
        ConfigError: A provider is missing or speaks another API, its key is not in the
            environment, or a fallback or a budget needs the name of a model; all of them at
            once.
    """
    asked = dict.fromkeys(config.model.provider, "model.provider")
    for fallback in config.model.fallback:
        asked.setdefault(fallback.provider, "model.fallback")
    problems = [
        problem for name, key in asked.items() for problem in _provider_problems(config, name, key)
    ]
    if config.model.name is None:
        problems += _problems_of_many_models(config)
    if problems:
        raise ConfigError(*problems)
    open_ledger(config)


def open_ledger(config: RunConfig) -> tuple[Ledger, Prices]:
    """The account book of ``[budget]``, nothing spent yet, and the prices for it.

    Money is counted when there is one model for all requests, and it and its fallbacks have
    a price everywhere.

    Raises:
        ConfigError: The file of prices cannot be used, or money is limited and a model has
            no price.
    """
    if config.model.name is None:
        return Ledger(tokens=config.budget.tokens), load_prices(config.budget.prices)
    # Nothing but [model] is asked here, whatever a run with the same file would ask.
    only_model = {"roles": RolesSection(), "graph": GraphSection()}
    budget = open_budget(config.model_copy(update=only_model))
    return budget.ledger, budget.prices


def _provider_problems(config: RunConfig, name: str, key: str) -> Iterator[str]:
    if name not in config.providers:
        yield missing_provider(key, name, config.providers)
        return
    if (api := config.providers[name].api) != "openai":
        yield (
            f'providers.{name}.api: expected "openai", found "{api}": requests are bodies of '
            "OpenAI's chat completions, and are passed on as they are"
        )
    yield from key_problems(config, name)


def _problems_of_many_models(config: RunConfig) -> Iterator[str]:
    mend = "name one model for all of them in model.name or with --model"
    if config.model.fallback:
        yield (
            "model.fallback: nothing says which model it stands in for, since requests name "
            f"models of their own; {mend}, or remove the fallback"
        )
    if config.budget.money is not None:
        yield (
            "budget.money: what a request costs is not known, since requests name models of "
            f"their own; {mend}, or limit budget.tokens instead"
        )
