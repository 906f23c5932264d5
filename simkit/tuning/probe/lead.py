"""Leads a live probe: raises the concurrency of a run that is played, and ends it in good order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from simkit.bus import Bus
from simkit.config import ConfigError
from simkit.control.messages import Request
from simkit.drain import DRAIN_SECONDS, Drain
from simkit.tuning.probe.account_logs import AccountLogs
from simkit.tuning.probe.patience import StageClock, is_vain, is_worth_holding
from simkit.tuning.probe.purse import Purse
from simkit.tuning.probe.silence import Silence, silence
from simkit.tuning.probe.stages import Go, Stage, Stop, next_step, no_answers, stage_of

_LOOK_SECONDS = 0.25
_FINISHING_SECONDS = 120.0
"""For conversations to end; those that take longer go on from the journal."""
_FINISHING_SHARE = 0.9
"""Of the budget, until which a stage, and conversations at the end, may go on."""
_REMEASURED_SECONDS = 20.0
"""The end of the time at the last concurrency, by when its pace has settled."""
_KIND_ENDINGS = ("flat", "highest", "budget")
"""After these the provider still answers well, so that conversations may be finished."""


@dataclass(slots=True)
class Lead:
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
    death: Silence | None = None
    """Once the provider has stopped answering."""

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
            if self.death is not None:
                self.stop = Stop("died", self.death.why)
        if self._is_interrupted:
            await anyio.sleep_forever()
        self.drain.request()
        with anyio.move_on_after(DRAIN_SECONDS):
            await self.drain.idle()
        run_scope.cancel()

    async def _next(self) -> Go | Stop:
        if self.purse.full_at is not None:
            return Stop("budget", "the budget is used up")
        if self._is_interrupted:
            await anyio.sleep_forever()
        if self.death is not None:
            return Stop("died", self.death.why)
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
        # Of a stage that is cut off nobody will know whether an answer would still have come.
        late = self._silence
        if late is not None and (late.is_suspicious or late.is_lasting):
            self.death = self.death or late
        self.stages.append(self._measured(clock.concurrency, began, is_whole=is_whole))

    @property
    def ending(self) -> Stop:
        """Why all of it, which is through, has ended."""
        if self.stop is not None:
            return self.stop
        if self.death is not None:
            return Stop("died", self.death.why)
        if self.stages and (unanswered := no_answers(self.stages[-1])):
            return unanswered
        return Stop("finished", "every conversation that is wanted was played")

    def _needs_time(self, clock: StageClock) -> bool:
        attempts, now = self.logs.attempts, anyio.current_time()
        if is_vain(attempts, now, clock.began):
            return False
        late = self._silence
        return not clock.is_over(attempts, now) or (late is not None and late.is_suspicious)

    async def _wait_while(self, holds: Callable[[], bool]) -> None:
        """Wait until *holds* is false, the provider has stopped answering, or the run must end."""
        while holds() and not self._must_end:
            late = self._silence
            if late is not None and late.is_lasting:
                self.death = late
                return
            await anyio.sleep(_LOOK_SECONDS)

    @property
    def _silence(self) -> Silence | None:
        return silence(self.logs.attempts, anyio.current_time(), in_flight=self.logs.in_flight)

    def _measured(self, concurrency: int, began: float, *, is_whole: bool = True) -> Stage:
        gauges, now = self.bus.gauges, anyio.current_time()
        return stage_of(
            self.logs.attempts,
            concurrency=concurrency,
            began=began,
            ended=now if self.purse.full_at is None else max(began, self.purse.full_at),
            limiting={} if gauges is None else gauges.limiting(),
            is_whole=is_whole and self.death is None,
            has_died=self.death is not None,
        )

    async def _hold(self) -> None:
        """Stay at the last concurrency until refusals tell which limit is behind them.

        By then the pace has settled below that limit too, so the last stage is measured anew.
        """
        began = anyio.current_time()
        await self._wait_while(lambda: self._is_worth_holding(anyio.current_time() - began))
        now = anyio.current_time()
        if self.death is None and now - began >= _REMEASURED_SECONDS:
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
    def _is_interrupted(self) -> bool:
        """Whether a person has ended the run, who will have all of this cancelled."""
        return self.drain.is_requested and self.purse.full_at is None

    @property
    def _must_end(self) -> bool:
        if self.death is not None:
            return True
        return self.drain.is_requested or self.purse.used >= _FINISHING_SHARE

    def _set_concurrency(self, concurrency: int) -> None:
        if self.bus.controls is None:  # the run has come to its end
            return
        self.wanted.append((anyio.current_time(), concurrency))
        reply = self.bus.controls.obey(Request(order="set", changes={"concurrency": concurrency}))
        if reply.problems:
            raise ConfigError(*reply.problems)
