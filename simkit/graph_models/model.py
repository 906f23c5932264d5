"""The one model that is asked, behind a journal, with what that costs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from simkit.budget import Budget, open_budget
from simkit.bus import Bus
from simkit.clients.checked_when_asked import CheckedWhenAsked
from simkit.config import RunConfig
from simkit.drain import Drain
from simkit.one_role import checked, only_role
from simkit.providers import open_providers
from simkit.traces.calls import AgentRole
from simkit.traces.store import Store
from simkit.traces.voice import Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenModel:
    """A model that can be asked."""

    voice: Voice
    budget: Budget
    at_once: int
    """Requests that are made at the same time."""
    limiting: Callable[[], str]
    """What sets the pace now, e.g. ``"requests"`` or ``"nothing"``."""

    @property
    def calls(self) -> int:
        """Calls that were paid for; recorded replies are not among them."""
        return sum(paid.calls for paid in self.budget.ledger.paid.values())


def config_for(config: RunConfig, role: AgentRole) -> RunConfig:
    """*config* with the model of *role* alone.

    Raises:
        ConfigError: It has none, or none that could be asked.
    """
    return checked(only_role(config, role), "model.provider")


def journal_of(out: Path) -> Path:
    """Where the replies for *out* are kept: beside it."""
    return out.with_name(f"{out.name}.replies.db")


@asynccontextmanager
async def open_model(
    config: RunConfig, role: AgentRole, journal: Path, drain: Drain, *, groups: int
) -> AsyncIterator[OpenModel]:
    """The model of *config*, made by `config_for` for *role*; *journal* is made if missing.

    A reply is on the disk before it is used, and what is there is not asked for again. The
    provider is not spoken to before there is something to ask.

    Args:
        groups: Requests that there may be.

    Raises:
        StoreError: *journal* is another file, or cannot be written.
        ConfigError: A key or a price is missing.
    """
    run = config.run.model_copy(update={"conversations": groups})
    config = config.model_copy(update={"run": run})
    budget, bus = open_budget(config), Bus()
    async with (
        Store.open(journal) as store,
        open_providers(config, budget.ledger, budget.prices, bus, drain) as providers,
    ):
        voice = providers.voices(store, on_answer=bus.publish, on_retry=bus.publish).roles[role]
        yield OpenModel(
            voice=replace(voice, client=CheckedWhenAsked(voice.client, store, providers.check)),
            budget=budget,
            at_once=config.run.concurrency,
            limiting=providers.limiting,
        )
