"""A run whose conversations are only as large, and as slow, as real ones: for probes in tests."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import anyio

from simkit.bus import Bus, Gauges
from simkit.clients.limited import Limited
from simkit.clients.retry_budget import RetryBudget
from simkit.clients.retrying import Retrying, RetryPolicy
from simkit.config import ProviderConfig, RunConfig
from simkit.control.messages import Reply, Request
from simkit.drain import Drain, Drainable
from simkit.filters.crew import Crew
from simkit.limits import AccountLimiter
from simkit.providers import Transports
from simkit.scheduler import InFlight, work_through
from simkit.spending import Spending
from simkit.traces.calls import Answer, CallSite, CallTimes, ChatRequest, Completion, Usage
from simkit.traces.provider_errors import ProviderError
from simkit.traces.records import Message
from simkit.tuning.simulated_provider import SimulatedProvider
from simkit.tuning.terms import ProviderTerms

_TEXT = "x" * 10_000


class LightTransport:
    """Asks a simulated provider with *terms*: calls as large as those of conversations.

    They take about as many *seconds*, and *on_the_way* there another while.
    """

    model = "light"

    def __init__(
        self, terms: ProviderTerms, seconds: float, on_the_way: float, **_: object
    ) -> None:
        self._terms = terms
        self._on_the_way = on_the_way
        self._seconds = seconds
        self._draw = random.Random(3)
        self._provider = SimulatedProvider(
            terms, failure_share=terms.failure_share or 0.0, draw=random.Random(4)
        )

    async def check(self) -> None:
        """It is there."""

    async def complete(self, request: ChatRequest) -> Answer:
        """Answer nothing, in time."""
        took = self._seconds * self._draw.lognormvariate(0, 0.3)
        usage = Usage(
            input_tokens=request.input_characters // 4,
            output_tokens=round(150 * self._draw.lognormvariate(0, 0.5)),
        )

        def seconds(in_flight: int, _: bool) -> float:
            at = self._terms.doubled_at
            return took if at is None else took * (1 + in_flight / at)

        await self._travel()
        try:
            allowances = await self._provider.serve(
                usage.input_tokens, usage.output_tokens, seconds
            )
        finally:
            await self._travel()
        times = CallTimes(started_at=0.0, provider_seconds=took)
        return Answer(completion=Completion(usage=usage), times=times, allowances=allowances)

    async def _travel(self) -> None:
        if self._on_the_way:
            await anyio.sleep(self._draw.expovariate(1 / self._on_the_way))


def over_light(
    terms: ProviderTerms, seconds: float = 1.0, on_the_way: float = 0.0
) -> Callable[[ProviderConfig], Callable[..., LightTransport]]:
    """Transports of a run, to one account with *terms*.

    Args:
        seconds: How long a call takes there, about.
        on_the_way: How long it is on its way, and its answer too, on average.
    """
    return lambda _: partial(LightTransport, terms, seconds, on_the_way)


class LightRun:
    """Plays conversations of 6 to 14 calls in a row until its scope is cancelled."""

    def __init__(self) -> None:
        self.spent = 0
        self.failed = 0
        """Calls that were given up."""

    async def __call__(
        self, config: RunConfig, out: Path, bus: Bus, drain: Drain, *, transports: Transports
    ) -> None:
        provider = config.providers["default"]
        transport = transports(provider)(model="light")
        limited = Limited(Drainable(transport, drain), AccountLimiter(connections=4_096))
        policy = RetryPolicy(attempts=8, min_pause_seconds=1.0)
        budget = RetryBudget(reserve=50, capacity=500)
        client = Retrying(limited, policy, jitter=random.Random(1), budget=budget)
        crew, in_flight = Crew(config.run.concurrency), InFlight()
        bus.gauges = _gauges(
            in_flight,
            lambda: Spending(
                unit="tokens", spent=self.spent, limit=config.budget.tokens, forecast=None
            ),
        )

        async def converse(scenario: int) -> None:
            draw = random.Random(scenario)
            with in_flight:
                for turn in range(draw.randint(6, 14)):
                    try:
                        answer = await client.complete(_request(scenario, turn, draw))
                    except ProviderError:
                        self.failed += 1
                        return
                    self.spent += answer.usage.input_tokens + answer.usage.output_tokens

        async def may_start() -> bool:
            return True

        async with bus.controlled(_Controls(crew)):
            await work_through(count(), converse, concurrency=crew, may_start=may_start)


class _Controls:
    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def obey(self, request: Request) -> Reply:
        concurrency = request.changes["concurrency"]
        assert isinstance(concurrency, int)
        self._crew.size = concurrency
        return Reply()


def _request(scenario: int, turn: int, draw: random.Random) -> ChatRequest:
    size = draw.randint(200, 1_000) if draw.random() < 0.3 else 2_000 + 500 * turn
    return ChatRequest(
        site=CallSite(scenario=scenario, role="assistant", turn=turn),
        messages=(Message(role="user", content=_TEXT[:size]),),
    )


def _gauges(in_flight: InFlight, spending: Callable[[], Spending]) -> Gauges:
    nothing: dict[str, Any] = {
        "filters_waiting": lambda: 0,
        "limiting": dict,
        "not_started": lambda: 0,
        "loop_behind_seconds": lambda: 0.0,
    }
    return Gauges(in_flight=lambda: in_flight.now, spending=lambda: (spending(),), **nothing)
