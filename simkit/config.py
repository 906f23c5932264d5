"""The one schema of a run's configuration; `config_file` reads and writes it,
`config_check` tells whether a run can start with it.

Every field is an option of the TOML file; many are flags of the command line too.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from simkit.traces.calls import AgentRole

ROLES: tuple[AgentRole, ...] = ("writer", "user", "assistant", "tool", "judge")

_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CALL_PATH = re.compile(r"/(?:chat/completions|messages)/*$")
_KEY_HEADER = re.compile(r"auth|api-?key|token|secret|cookie|password", re.IGNORECASE)

Temperature = Annotated[float, Field(ge=0, le=2)]
Tokens = Annotated[int, Field(ge=1)]
Money = Annotated[float, Field(gt=0)]
PerMinute = Annotated[float, Field(gt=0)]
ProviderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
# A TOML array arrives as a list, which strict mode refuses for a tuple.
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda given: (given,) if isinstance(given, str) else given),
    AfterValidator(lambda names: _distinct(names)),
]
"""One name or several; one need not stand in a list."""


class ConfigError(Exception):
    """The configuration cannot be used.

    `problems` holds one line for each thing to mend; the text of the error is all of them.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Section(BaseModel):
    """What all tables share: unknown keys and loose types are errors, nothing changes."""

    # Docstrings of fields are their descriptions: one text for readers and for machines.
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )


class RunSection(Section):
    """``[run]``: how much is made, and from which seed."""

    seed: int = Field(default=0, ge=0, lt=2**63)
    """Root of every random choice; the same seed gives the same scenarios."""
    conversations: int = Field(default=100, ge=1, le=100_000_000)
    """How many conversations are played."""
    concurrency: int = Field(default=64, ge=1, le=100_000)
    """How many conversations are in flight at most."""


class CatalogSection(Section):
    """``[catalog]``: the functions that the assistant may call."""

    # A TOML array arrives as a list, which strict mode refuses for a tuple.
    paths: tuple[Path, ...] = Field(default=(), strict=False)
    """Catalog files and folders; relative ones start at the config file's folder."""
    demo: bool = False
    """Also use the catalog that comes with simkit."""


class GraphSection(Section):
    """``[graph]``: when the output of one function may feed the input of another."""

    embedder: Literal["minilm", "lexical", "provider"] = "minilm"
    """What turns parameter texts into vectors; minilm needs ``simkit[embed]``, provider asks
    the model of ``[embedding]``."""
    min_cosine: float | None = Field(default=None, ge=0, lt=1)
    """Cosine similarity above which there is an edge; unset, the embedder's own."""
    max_out_edges: int = Field(default=30, ge=1, le=10_000)
    """At most so many edges leave a function, the strongest ones."""


