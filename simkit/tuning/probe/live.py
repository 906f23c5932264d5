"""The live probe: a real run whose concurrency rises in stages, within a budget.

Its conversations are real and stay in an ordinary run's folder. Nothing that is paid for is lost:
at the end those in flight may finish while the budget lasts, and what is cut off then goes on
from the journal, as any run does that was stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import anyio

from simkit.bus import Bus
from simkit.config import ConfigError, RunConfig
from simkit.control.messages import Request
from simkit.drain import DRAIN_SECONDS, Drain
from simkit.filters.sole_error import sole_error_raised
from simkit.providers import Transports, over_http
from simkit.run import RunSummary, run
from simkit.traces.provider_errors import AccountProblem
from simkit.tuning.probe.account_logs import AccountLogs, Key
from simkit.tuning.probe.allowed import Allowed
from simkit.tuning.probe.attempts import Attempt
from simkit.tuning.probe.limits_found import find_limits
from simkit.tuning.probe.patience import StageClock, is_vain, is_worth_holding
from simkit.tuning.probe.purse import Purse
from simkit.tuning.probe.refusals import FoundLimit
from simkit.tuning.probe.stages import FIRST, Go, Stage, Stop, next_step, stage_of

MOST = 1_024
"""Conversations at once; who needs more has found no limit worth probing for."""

_LOOK_SECONDS = 0.25
_FINISHING_SECONDS = 120.0
_FINISHING_SHARE = 0.9
"""Of the budget, until which a stage, and conversations at the end, may go on."""
_REMEASURED_SECONDS = 20.0
_KIND_ENDINGS = ("flat", "highest", "budget")
"""After these the provider still answers well, so that conversations may be finished."""


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
    """Once it has ended."""

    async def play(self, _: RunConfig, out: Path, bus: Bus, drain: Drain) -> RunSummary:
        """Probe into the folder *out*, which must be new; for `watched_run`.

        Raises what `run` does; an `AccountProblem` only before the first stage is over.
        """
        began = anyio.current_time()
        config, purse = self._started_with, Purse(self.allowed, bus, drain)
        logs = AccountLogs(config, self.transports)
        logs.on_sending = lambda: purse.watch(answered=logs.answered, in_flight=logs.in_flight)
        lead = _Lead(
            bus, drain, purse, logs, min(self.most, config.run.conversations), self.on_stage
        )
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
        lead.close()
        ended = anyio.current_time()
        self.probed = Probed(
            folder=out,
            stages=tuple(lead.stages),
            stop=lead.stop or Stop("finished", "every conversation that is wanted was played"),
            limits={
                key: find_limits(log.attempts, log.announced) for key, log in logs.logs.items()
            },
            attempts=tuple(logs.attempts),
            concurrency=tuple(lead.wanted),
            began=began,
            ended=ended,
            spent=purse.spent,
        )
        return RunSummary(
            directory=out,
            seconds=ended - began,
            peak_in_flight=max((stage.concurrency for stage in lead.stages), default=0),
            not_started=0,
            spending=bus.gauges.spending() if bus.gauges else (),
            unpriced=(),
            before=0,
        )

    @property
    def _started_with(self) -> RunConfig:
        section = self.config.run.model_copy(update={"concurrency": FIRST})
        budget = self.allowed.section(self.config.budget)
        return self.config.model_copy(update={"run": section, "budget": budget})


@dataclass(slots=True)
class _Lead:
    """Raises the concurrency of a run until something says stop, then ends the run."""

    bus: Bus
    drain: Drain
    purse: Purse
    logs: AccountLogs
    most: int
    on_stage: Callable[[Stage], None]
    stages: list[Stage] = field(default_factory=list)
    wanted: list[tuple[float, int]] = field(default_factory=list)
    """When, and how many conversations at once."""
    stop: Stop | None = None
    clock: StageClock | None = None
    """Of the stage that is under way."""

    async def lead(self, run_scope: anyio.CancelScope) -> None:
        """Do so; ends by cancelling *run_scope*."""
        await self.bus.controllable.wait()
        while isinstance(step := await self._next(), Go):
            self._set_concurrency(step.concurrency)
            await self._stage(step.concurrency)
        self.stop = step
        if step.ending in _KIND_ENDINGS:
            await self._hold()
            await self._finish()
        self.drain.request()
        with anyio.move_on_after(DRAIN_SECONDS):
            await self.drain.idle()
        run_scope.cancel()

    async def _next(self) -> Go | Stop:
        if self.purse.full_at is not None:
            return Stop("budget", "the budget is used up")
        if self.drain.is_requested:  # by a person, who will have all of this cancelled
            await anyio.sleep_forever()
        return next_step(self.stages, budget_used=self.purse.used, most=self.most)

    async def _stage(self, concurrency: int) -> None:
        began = anyio.current_time()
        clock = StageClock(concurrency, began, self.stages[-1].mean_seconds if self.stages else 0.0)
        self.clock = clock
        await self._wait_while(lambda: self._needs_time(clock))
        self.close()
        self.on_stage(self.stages[-1])

    def close(self) -> None:
        """End the stage that is under way, if there is one, with what it has come to."""
        if self.clock is None:
            return
        now, clock, self.clock = anyio.current_time(), self.clock, None
        is_whole = clock.is_over(self.logs.attempts, now)
        began = clock.counts_from(now)
        self.stages.append(self._measured(clock.concurrency, began, is_whole=is_whole))

    def _needs_time(self, clock: StageClock) -> bool:
        attempts, now = self.logs.attempts, anyio.current_time()
        return not clock.is_over(attempts, now) and not is_vain(attempts, now, clock.began)

    async def _wait_while(self, holds: Callable[[], bool]) -> None:
        """Wait until *holds* is false, or the run must end."""
        while holds() and not self._must_end:  # noqa: ASYNC110 - gauges tell nothing by themselves
            await anyio.sleep(_LOOK_SECONDS)

    def _measured(self, concurrency: int, began: float, *, is_whole: bool = True) -> Stage:
        gauges, now = self.bus.gauges, anyio.current_time()
        return stage_of(
            self.logs.attempts,
            concurrency=concurrency,
            began=began,
            ended=now if self.purse.full_at is None else max(began, self.purse.full_at),
            limiting={} if gauges is None else gauges.limiting(),
            is_whole=is_whole,
        )

    async def _hold(self) -> None:
        """Stay at the last concurrency until refusals tell which limit is behind them.

        By then the pace has settled below that limit too, so the last stage is measured anew.
        """
        began = anyio.current_time()
        await self._wait_while(lambda: self._is_worth_holding(anyio.current_time() - began))
        now = anyio.current_time()
        if now - began >= _REMEASURED_SECONDS:
            since = max(began, now - _REMEASURED_SECONDS)
            self.stages[-1] = self._measured(self.stages[-1].concurrency, since)
            self.on_stage(self.stages[-1])

    def _is_worth_holding(self, seconds: float) -> bool:
        return any(
            is_worth_holding(log.attempts, announced=bool(log.announced), seconds=seconds)
            for log in self.logs.logs.values()
        )

    async def _finish(self) -> None:
        """Let conversations end, and hardly any other begin, while time and budget last."""
        self._set_concurrency(1)
        with anyio.move_on_after(_FINISHING_SECONDS):
            await self._wait_while(lambda: self._conversations > 1)

    @property
    def _conversations(self) -> int:
        """Being played or judged."""
        gauges = self.bus.gauges
        return 0 if gauges is None else gauges.in_flight() + gauges.filters_waiting()

    @property
    def _must_end(self) -> bool:
        return self.drain.is_requested or self.purse.used >= _FINISHING_SHARE

    def _set_concurrency(self, concurrency: int) -> None:
        if self.bus.controls is None:  # the run has come to its end
            return
        self.wanted.append((anyio.current_time(), concurrency))
        reply = self.bus.controls.obey(Request(order="set", changes={"concurrency": concurrency}))
        if reply.problems:
            raise ConfigError(*reply.problems)
