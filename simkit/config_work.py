"""The tables that say what a run makes, how much, and for how much."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from simkit.config_section import Money, Section, Tokens


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
