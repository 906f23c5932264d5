"""The tables that say which models play the roles of a run."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simkit.config_section import Names, Section, Temperature, Tokens
from simkit.traces.calls import AgentRole


class FallbackSection(Section):
    """``[[model.fallback]]``: who is asked while the first choice cannot answer."""

    model: str = Field(min_length=1)
    """As its provider knows it."""
    provider: str
    """NAME of a ``[providers.NAME]`` table."""


Fallbacks = Annotated[tuple[FallbackSection, ...], Field(strict=False)]


class ModelSection(Section):
    """``[model]``: the model that every role uses unless it names its own."""

    name: str | None = Field(default=None, min_length=1)
    """As the provider knows it."""
    provider: Names = Field(default=("default",), strict=False, min_length=1)
    """NAME of a ``[providers.NAME]`` table, or several that share the calls by weight."""
    fallback: Fallbacks = ()
    """Asked in this order while no provider of the model can answer."""
    temperature: Temperature | None = None
    """Unset: each role's own, or the provider's default."""
    max_output_tokens: Tokens | None = None
    """Longest reply; unset: the provider's default."""


class RoleSection(Section):
    """``[roles.ROLE]``: what one role does differently from ``[model]``."""

    model: str | None = Field(default=None, min_length=1)
    """As the provider knows it; unset: ``[model]`` name."""
    provider: Names = Field(default=(), strict=False)
    """One NAME or several; unset: ``[model]`` provider."""
    fallback: Fallbacks | None = None
    """Unset: ``[model]`` fallback."""
    temperature: Temperature | None = None
    """Unset: ``[model]`` temperature."""
    max_output_tokens: Tokens | None = None
    """Longest reply; unset: ``[model]`` max_output_tokens."""


class RolesSection(Section):
    """``[roles]``: one table for each role that differs."""

    writer: RoleSection = RoleSection()
    """Writes the intent of the simulated user."""
    user: RoleSection = RoleSection()
    """Plays the user."""
    assistant: RoleSection = RoleSection()
    """Plays the assistant, whose turns become training data."""
    reasoner: RoleSection = RoleSection()
    """Answers each turn again, with its reasoning; kept where it does the same as the assistant.
    Not asked unless its table says anything."""
    tool: RoleSection = RoleSection()
    """Plays the functions."""
    judge: RoleSection = RoleSection()
    """Decides what is worth training on."""

    def of(self, role: AgentRole) -> RoleSection:
        """The table of *role*."""
        section: RoleSection = getattr(self, role)
        return section


class RoleConfig(Section):
    """What one role really uses, after `RunConfig.role` has filled in ``[model]``."""

    providers: tuple[str, ...]
    model: str
    fallback: tuple[FallbackSection, ...]
    temperature: float | None
    max_output_tokens: int | None
