"""The accounts of a run, with a simulated provider behind each."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simkit.accounts import Account, account_of, joined
from simkit.choices import Choice, choice_of, choices_of, is_alone, pairs
from simkit.config import RunConfig
from simkit.providers import planned_connections
from simkit.traces.calls import Client
from simkit.traces.seeds import stream
from simkit.tuning.rehearsal_stats import CallStats
from simkit.tuning.rehearsed_calls import RehearsedAnswer, RehearsedRequest, RehearsedTransport
from simkit.tuning.terms import ProviderTerms
from simkit.tuning.workload import Workload, WorkloadCall

RehearsedClient = Client[RehearsedRequest, RehearsedAnswer]


@dataclass(slots=True)
class RehearsedAccount:
    """One account, and what its provider enforces."""

    provider: str
    """NAME of its ``[providers.NAME]`` table."""
    terms: ProviderTerms
    account: Account[RehearsedRequest, RehearsedAnswer]
    stats: CallStats


@dataclass(slots=True)
class RehearsedProviders:
    """Everything that can be asked; made inside the event loop that asks.

    Args:
        stats: Counts what happens at all of them.
    """

    config: RunConfig
    workload: Workload
    terms: Mapping[str, ProviderTerms]
    seed: int
    stats: CallStats
    accounts: list[RehearsedAccount] = field(default_factory=list)
    _by_pair: dict[tuple[str, str], list[RehearsedAccount]] = field(default_factory=dict)
    _clients: dict[Choice, RehearsedClient] = field(default_factory=dict)
    _client_of: dict[tuple[str, str], RehearsedClient] = field(default_factory=dict)

    def __post_init__(self) -> None:
        asked = choices_of(self.config)
        alone = {choice[0] for choice in asked if is_alone(choice, self.config)}
        for pair in dict.fromkeys(pair for choice in asked for pair in pairs(choice)):
            self._by_pair[pair] = self._accounts_of(*pair, is_alone=(pair[0],) in alone)
        for choice in asked:
            providers, model, fallbacks = choice
            self._clients[choice] = joined(
                self._of([(name, model) for name in providers]),
                self._of(fallbacks),
                self.config.providers[providers[0]],
                jitter=stream(self.seed, "jitter", model),
            )
        for role in self.config.roles_in_use:
            settings = self.config.role(role)
            self._client_of[role, settings.model] = self._clients[choice_of(settings)]
        for judge in self.config.panel:
            self._client_of["judge", judge.model] = self._clients[choice_of(judge)]

    def client_of(self, call: WorkloadCall) -> RehearsedClient:
        """Whom *call* asks: by its role, and its model where a role asks several.

        A workload of other models than the configuration's asks those of the configuration.
        """
        client = self._client_of.get((call.role, call.model))
        if client is None:
            client = next(
                (found for (role, _), found in self._client_of.items() if role == call.role),
                None,
            )
            client = client or next(iter(self._client_of.values()))
            self._client_of[call.role, call.model] = client
        return client

    def _accounts_of(self, name: str, model: str, *, is_alone: bool) -> list[RehearsedAccount]:
        """One for each key, with limits of its own."""
        provider = self.config.providers[name]
        return [
            self._account(name, model, key, is_alone=is_alone)
            for key in range(max(1, len(provider.api_key_env)))
        ]

    def _account(self, name: str, model: str, key: int, *, is_alone: bool) -> RehearsedAccount:
        terms = self.terms.get(name, ProviderTerms())
        stats = CallStats(within=self.stats)
        draw: random.Random = stream(self.seed, "provider", name, model, key)
        transport = RehearsedTransport(model, self.workload, terms, draw=draw, stats=stats)
        account = account_of(
            self.config.providers[name],
            transport,
            name=f"{model} at {name}",
            connections=planned_connections(self.config),
            is_alone=is_alone,
        )
        rehearsed = RehearsedAccount(name, terms, account, stats)
        self.accounts.append(rehearsed)
        return rehearsed

    def _of(
        self, asked: Sequence[tuple[str, str]]
    ) -> list[Account[RehearsedRequest, RehearsedAnswer]]:
        return [one.account for pair in asked for one in self._by_pair[pair]]
