"""Plays the conversations of a rehearsal: what stands where agents and filters do in a run."""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from simkit.config import RunConfig
from simkit.filters.queue import FilterQueue
from simkit.filters.sole_error import sole_error_raised
from simkit.loop_lag import NOTABLE_SECONDS
from simkit.scheduler import InFlight
from simkit.traces.provider_errors import AccountProblem, ProviderError
from simkit.traces.seeds import stream
from simkit.tuning.rehearsal_stats import CallStats, Counts
from simkit.tuning.rehearsed_accounts import RehearsedProviders
from simkit.tuning.rehearsed_calls import RehearsedRequest
from simkit.tuning.terms import ProviderTerms
from simkit.tuning.workload import Round, Workload, WorkloadCall, WorkloadConversation


@dataclass(frozen=True, slots=True)
class RehearsalPlan:
    """What is to be played; see `simkit.tuning.rehearsal.rehearse`."""

    config: RunConfig
    workload: Workload
    terms: Mapping[str, ProviderTerms]
    conversations: int
    seed: int

    def drawn(self) -> Iterator[Rehearsing]:
        """The conversations to play: each of the workload equally often, but for a rest."""
        known = list(self.workload.conversations)
        draw = stream(self.seed, "conversations")
        number = 0
        while True:
            for conversation in known:
                if number == self.conversations:
                    return
                yield Rehearsing(number, conversation)
                number += 1
            draw.shuffle(known)


@dataclass(slots=True)
class Rehearsing:
    """A conversation that is being played."""

    number: int
    conversation: WorkloadConversation
    failed: bool = False


RehearsalQueue = FilterQueue[Rehearsing, None]


@dataclass(slots=True)
class Moment:
    """What had happened by then."""

    at: float
    counts: Counts
    of_accounts: list[Counts]


class Processor:
    """One core that does all work for calls, in the order in which they come."""

    def __init__(self, seconds_per_call: float) -> None:
        self._seconds = seconds_per_call
        self._free_at = 0.0

    def wait(self, calls: int, now: float) -> float:
        """Seconds until the work for so many *calls* is done."""
        self._free_at = max(self._free_at, now) + calls * self._seconds
        return self._free_at - now

    def is_behind(self, now: float) -> bool:
        """Whether work waits for it that notably holds up calls."""
        return self._free_at - now > NOTABLE_SECONDS


@dataclass(slots=True)
class RehearsalPlay:
    """Plays conversations and has them judged."""

    plan: RehearsalPlan
    providers: RehearsedProviders
    stats: CallStats
    processor: Processor
    in_flight: InFlight = field(default_factory=InFlight)
    started: int = 0
    finished: int = 0
    waits: array[float] = field(default_factory=lambda: array("f"))
    steady_from: Moment | None = None
    steady_until: Moment | None = None

    @property
    def most_in_flight(self) -> int:
        """Conversations in flight at most."""
        return min(self.plan.config.run.concurrency, self.plan.conversations)

    async def play(self, item: Rehearsing, put: Callable[[Rehearsing], Awaitable[None]]) -> None:
        """Play *item* to its end, and hand it over to be judged."""
        self.started += 1
        if self.started == self.plan.conversations:
            self.steady_until = self.moment()
        with self.in_flight:
            await self._rounds(item, item.conversation.playing)
        await put(item)

    async def judge(self, item: Rehearsing) -> None:
        """Ask what the filters ask; a conversation that failed is not judged."""
        if not item.failed and "judge" in self.plan.config.roles_in_use:
            await self._rounds(item, item.conversation.judging)

    async def accept(self, _: Rehearsing, __: None) -> None:
        """It is through."""
        self.finished += 1
        if self.finished == self.most_in_flight:
            self.steady_from = self.moment()

    def moment(self) -> Moment:
        """What has happened by now."""
        return Moment(
            anyio.current_time(),
            self.stats.counts.copy(),
            [account.stats.counts.copy() for account in self.providers.accounts],
        )

    async def _rounds(self, item: Rehearsing, rounds: Sequence[Round]) -> None:
        try:
            for one in rounds:
                work = self.processor.wait(len(one.calls), anyio.current_time())
                await anyio.sleep(max(one.pause_seconds, work))
                if len(one.calls) == 1:
                    await self._ask(item, one.calls[0])
                else:
                    await self._ask_all(item, one.calls)
        except AccountProblem:
            raise
        except ProviderError:
            item.failed = True

    async def _ask_all(self, item: Rehearsing, calls: Sequence[WorkloadCall]) -> None:
        with sole_error_raised():
            async with anyio.create_task_group() as group:
                for call in calls:
                    group.start_soon(self._ask, item, call)

    async def _ask(self, item: Rehearsing, call: WorkloadCall) -> None:
        request = RehearsedRequest(item.number, call.role, call)
        answer = await self.providers.client_of(call).complete(request)
        self.waits.append(answer.times.queued_seconds)
