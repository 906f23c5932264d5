"""A run that is being played, as something that can be asked and changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass

import structlog

from simkit.config import ConfigError, ProviderConfig, RunConfig
from simkit.control.changes import changed
from simkit.control.messages import AccountState, Reply, Request, RunState, Value
from simkit.filters.crew import Crew
from simkit.filters.queue import FilterQueue
from simkit.final_verdicts import FinalVerdicts
from simkit.limit_options import PER_MINUTE
from simkit.limits import AccountLimiter
from simkit.providers import Providers
from simkit.traces.records import Trajectory, Verdict

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Of a run, what may change and what tells how it goes."""

    providers: Providers
    crew: Crew
    """Plays the conversations."""
    filters: FilterQueue[Trajectory, Verdict]
    final: FinalVerdicts
    keep: Callable[[RunConfig], None]
    """Puts a configuration into the run's folder."""
    done: Callable[[], int]
    """Conversations that have their verdict."""
    in_flight: Callable[[], int]
    """Conversations that are being played."""
    limiting: Callable[[], str]
    """What sets the pace."""


class LiveRun:
    """Pauses a run, changes it and tells how it goes.

    Args:
        config: What the run was started with.
    """

    def __init__(self, config: RunConfig, parts: Parts) -> None:
        self._config = config
        self._parts = parts
        # Those who start to work because of an order belong to the run, and log where it does.
        self._context = copy_context()

    def obey(self, request: Request) -> Reply:
        """Do what *request* says, all of it or nothing, and tell how the run is then."""
        return self._context.run(self._obey, request)

    def _obey(self, request: Request) -> Reply:
        warnings: tuple[str, ...] = ()
        try:
            if request.order == "pause":
                self._pause()
            elif request.order == "resume":
                self._resume()
            elif request.order == "set":
                warnings = self._set(request.changes)
        except ConfigError as error:
            return Reply(problems=error.problems)
        except OSError as error:
            return Reply(problems=(f"cannot keep this in run.toml, so nothing changed: {error}",))
        return Reply(warnings=warnings, state=self._state())

    def _pause(self) -> None:
        _log.info("paused")
        self._parts.providers.hold()

    def _resume(self) -> None:
        _log.info("resumed", paused_seconds=round(self._parts.providers.pause.seconds or 0.0))
        self._parts.providers.release()

    def _set(self, changes: dict[str, Value]) -> tuple[str, ...]:
        parts = self._parts
        config = changed(self._config, changes, parts.providers.names)
        parts.keep(config)
        _log.info("settings changed", **changes)
        self._config = config
        concurrency = min(config.run.concurrency, config.run.conversations)
        parts.final.expect(concurrency)
        parts.crew.size = concurrency
        parts.filters.workers = config.filter_workers
        for name, account in parts.providers.named_accounts():
            before = parts.providers.config.providers[name]
            _tell(account.limiter, before, config.providers[name])
        parts.providers.config = config
        return tuple(_warnings(config, parts.providers))

    def _state(self) -> RunState:
        parts = self._parts
        return RunState(
            conversations=self._config.run.conversations,
            done=parts.done(),
            in_flight=parts.in_flight(),
            concurrency=self._config.run.concurrency,
            filter_workers=parts.filters.workers,
            paused_seconds=parts.providers.pause.seconds,
            limiting=parts.limiting(),
            accounts=tuple(
                AccountState(
                    provider=name,
                    name=account.name,
                    per_minute=dict(account.limiter.per_minute.items()),
                    max_in_flight=account.limiter.max_in_flight,
                    in_flight=account.limiter.open_reservations,
                    waiting=account.limiter.waiting,
                )
                for name, account in parts.providers.named_accounts()
            ),
        )


def _tell(limiter: AccountLimiter, before: ProviderConfig, now: ProviderConfig) -> None:
    """Tell *limiter* what differs; what does not keeps what was learned about it."""
    for kind, option in PER_MINUTE.items():
        rate: float | None = getattr(now, option)
        if rate != getattr(before, option):
            limiter.tell_rate(kind, rate)
    if now.max_calls_in_flight != before.max_calls_in_flight:
        limiter.tell_max_in_flight(now.max_calls_in_flight)


def _warnings(config: RunConfig, providers: Providers) -> Iterator[str]:
    """What stands in the way of *config* in this process."""
    concurrency = config.run.concurrency
    least = min(account.limiter.connections for _, account in providers.named_accounts())
    if concurrency > least:
        yield (
            f"this process may have {least:,.0f} connections to a provider, which it planned when "
            f"it began, so no more calls than that are in flight; for {concurrency:,} "
            "conversations stop it and go on with `simkit generate`"
        )
    walk = config.walk
    if walk.follow_yield and concurrency > walk.yield_lag:
        yield (
            f"walk.yield_lag lets about {walk.yield_lag:,} conversations be in flight, and cannot "
            "change, as it decides the data"
        )
