"""Which models of a run are asked where."""

from __future__ import annotations

from simkit.config import RoleConfig, RunConfig

Choice = tuple[tuple[str, ...], str, tuple[tuple[str, str], ...]]
"""What one role may ask: providers, model, and fallbacks as provider and model."""


def choices_of(config: RunConfig) -> list[Choice]:
    """Those of everybody who is asked, each once."""
    return list(dict.fromkeys(map(choice_of, config.in_use)))


def choice_of(role: RoleConfig) -> Choice:
    """That of one role or judge."""
    fallbacks = tuple((fallback.provider, fallback.model) for fallback in role.fallback)
    return role.providers, role.model, fallbacks


def pairs(choice: Choice) -> list[tuple[str, str]]:
    """Provider and model of everything that may be asked."""
    providers, model, fallbacks = choice
    return [*((name, model) for name in providers), *fallbacks]


def is_alone(choice: Choice, config: RunConfig) -> bool:
    """Whether there is one account only for what *choice* asks."""
    asked = pairs(choice)
    return len(asked) == 1 and len(config.providers[asked[0][0]].api_key_env) <= 1
