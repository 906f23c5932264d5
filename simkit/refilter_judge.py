"""Who judges a stored run again: the judge of its configuration, or another one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simkit.budget import Budget, open_budget
from simkit.bus import Bus
from simkit.clients.checked_when_asked import CheckedWhenAsked
from simkit.clients.journaled import Journal
from simkit.config import BudgetSection, ConfigError, RunConfig
from simkit.config_file import load_config
from simkit.config_problems import Origin
from simkit.drain import Drain
from simkit.one_role import checked, only_role
from simkit.providers import open_providers
from simkit.traces.voice import Voice

_GIVEN_PROVIDER = "judge"
"""Name of the provider that the command line makes."""


def judge_config(stored: Path, other: Path | None, given: Mapping[str, Any]) -> RunConfig:
    """A configuration in which every role is the judge.

    Args:
        stored: The configuration of the run.
        other: One to use in its place; None: *stored*.
        given: Dotted keys on top, as for `load_config`; ``provider.X`` is about the judge's
            provider. With an address it is a new one, which gets no key that was meant for
            another. A model that is given here has no fallback, and no panel beside it.

    What the run was allowed to spend is no limit here; ``[budget]`` of *other* and what is
    *given* are.

    Raises:
        ConfigError: It cannot be read, or there is no judge who could be asked.
    """
    given = {key: value for key, value in given.items() if value is not None}
    source = other or stored
    before = load_config(source, {})
    names_judge = other is not None or "roles.judge.model" in given
    if not (names_judge or before.filters.judge):
        raise ConfigError(
            f"{stored}: the run was made without a judge; name one with --model or --config, or "
            "judge by the rules alone with --rules-only"
        )
    config = load_config(source, dict(_overrides(before, given)))
    if other is None:
        budget = BudgetSection(
            tokens=given.get("budget.tokens"),
            money=given.get("budget.money"),
            prices=config.budget.prices,
        )
        config = config.model_copy(update={"budget": budget})
    try:
        return checked(only_role(config, "judge"))
    except ConfigError as error:
        origin = Origin(str(source), frozenset(given))
        raise ConfigError(*map(origin.before, error.problems)) from None


def _overrides(before: RunConfig, given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    of_provider = {
        key.removeprefix("provider."): value
        for key, value in given.items()
        if key.startswith("provider.")
    }
    yield from ((key, value) for key, value in given.items() if not key.startswith("provider."))
    if "base_url" in of_provider:
        yield f"providers.{_GIVEN_PROVIDER}", of_provider
        yield "roles.judge.provider", _GIVEN_PROVIDER
    else:
        name = (before.roles.judge.provider or before.model.provider)[0]
        yield from ((f"providers.{name}.{key}", value) for key, value in of_provider.items())
    if "base_url" in of_provider or "roles.judge.model" in given:
        yield "roles.judge.fallback", []
        yield "filters.panel", []


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A judge who can be asked, and what that costs."""

    voices: tuple[Voice, ...]
    """Its own, then those of its panel."""
    budget: Budget
    at_once: int
    """Conversations that it judges at the same time."""

    @property
    def calls(self) -> int:
        """Calls that were paid for; recorded replies are not among them."""
        return sum(paid.calls for paid in self.budget.ledger.paid.values())


@asynccontextmanager
async def open_judge(config: RunConfig, journal: Journal, drain: Drain) -> AsyncIterator[Judge]:
    """The judge of *config*, made by `judge_config`; what *journal* holds is not asked again.

    The provider is not spoken to before there is something to ask.

    Raises:
        ConfigError: A key or a price is missing.
    """
    budget, bus = open_budget(config), Bus()
    async with open_providers(config, budget.ledger, budget.prices, bus, drain) as providers:
        voices = providers.voices(journal, on_answer=bus.publish, on_retry=bus.publish)
        judges = tuple(
            replace(voice, client=CheckedWhenAsked(voice.client, journal, providers.check))
            for voice in voices.judges
        )
        yield Judge(voices=judges, budget=budget, at_once=config.run.concurrency)
