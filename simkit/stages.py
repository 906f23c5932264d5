"""What happens to a scenario: it is played and stored, then judged and stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import structlog

from simkit.agents.conversation import Conversations
from simkit.budget import Budget
from simkit.bus import Bus
from simkit.scheduler import InFlight
from simkit.traces.events import ConversationPlayed, ConversationStarted, TrajectoryJudged
from simkit.traces.records import Outcome, Scenario, Trajectory, Verdict
from simkit.traces.store import Store

_log = structlog.get_logger()


class Played:
    """Plays one scenario, stores it, and hands it to the filters.

    Args:
        stored: Finds the trajectory of a scenario that was played before and not judged.
        put: Takes a trajectory; waits while the filters are behind.
    """

    def __init__(
        self,
        conversations: Conversations,
        store: Store,
        stored: Callable[[int], Trajectory | None],
        put: Callable[[Trajectory], Awaitable[None]],
        in_flight: InFlight,
        budget: Budget,
        bus: Bus,
    ) -> None:
        self._conversations = conversations
        self._store = store
        self._stored = stored
        self._put = put
        self._in_flight = in_flight
        self._budget = budget
        self._bus = bus

    async def __call__(self, scenario: Scenario) -> None:
        self._budget.begin(scenario.number)
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
    """Stores a verdict, closes the conversation's account, then announces it.

    Args:
        learn: Is told what became of each scenario, once that is stored.
    """

    def __init__(
        self, store: Store, learn: Callable[[int, Outcome], None], budget: Budget, bus: Bus
    ) -> None:
        self._store = store
        self._learn = learn
        self._budget = budget
        self._bus = bus

    async def __call__(self, trajectory: Trajectory, verdict: Verdict) -> None:
        scenario = trajectory.scenario.number
        await self._store.save_verdict(scenario, verdict)
        self._learn(scenario, verdict.outcome)
        self._budget.end(scenario)
        self._bus.publish(
            TrajectoryJudged(
                scenario=scenario,
                outcome=verdict.outcome,
                checks=tuple(dict.fromkeys(reason.check for reason in verdict.reasons)),
                masked_turns=len(verdict.masked),
                trained_turns=len(verdict.turns) - len(verdict.masked),
            )
        )
