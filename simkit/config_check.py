"""Whether a run can start with a configuration that is valid in itself."""

from __future__ import annotations

import os
from collections.abc import Iterable

from simkit.config import ConfigError, RunConfig, api_key, no_model
from simkit.config_problems import Origin
from simkit.prices import load_prices
from simkit.traces.calls import AgentRole


def check_run(config: RunConfig, origin: Origin | None = None) -> None:
    """Make sure that a run can start.

    Args:
        origin: Where *config* comes from, to be named; None: nobody knows.

    Raises:
        ConfigError: No catalog, a role without model or provider, a key that its environment
            variable does not hold, or prices that cannot be used; all of them at once.
    """
    problems = [*_catalog_problems(config), *_model_problems(config), *price_problems(config)]
    problems += _panel_problems(config)
    used = _providers_in_use(config)
    if config.graph.embedder == "provider":
        problems += embedding_problems(config)
    problems += [
        missing_provider(key, name, config.providers)
        for name, key in used.items()
        if name not in config.providers
    ]
    for name in used:
        if name in config.providers:
            problems += key_problems(config, name)
    if problems:
        raise ConfigError(*(problems if origin is None else map(origin.before, problems)))


def secrets(config: RunConfig) -> frozenset[str]:
    """Every key that the environment holds for *config*: what no log may show."""
    variables = {
        variable for provider in config.providers.values() for variable in provider.api_key_env
    }
    values = {os.environ.get(variable, "").strip() for variable in variables}
    return frozenset(values - {""})


def missing_provider(key: str, name: str, known: Iterable[str]) -> str:
    """The problem that the option *key* names a provider which has no table."""
    tables = ", ".join(f"[providers.{other}]" for other in known)
    mend = f"there is {tables}" if tables else "give its base_url there or with --base-url"
    return f"{key}: expected a table [providers.{name}]; {mend}"


def price_problems(config: RunConfig) -> tuple[str, ...]:
    """What is wrong with the file of prices, a line for each problem."""
    try:
        load_prices(config.budget.prices)
    except ConfigError as error:
        return error.problems
    return ()


def _catalog_problems(config: RunConfig) -> list[str]:
    named = bool(config.catalog.paths or config.catalog.demo)
    if config.graph.file is not None and named:
        return ["graph.file: a graph holds its functions; name a graph or catalogs, not both"]
    if config.graph.file is not None or named or config.tools.python:
        return []
    mend = "name a file or folder there or with --catalog, or a graph with --graph, or try --demo"
    return [f"catalog.paths: expected at least one catalog; {mend}"]


def _model_problems(config: RunConfig) -> list[str]:
    nameless: list[AgentRole] = [
        role
        for role in config.roles_in_use
        if config.roles.of(role).model is None and config.model.name is None
    ]
    return [no_model(*nameless)] if nameless else []


def _panel_problems(config: RunConfig) -> list[str]:
    """Judges that could only say what another one says."""
    if _model_problems(config):
        return []
    asked: set[tuple[str, tuple[str, ...]]] = set()
    problems = []
    for number, judge in enumerate(config.judges):
        if judge.temperature:  # draws its own ruling each time
            continue
        if (judge.model, judge.providers) in asked:
            problems.append(
                f"filters.panel[{number - 1}]: {judge.model} judges already, and at temperature 0 "
                "would say the same again; name another model, or set its temperature"
            )
        asked.add((judge.model, judge.providers))
    return problems


def _providers_in_use(config: RunConfig) -> dict[str, str]:
    """Name of each provider that a run asks, to the option that names it."""
    used: dict[str, str] = {}
    for role in config.roles_in_use:
        own = config.roles.of(role)
        key = f"roles.{role}" if own.provider else "model"
        for name in own.provider or config.model.provider:
            used.setdefault(name, f"{key}.provider")
        key = "model" if own.fallback is None else f"roles.{role}"
        for fallback in config.model.fallback if own.fallback is None else own.fallback:
            used.setdefault(fallback.provider, f"{key}.fallback")
    for judge in config.filters.panel:
        used.setdefault(judge.provider, "filters.panel.provider")
    return used


def key_problems(config: RunConfig, name: str) -> list[str]:
    """The keys of ``[providers.NAME]`` that the environment does not hold, a line for each."""
    provider = config.providers[name]
    problems = []
    for variable in provider.api_key_env:
        try:
            api_key(variable)
        except ConfigError as error:
            problems += [
                f"providers.{name}.{problem}; put the key for {provider.base_url} there"
                for problem in error.problems
            ]
    return problems


def embedding_problems(config: RunConfig) -> list[str]:
    """Why ``[embedding]`` cannot be used for a graph, a line for each reason."""
    section = config.embedding
    problems = []
    if section.model is None:
        problems.append(
            "embedding.model: expected the name of an embedding model, since graph.embedder is "
            '"provider"; set it there, or for graph build with --model'
        )
    provider = config.providers.get(section.provider)
    if provider is None:
        problem = missing_provider("embedding.provider", section.provider, config.providers)
        problems.append(problem)
    elif provider.api == "anthropic":
        problems.append(
            f"embedding.provider: [providers.{section.provider}] speaks Anthropic's API, which "
            "has no embeddings; name another provider"
        )
    return problems
