"""Configurations of work that one role does alone, outside of a run."""

from __future__ import annotations

from simkit.config import (
    ConfigError,
    FiltersSection,
    GraphSection,
    ModelSection,
    RolesSection,
    RunConfig,
)
from simkit.config_check import key_problems, missing_provider, price_problems
from simkit.traces.calls import AgentRole


def only_role(config: RunConfig, role: AgentRole) -> RunConfig:
    """*config* with every role played by what plays *role*, and no embedder to ask.

    A judge keeps its panel.

    Raises:
        ConfigError: Nothing does.
    """
    chosen = config.role(role)
    model = ModelSection(
        name=chosen.model,
        provider=chosen.providers,
        fallback=chosen.fallback,
        temperature=chosen.temperature,
        max_output_tokens=chosen.max_output_tokens,
    )
    return config.model_copy(
        update={
            "filters": FiltersSection(panel=config.filters.panel if role == "judge" else ()),
            "graph": GraphSection(),
            "model": model,
            "roles": RolesSection(),
        }
    )


def checked(config: RunConfig, key: str = "roles.judge.provider") -> RunConfig:
    """*config*, one of `only_role`, when it can be used.

    Args:
        key: The option that problems of its providers are about.

    Raises:
        ConfigError: A provider has no table, a key is not in the environment, or prices cannot
            be used; all of them at once.
    """
    model = config.model
    names = dict.fromkeys((*model.provider, *(other.provider for other in model.fallback)), key)
    for judge in config.filters.panel:
        names.setdefault(judge.provider, "filters.panel.provider")
    problems: list[str] = []
    for name, option in sorted(names.items()):
        if name in config.providers:
            problems += key_problems(config, name)
        else:
            problems.append(missing_provider(option, name, config.providers))
    problems += price_problems(config)
    if problems:
        raise ConfigError(*problems)
    return config
