"""The attempts of every account of a probe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simkit.accounts import Transport
from simkit.config import ProviderConfig, RunConfig
from simkit.providers import Transports
from simkit.traces.calls import Answer, ChatRequest
from simkit.tuning.probe.attempts import Attempt, AttemptLog, Watched

Key = tuple[str, str, str]
"""NAME of the ``[providers.NAME]`` table, model and variable of the key."""


@dataclass(slots=True)
class AccountLogs:
    """Wraps the transports of a run so that what they send is noted.

    Args:
        config: Of the run, whose very provider tables name the accounts.
        inner: The transports to wrap.
        on_sending: Told of each call before it is sent.
    """

    config: RunConfig
    inner: Transports
    on_sending: Callable[[], None] = lambda: None
    logs: dict[Key, AttemptLog] = field(default_factory=dict)

    def __call__(self, provider: ProviderConfig) -> Callable[..., Transport[ChatRequest, Answer]]:
        """As a run asks for its transports."""
        name = next(n for n, table in self.config.providers.items() if table is provider)
        make = self.inner(provider)

        def watched(*args: Any, **options: Any) -> Transport[ChatRequest, Answer]:
            log = AttemptLog()
            self.logs[name, options["model"], options.get("key_hint") or ""] = log
            return Watched(make(*args, **options), log, lambda: self.on_sending())

        return watched

    @property
    def attempts(self) -> list[Attempt]:
        """Of all accounts, in the order in which they ended."""
        if len(self.logs) == 1:
            return next(iter(self.logs.values())).attempts
        every = [attempt for log in self.logs.values() for attempt in log.attempts]
        return sorted(every, key=lambda attempt: attempt.ended_at)

    @property
    def answered(self) -> int:
        """Calls that were answered, over all accounts."""
        return sum(log.answered for log in self.logs.values())

    @property
    def in_flight(self) -> int:
        """Calls being made, over all accounts."""
        return sum(log.in_flight for log in self.logs.values())
