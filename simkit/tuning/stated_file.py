"""The schema of a file that states what a run asks of its provider."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from simkit.config import ROLES
from simkit.config_section import Section, Share
from simkit.traces.calls import AgentRole
from simkit.tuning.terms import Hints

_Limit = Annotated[float, Field(gt=0)]
_Seconds = Annotated[float, Field(gt=0, le=86_400)]
_Tokens = Annotated[float, Field(ge=1, le=10_000_000)]


class StatedRole(Section):
    """``[roles.ROLE]``: the calls of one role."""

    calls: float = Field(gt=0, le=1_000)
    """In a conversation, on average. Where it is 1 or less, long conversations have no more."""
    input_tokens: _Tokens
    """Of the first call, on average."""
    input_growth: float = Field(default=0.0, ge=0, le=1_000_000)
    """Tokens by which the input grows with each round of the conversation."""
    output_tokens: _Tokens
    """Of a call, on average, reasoning included."""
    token_spread: float = Field(default=0.5, ge=0, le=5)
    """Standard deviation of both numbers of tokens, as a share of them."""
    median_seconds: _Seconds
    """What a call takes while nothing else is asked."""
    p95_seconds: _Seconds
    """What one call in twenty takes longer than."""

    @model_validator(mode="after")
    def _slow_calls_are_slow(self) -> Self:
        if self.p95_seconds < self.median_seconds:
            raise ValueError("p95_seconds must be at least median_seconds")
        return self


class StatedRoles(Section):
    """``[roles]``: a table for each role that is asked."""

    writer: StatedRole | None = None
    user: StatedRole | None = None
    assistant: StatedRole
    reasoner: StatedRole | None = None
    tool: StatedRole | None = None
    judge: StatedRole | None = None

    @property
    def asked(self) -> tuple[tuple[AgentRole, StatedRole], ...]:
        """The roles that are asked, in the order of the tables here."""
        roles = ((role, getattr(self, role)) for role in ROLES)
        return tuple((role, stated) for role, stated in roles if stated is not None)


class StatedConversations(Section):
    """``[conversations]``: how conversations go."""

    length_spread: float = Field(default=0.4, ge=0, le=3)
    """Standard deviation of their numbers of calls, as a share of these."""
    parallel_share: float = Field(default=0.1, ge=0, lt=1)
    """Of the tool's calls, those that are made together with the one before."""
    pause_seconds: float = Field(default=0.005, ge=0, le=3_600)
    """Own work between two rounds."""
    kept_share: Share = 1.0
    """Of the conversations, those that the filters keep."""


class StatedLimits(Section):
    """``[provider.limits]``: what the provider enforces, and the client is told."""

    requests_per_minute: _Limit | None = None
    tokens_per_minute: _Limit | None = None
    """Input and output together."""
    input_tokens_per_minute: _Limit | None = None
    output_tokens_per_minute: _Limit | None = None
    max_calls_in_flight: int | None = Field(default=None, ge=1, le=100_000)


class StatedProvider(Section):
    """``[provider]``: how the provider behaves."""

    doubled_at: _Limit | None = None
    """Calls in flight that double every latency; unset: load makes no difference."""
    failure_share: float = Field(default=0.0, ge=0, lt=1)
    """Of the attempts, those that fail otherwise than by a limit."""
    failure_seconds: _Seconds | None = None
    """How long these take; unset: as long as others."""
    window_seconds: _Seconds | None = None
    """Limits count in fixed windows of this length; unset: they refill all the time."""
    hints: Hints = "all"
    """What answers tell of the limits: all, retry_after or none."""
    limits: StatedLimits = StatedLimits()


class StatedFile(Section):
    """The whole file."""

    about: str = Field(min_length=1)
    """One line for people."""
    model: str = Field(default="stated", min_length=1)
    """Its name, by which it may have a price."""
    concurrency: int = Field(default=64, ge=1, le=100_000)
    """Conversations in flight that one would begin with."""
    conversations: StatedConversations = StatedConversations()
    roles: StatedRoles
    provider: StatedProvider = StatedProvider()


def table_at(path: tuple[str, ...]) -> type[BaseModel]:
    """The schema of the table at *path*."""
    if path[:1] == ("roles",):
        return StatedRole if path[1:] else StatedRoles
    tables: dict[tuple[str, ...], type[BaseModel]] = {
        ("conversations",): StatedConversations,
        ("provider",): StatedProvider,
        ("provider", "limits"): StatedLimits,
    }
    return tables.get(path, StatedFile)
