"""The live probe: a real run whose concurrency rises in stages, within a budget.

Its conversations are real and stay in an ordinary run's folder. Nothing that is paid for is lost:
at the end those in flight may finish while the budget lasts, and what is cut off then goes on
from the journal, as any run does that was stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import anyio

from simkit.bus import Bus
from simkit.config import RunConfig
from simkit.drain import Drain
from simkit.filters.sole_error import sole_error_raised
from simkit.providers import Transports, over_http
from simkit.run import RunSummary, run
from simkit.traces.provider_errors import AccountProblem
from simkit.tuning.probe.account_logs import AccountLogs, Key
from simkit.tuning.probe.allowed import Allowed
from simkit.tuning.probe.attempts import Attempt
from simkit.tuning.probe.lead import Lead
from simkit.tuning.probe.limits_found import find_limits
from simkit.tuning.probe.purse import Purse
from simkit.tuning.probe.refusals import FoundLimit
from simkit.tuning.probe.stages import FIRST, Stage, Stop

MOST = 1_024
"""Conversations at once; who needs more has found no limit worth probing for."""
_ITS_OWN = "this is a probe, which sets these itself; stop it with Ctrl+C"


class Runs(Protocol):
    """Plays a configuration over given transports; `simkit.run.run` is one."""

    async def __call__(
        self, config: RunConfig, out: Path, bus: Bus, drain: Drain, *, transports: Transports
    ) -> object: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What a probe found out."""

    folder: Path
    stages: tuple[Stage, ...]
    stop: Stop
    limits: Mapping[Key, tuple[FoundLimit, ...]]
    """Of each account."""
    attempts: tuple[Attempt, ...]
    """Of all accounts, in the order in which they ended."""
    concurrency: tuple[tuple[float, int], ...]
    """When, on the clock of the attempts, how many conversations were wanted at once."""
    began: float
    """On that clock; the same for the next."""
    ended: float
    spent: float
    """In the unit of what was allowed."""


@dataclass(slots=True)
class Probe:
    """One live probe.

    Args:
        config: What is to be run. Its budget is replaced by *allowed*, its concurrency is probed
            for; the limits that it tells are kept to.
        most: Conversations at once, at most.
        on_stage: Told of each stage when it is over.
        runs: Plays the conversations.
    """

    config: RunConfig
    allowed: Allowed
    transports: Transports = over_http
    most: int = MOST
    on_stage: Callable[[Stage], None] = lambda _: None
    runs: Runs = run
    probed: Probed | None = field(default=None, init=False)
    """Once it has ended, or was cancelled."""

    async def play(self, _: RunConfig, out: Path, bus: Bus, drain: Drain) -> RunSummary:
        """Probe into the folder *out*, which must be new; for `watched_run`.

        Raises what `run` does; an `AccountProblem` only before the first stage is over.
        """
        began = anyio.current_time()
        bus.takes_no_orders = _ITS_OWN
        config, purse = self._started_with, Purse(self.allowed, bus, drain)
        logs = AccountLogs(config, self.transports)
        logs.on_sending = lambda: purse.watch(answered=logs.answered, in_flight=logs.in_flight)
        most = min(self.most, config.run.conversations)
        lead = Lead(bus, drain, purse, logs, most, self.on_stage)
        try:
            with sole_error_raised():
                async with anyio.create_task_group() as group:
                    group.start_soon(lead.lead, group.cancel_scope)
                    await self.runs(config, out, bus, drain, transports=logs)
                    group.cancel_scope.cancel()
        except AccountProblem as problem:
            if not lead.stages:
                raise
            lead.stop = Stop("account", str(problem))
        except anyio.get_cancelled_exc_class():
            lead.stop = Stop("interrupted", "it was interrupted")
            self.probed = _probed(out, lead, began)
            raise
        self.probed = _probed(out, lead, began)
        return _summary(self.probed, bus)

    @property
    def _started_with(self) -> RunConfig:
        section = self.config.run.model_copy(update={"concurrency": FIRST})
        budget = self.allowed.section(self.config.budget)
        return self.config.model_copy(update={"run": section, "budget": budget})


def _probed(folder: Path, lead: Lead, began: float) -> Probed:
    """What *lead*, which is through, has found out since *began*."""
    lead.close()
    until = math.inf if lead.death is None else lead.death.since
    limits = {
        key: find_limits([a for a in log.attempts if a.ended_at <= until], log.announced)
        for key, log in lead.logs.logs.items()
    }
    return Probed(
        folder=folder,
        stages=tuple(lead.stages),
        stop=lead.ending,
        limits=limits,
        attempts=tuple(lead.logs.attempts),
        concurrency=tuple(lead.wanted),
        began=began,
        ended=anyio.current_time(),
        spent=lead.purse.spent,
    )


def _summary(probed: Probed, bus: Bus) -> RunSummary:
    return RunSummary(
        directory=probed.folder,
        seconds=probed.ended - probed.began,
        peak_in_flight=max((stage.concurrency for stage in probed.stages), default=0),
        not_started=0,
        spending=bus.gauges.spending() if bus.gauges else (),
        unpriced=(),
        before=0,
    )
