"""What happens to a scenario: it is played and stored, then judged and its verdict stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import structlog

from simkit.agents.conversation import Conversations
from simkit.bus import Bus
from simkit.ruling_watch import RulingWatch
from simkit.scheduler import InFlight
from simkit.traces.events import ConversationPlayed, ConversationStarted, TrajectoryJudged
from simkit.traces.filter_stages import passage
from simkit.traces.records import Outcome, Scenario, Trajectory, Verdict
from simkit.traces.rows import as_stored
from simkit.traces.store import Store

_log = structlog.get_logger()


class Played:
    """Plays one scenario, stores it, and hands it to the filters.

    Args:
        stored: Finds the trajectory of a scenario that was played before and not judged.
        put: Takes a trajectory; waits while the filters are behind.
        begin: Is told the number of the scenario first of all.
    """

    def __init__(
        self,
        conversations: Conversations,
        store: Store,
        stored: Callable[[int], Trajectory | None],
        put: Callable[[Trajectory], Awaitable[None]],
        in_flight: InFlight,
        begin: Callable[[int], None],
        bus: Bus,
    ) -> None:
        self._conversations = conversations
        self._store = store
        self._stored = stored
        self._put = put
        self._in_flight = in_flight
        self._begin = begin
        self._bus = bus

    async def __call__(self, scenario: Scenario) -> None:
        self._begin(scenario.number)
        with self._in_flight:
            self._bus.publish(ConversationStarted(scenario=scenario.number))
            trajectory = self._stored(scenario.number) or await self._play(scenario)
        self._bus.publish(
            ConversationPlayed(
                scenario=scenario.number,
                ended=trajectory.ended,
                cause=trajectory.cause,
                messages=len(trajectory.messages),
            )
        )
        await self._put(trajectory)

    async def _play(self, scenario: Scenario) -> Trajectory:
        started = anyio.current_time()
        trajectory = await self._conversations.play(scenario)
        seconds = anyio.current_time() - started
        await self._store.save_trajectory(trajectory, seconds=seconds)
        if trajectory.ended == "failed":
            _log.info(
                "conversation failed",
                scenario=scenario.number,
                cause=trajectory.cause,
                error=trajectory.error,
            )
        return trajectory


class Judged:
    """Stores a final verdict, then announces it.

    Args:
        learn: Is told what became of each scenario, once that is stored.
        compared: Whether final verdicts come of a comparison with other trajectories, too.
    """

    def __init__(
        self,
        store: Store,
        learn: Callable[[int, Outcome], None],
        bus: Bus,
        *,
        compared: bool,
    ) -> None:
        self._store = store
        self._learn = learn
        self._bus = bus
        self._compared = compared
        self._watch = RulingWatch()
        self.stored = 0
        """Verdicts so far."""

    async def __call__(self, scenario: int, verdict: Verdict) -> None:
        await self._store.save_verdict(scenario, verdict)
        self.stored += 1
        self._learn(scenario, verdict.outcome)
        stored = as_stored(verdict)
        self._watch.see(stored)
        came = passage(stored, compared=self._compared)
        self._bus.publish(
            TrajectoryJudged(
                scenario=scenario,
                outcome=verdict.outcome,
                checks=tuple(dict.fromkeys(reason.check for reason in verdict.reasons)),
                masked_turns=len(verdict.masked),
                trained_turns=len(verdict.turns) - len(verdict.masked),
                passed=came.passed,
                stopped=came.stopped,
            )
        )
