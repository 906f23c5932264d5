"""The tables that say what a run makes, how much, and for how much."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from simkit.config_section import Money, Section, Share, Tokens


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
    merge_near: bool = True
    """Merge functions that are the same but for a few words."""
    infer_outputs: bool = True
    """Infer by rule what functions give that declare no outputs."""


class GraphSection(Section):
    """``[graph]``: when the output of one function may feed the input of another."""

    embedder: Literal["minilm", "lexical", "provider"] = "minilm"
    """What turns parameter texts into vectors; minilm needs ``simkit[embed]``, provider asks
    the model of ``[embedding]``."""
    file: Path | None = Field(default=None, strict=False)
    """A graph by ``simkit graph build`` to walk, in the place of catalogs; what is said below was
    then said when it was built."""
    rule: Literal["affinity", "similarity"] = "affinity"
    """affinity weighs names, types, descriptions and functions; similarity is the paper's rule,
    the cosine of descriptions and types."""
    min_score: float | None = Field(default=None, ge=0, lt=1)
    """Score above which there is an edge; unset, the rule's own, or the embedder's."""
    affinity: Path | None = Field(default=None, strict=False)
    """File of weights by ``simkit graph calibrate``; unset, simkit's own."""
    max_out_edges: int = Field(default=30, ge=1, le=10_000)
    """At most so many edges leave a function, the strongest ones."""
    max_in_edges: int = Field(default=60, ge=1, le=10_000)
    """At most so many edges come in to a function."""


class WalkSection(Section):
    """``[walk]``: the chains of functions that conversations are about."""

    min_length: int = Field(default=5, ge=1, le=100)
    """Fewest functions in a chain."""
    max_length: int = Field(default=20, ge=1, le=100)
    """Most functions in a chain."""
    short_share: Share = 0.0
    """Share of chains that are short: of a length between the next two instead."""
    short_min_length: int = Field(default=1, ge=1, le=100)
    """Fewest functions in a short chain."""
    short_max_length: int = Field(default=4, ge=1, le=100)
    """Most functions in a short chain."""
    visit_cap: float = Field(default=3.0, ge=1)
    """No function is visited more often than this times (the mean + 1)."""
    temperature: float = Field(default=0.2, ge=0.01)
    """Low: steps take the strongest edges; 1: in proportion to scores; higher: evenly."""
    coverage: float = Field(default=1.0, ge=0, le=4)
    """How much steps prefer functions that were visited less; 0: not at all."""
    coherence: Share = 0.9
    """Share of a chain's steps that join functions of one world, at least; 0: any step will do."""
    target_share: Share = 0.1
    """Share of walks that are led to a function visited least."""
    follow_yield: bool = True
    """Walk less where the filters dropped more; false: do not look at what they keep."""
    yield_lag: int = Field(default=4_096, ge=0)
    """How many conversations back outcomes are followed; about so many can be in flight."""

    @property
    def rules(self) -> dict[str, Any]:
        """The numbers of `simkit.graph.walks.rules.WalkRules`, by name."""
        return self.model_dump(exclude={"follow_yield"})

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for prefix in ("", "short_"):
            least, most = f"{prefix}min_length", f"{prefix}max_length"
            low, high = getattr(self, least), getattr(self, most)
            if low > high:
                raise ValueError(f"{least} ({low}) must not be above {most} ({high})")
        return self


class ConversationSection(Section):
    """``[conversation]``: when a conversation is cut off."""

    max_messages: int = Field(default=120, ge=2, le=10_000)
    """Most messages, results of calls included."""
    max_characters: int = Field(default=400_000, ge=1_000, le=100_000_000)
    """Most characters of all messages together; about four make a token."""
    max_calls_per_turn: int = Field(default=5, ge=1, le=128)
    """Most calls in one assistant message."""
    max_tool_rounds: int = Field(default=20, ge=1, le=1_000)
    """Most rounds of calls and results between two user messages."""
    max_errors: int = Field(default=10, ge=1, le=1_000)
    """Most failing calls in a row."""
    max_user_reasks: int = Field(default=8, ge=0, le=1_000)
    """Most messages of the user's model that are refused, and asked for again, as the user would
    not say them."""


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