class WalkSection(Section):
    """``[walk]``: the chains of functions that conversations are about."""

    min_length: int = Field(default=5, ge=1, le=100)
    """Fewest functions in a chain."""
    max_length: int = Field(default=20, ge=1, le=100)
    """Most functions in a chain."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_length > self.max_length:
            raise ValueError(
                f"min_length ({self.min_length}) must not be above max_length ({self.max_length})"
            )
        return self


class ConversationSection(Section):
    """``[conversation]``: when a conversation is cut off."""

    max_messages: int = Field(default=120, ge=2, le=10_000)
    """Most messages, results of calls included."""
    max_calls_per_turn: int = Field(default=5, ge=1, le=128)
    """Most calls in one assistant message."""
    max_tool_rounds: int = Field(default=20, ge=1, le=1_000)
    """Most rounds of calls and results between two user messages."""
    max_errors: int = Field(default=10, ge=1, le=1_000)
    """Most failing calls in a row."""


class FiltersSection(Section):
    """``[filters]``: who decides what is worth training on."""

    workers: int = Field(default=0, ge=0, le=100_000)
    """Trajectories judged at once; 0: a quarter of the concurrency, at least 4."""
    queue: int = Field(default=0, ge=0, le=100_000)
    """Trajectories that may wait; a full queue holds conversations back. 0: as many as workers."""
    judge: bool = True
    """Ask model judges after the rules; false: rules only."""


class ProviderConfig(Section):
    """``[providers.NAME]``: a server that models are asked at."""

    api: Literal["openai", "anthropic"] = "openai"
    """What it speaks: chat completions as OpenAI and many others, or Anthropic's Messages."""
    base_url: str
    """Address up to, not including, ``/chat/completions`` or ``/messages``, e.g.
    ``https://host/v1``."""
    api_key_env: Names = Field(default=(), strict=False)
    """Name of the environment variable that holds the key, or several names: each key is an
    account with limits of its own. The key itself never stands here."""
    weight: float = Field(default=1.0, gt=0, le=1_000)
    """Share of the calls where a model has several providers."""
    requests_per_minute: PerMinute | None = None
    """Most requests a minute; unset: learned from the provider's answers."""
    tokens_per_minute: PerMinute | None = None
    """Most tokens a minute, input and output together; unset: learned."""
    input_tokens_per_minute: PerMinute | None = None
    """Most input tokens a minute, where the provider counts them apart; unset: learned."""
    output_tokens_per_minute: PerMinute | None = None
    """Most output tokens a minute, where the provider counts them apart; unset: learned."""
    max_calls_in_flight: int | None = Field(default=None, ge=1, le=100_000)
    """Most calls at once; unset: learned."""
    connect_seconds: Seconds = 10.0
    """Give up on a connection that does not come about for so long."""
    first_byte_seconds: Seconds = 120.0
    """Give up on a call when nothing has come back for so long."""
    total_seconds: Seconds = 300.0
    """Give up on a call that is not complete after so long."""
    retry_attempts: int = Field(default=8, ge=1, le=100)
    """Calls in all for a request that the provider fails to answer; waiting out a rate limit
    uses up none of them."""
    retry_min_pause_seconds: Seconds = 1.0
    """Shortest pause before another call; it doubles, with jitter, up to a minute."""
    hedge_share: float = Field(default=0.0, ge=0, le=0.1)
    """Share of the calls that may be asked a second time when they take unusually long; the
    first answer counts. 0: none."""
    stream: bool = False
    """Have replies sent in pieces, so that a silent call is noticed early."""
    tool_mode: Literal["native", "json_schema", "prompt"] = "native"
    """How functions are offered: as tools, as a JSON schema that the reply must follow, or in
    words only."""
    extra_headers: dict[str, str] = {}
    """Sent with every request; not for keys."""

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        # What may be a password or a key in the address is never repeated in an error.
        if "@" in url:
            raise ValueError("must not hold a user name or password; use api_key_env for the key")
        if "?" in url or "#" in url:
            raise ValueError("must end with the path; nothing may follow ? or #")
        if _CALL_PATH.search(url):
            raise ValueError("must end before /chat/completions or /messages, which are added")
        if not _is_http(url):
            raise ValueError(
                "expected an http or https address with a host, such as "
                f'"https://api.example.com/v1", found {quoted(url)}'
            )
        return url.rstrip("/")

    @field_validator("api_key_env")
    @classmethod
    def _are_names(cls, variables: Names) -> Names:
        for name in variables:
            if not _VARIABLE_NAME.fullmatch(name):
                raise ValueError(
                    "expected the name of an environment variable, such as EXAMPLE_API_KEY, "
                    "found something else (not shown: it may be a key)"
                )
        return variables

    @field_validator("extra_headers")
    @classmethod
    def _hold_no_key(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if _KEY_HEADER.search(name):
                raise ValueError(f"{quoted(name)} looks like it holds a key; use api_key_env")
            if not (name + value).isprintable() or not name.strip():
                raise ValueError(f"{quoted(name)} is not a header of one line")
        return headers


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"expected different names, found {quoted(twice)} twice")
    return names


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
    tool: RoleSection = RoleSection()
    """Plays the functions."""
    judge: RoleSection = RoleSection()
    """Decides what is worth training on."""

    def of(self, role: AgentRole) -> RoleSection:
        """The table of *role*."""
        section: RoleSection = getattr(self, role)
        return section


class BudgetSection(Section):
    """``[budget]``: what a run may spend; it lands softly before that."""

    tokens: Tokens | None = None
    """Most tokens, input and output together; unset: no limit."""
    money: Money | None = None
    """Most money, in the currency of the prices; unset: no limit."""
    prices: Path | None = Field(default=None, strict=False)
    """File of prices; unset: the one that comes with simkit."""


class EmbeddingSection(Section):
    """``[embedding]``: the model behind ``graph.embedder = "provider"``."""

    model: str | None = Field(default=None, min_length=1)
    """As the provider knows it."""
    provider: str = "default"
    """NAME of a ``[providers.NAME]`` table."""


class RoleConfig(Section):
    """What one role really uses, after `RunConfig.role` has filled in ``[model]``."""

    providers: tuple[str, ...]
    model: str
    fallback: tuple[FallbackSection, ...]
    temperature: float | None
    max_output_tokens: int | None


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
    conversation: ConversationSection = ConversationSection()
    """When a conversation is cut off."""
    filters: FiltersSection = FiltersSection()
    """Who decides what is worth training on."""
    model: ModelSection = ModelSection()
    """The model that every role uses unless it names its own."""
    roles: RolesSection = RolesSection()
    """What single roles do differently."""
    embedding: EmbeddingSection = EmbeddingSection()
    """The model behind ``graph.embedder = "provider"``."""
    budget: BudgetSection = BudgetSection()
    """What a run may spend."""
    providers: dict[ProviderName, ProviderConfig] = {}
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
        """The roles that a run asks: all, or all but the judge."""
        return tuple(role for role in ROLES if role != "judge" or self.filters.judge)

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


def quoted(value: object) -> str:
    """*value* for an error message: on one line, short, text in double quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= 80 else f"{text[:76]} ..."


def no_model(*roles: AgentRole) -> str:
    """The problem that *roles* have no model."""
    return (
        f"model.name: expected the name of a model for {', '.join(roles)}; set it there, "
        f"under roles.{roles[0]}.model, or with --model"
    )


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # reading it checks it
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and not re.search(r"[\s\x00-\x1f]", url)
    )
