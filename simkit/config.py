"""The one schema of a run's configuration; `config_file` reads and writes it,
`config_check` tells whether a run can start with it.

Every field is an option of the TOML file; many are flags of the command line too. The tables
are in `config_work`, `config_filter`, `config_models` and `config_provider`, and are imported
from here.
"""

from __future__ import annotations

import os

from pydantic import Field

from simkit.config_chain import ChainSection
from simkit.config_dialogue import DialogueSection
from simkit.config_filter import FiltersSection
from simkit.config_models import (
    FallbackSection,
    ModelSection,
    RoleConfig,
    RoleSection,
    RolesSection,
)
from simkit.config_provider import ProviderConfig, ProviderName
from simkit.config_section import Section, quoted
from simkit.config_tools import ToolsSection
from simkit.config_work import (
    BudgetSection,
    CatalogSection,
    ConversationSection,
    EmbeddingSection,
    GraphSection,
    RunSection,
    WalkSection,
)
from simkit.traces.calls import AgentRole

__all__ = [
    "ROLES",
    "BudgetSection",
    "CatalogSection",
    "ChainSection",
    "ConfigError",
    "DialogueSection",
    "FallbackSection",
    "FiltersSection",
    "GraphSection",
    "ModelSection",
    "ProviderConfig",
    "RoleConfig",
    "RolesSection",
    "RunConfig",
    "ToolsSection",
    "WalkSection",
    "api_key",
    "no_model",
    "quoted",
]

ROLES: tuple[AgentRole, ...] = ("writer", "user", "assistant", "reasoner", "tool", "judge")


class ConfigError(Exception):
    """The configuration cannot be used.

    `problems` holds one line for each thing to mend; the text of the error is all of them.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RunConfig(Section):
    """The whole configuration of a run."""

    run: RunSection = RunSection()
    """How much is made, and from which seed."""
    catalog: CatalogSection = CatalogSection()
    """The functions that the assistant may call."""
    graph: GraphSection = GraphSection()
    """When the output of one function may feed the input of another."""
    walk: WalkSection = WalkSection()
    """The chains of functions that conversations are about."""
    chain: ChainSection = ChainSection()
    """What conversations must contain by design."""
    dialogue: DialogueSection = DialogueSection()
    """Who the users are, and how they bring up what they want."""
    conversation: ConversationSection = ConversationSection()
    """When a conversation is cut off."""
    filters: FiltersSection = FiltersSection()
    """Who decides what is worth training on."""
    model: ModelSection = ModelSection()
    """The model that every role uses unless it names its own."""
    roles: RolesSection = RolesSection()
    """What single roles do differently."""
    tools: ToolsSection = ToolsSection()
    """How the functions are played."""
    embedding: EmbeddingSection = EmbeddingSection()
    """The model behind ``graph.embedder = "provider"``."""
    budget: BudgetSection = BudgetSection()
    """What a run may spend."""
    providers: dict[ProviderName, ProviderConfig] = Field(default={})
    """Servers by the name that ``[model]`` and ``[roles]`` use."""

    def role(self, role: AgentRole) -> RoleConfig:
        """What *role* uses: its own settings, and ``[model]``'s where it has none.

        Raises:
            ConfigError: Neither names a model.
        """
        own = self.roles.of(role)
        shared = self.model
        model = own.model or shared.name
        if model is None:
            raise ConfigError(no_model(role))
        return RoleConfig(
            providers=own.provider or shared.provider,
            model=model,
            fallback=shared.fallback if own.fallback is None else own.fallback,
            temperature=shared.temperature if own.temperature is None else own.temperature,
            max_output_tokens=own.max_output_tokens or shared.max_output_tokens,
        )

    @property
    def roles_in_use(self) -> tuple[AgentRole, ...]:
        """The roles that a run asks; the reasoner only where its table says anything."""
        no_reasoner = self.roles.reasoner == RoleSection()
        unused = {"judge": not self.filters.judge, "reasoner": no_reasoner}
        return tuple(role for role in ROLES if not unused.get(role, False))

    @property
    def panel(self) -> tuple[RoleConfig, ...]:
        """The judges beside the one of ``[roles.judge]``, in order."""
        return tuple(
            RoleConfig(
                providers=(judge.provider,),
                model=judge.model,
                fallback=(),
                temperature=judge.temperature,
                max_output_tokens=self.role("judge").max_output_tokens,
            )
            for judge in self.filters.panel
        )

    @property
    def judges(self) -> tuple[RoleConfig, ...]:
        """All who judge, that of the role first; empty where rules judge alone."""
        return (self.role("judge"), *self.panel) if self.filters.judge else ()

    @property
    def in_use(self) -> tuple[RoleConfig, ...]:
        """Of everybody who is asked: the roles in use, then the panel.

        Raises:
            ConfigError: A role has no model.
        """
        return (*map(self.role, self.roles_in_use), *self.panel)

    @property
    def filter_workers(self) -> int:
        """Trajectories judged at once, with 0 replaced by what it stands for."""
        return self.filters.workers or max(4, self.run.concurrency // 4)

    @property
    def filter_queue(self) -> int:
        """Trajectories that may wait for a filter, with 0 replaced by what it stands for."""
        return self.filters.queue or self.filter_workers


def api_key(variable: str) -> str:
    """The key in the environment *variable*.

    Raises:
        ConfigError: It is not set, or empty.
    """
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ConfigError(f"api_key_env: the environment variable {variable} is not set")
    return key


def no_model(*roles: AgentRole) -> str:
    """The problem that *roles* have no model."""
    return (
        f"model.name: expected the name of a model for {', '.join(roles)}; set it there, "
        f"under roles.{roles[0]}.model, or with --model"
    )
