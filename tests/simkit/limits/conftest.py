"""A provider that exists only in virtual time, and the load that asks it through a limiter."""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import anyio
import pytest

from simkit.limits import AccountLimiter
from simkit.traces.calls import Allowance, LimitKind, Usage
from simkit.traces.provider_errors import ProviderError, RateLimited
from simkit.tuning.virtual_time import run_virtually

Tells = Literal["nothing", "retry-after", "everything"]


class SimulatedProvider:
    """Counts requests and tokens in buckets that refill continuously, and calls in flight.

    Args:
        seconds: Median latency; it is log-normal.
        slowed_by: So many calls in flight double the latency.
        burst_seconds: How much refill a bucket holds, but at least 1.
        window_seconds: Count in fixed windows of so long instead of buckets.
        tells: The moment to try again on refusals; everything is also which limit refused,
            and every limit on each answer.
    """

    def __init__(
        self,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        concurrency: int | None = None,
        seconds: float = 0.3,
        slowed_by: float = math.inf,
        burst_seconds: float = 1.0,
        window_seconds: float | None = None,
        tells: Tells = "nothing",
        seed: int = 1,
    ) -> None:
        self.per_second: dict[LimitKind, float] = {}
        if requests_per_minute is not None:
            self.per_second["requests"] = requests_per_minute / 60
        if tokens_per_minute is not None:
            self.per_second["tokens"] = tokens_per_minute / 60
        self.concurrency = concurrency
        self._seconds = seconds
        self._slowed_by = slowed_by
        self._burst_seconds = burst_seconds
        self._window_seconds = window_seconds
        self._tells = tells
        self._chance = random.Random(seed)
        self._levels = {kind: self._capacity(kind) for kind in self.per_second}
        self._levels_at: float | None = None
        self.in_flight = 0
        self.error: ProviderError | None = None
        """Fails every call while it is set."""
        self.admitted: list[tuple[float, int]] = []
        """When, and the tokens that the call was admitted with."""
        self.refused: list[float] = []
        """When."""

    def change(self, kind: LimitKind, per_minute: float) -> None:
        """Another limit from now on."""
        self._refill()
        self.per_second[kind] = per_minute / 60

    async def serve(
        self, input_tokens: int, output_tokens: int, counted: int | None = None
    ) -> tuple[Usage, tuple[Allowance, ...]]:
        """Answer one call; tokens are counted in full when it comes, *counted* if given.

        Raises:
            RateLimited: A limit has no room.
            ProviderError: `error` is set.
        """
        if self.error is not None:
            raise self.error
        counted = input_tokens + output_tokens if counted is None else counted
        self._enter(counted)
        try:
            slower = 1 + self.in_flight / self._slowed_by
            noise = math.exp(self._chance.gauss(0, 0.4))
            await anyio.sleep(self._seconds * slower * noise)
        finally:
            self.in_flight -= 1
        usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
        self._give_back("tokens", counted - input_tokens - output_tokens)
        return usage, self._allowances()

    def _enter(self, tokens: int) -> None:
        self._refill()
        amounts: dict[LimitKind, float] = {"requests": 1, "tokens": tokens}
        obstacle = self._obstacle(amounts)
        if obstacle is not None:
            self.refused.append(anyio.current_time())
            # Requests that are refused count too, as they do with real hosts.
            if self._levels.get("requests", 0) >= 1:
                self._give_back("requests", -1)
            raise self._refusal(*obstacle)
        for kind in self._levels:
            self._levels[kind] -= amounts[kind]
        self.in_flight += 1
        self.admitted.append((anyio.current_time(), tokens))

    def _obstacle(self, amounts: dict[LimitKind, float]) -> tuple[LimitKind, float] | None:
        if self.concurrency is not None and self.in_flight >= self.concurrency:
            return "concurrency", 0.25
        for kind, level in self._levels.items():
            missing = min(amounts[kind], self._capacity(kind)) - level
            if missing > 1e-6:
                wait = missing / self.per_second[kind]
                return kind, wait if self._window_seconds is None else self._until_reset(kind)
        return None

    def _refusal(self, limit: LimitKind, wait: float) -> RateLimited:
        told = self._tells == "everything"
        error = RateLimited(
            "too fast",
            retry_after_seconds=None if self._tells == "nothing" else wait,
            limit=limit if told else None,
        )
        error.allowances = self._allowances()
        return error

    def _allowances(self) -> tuple[Allowance, ...]:
        if self._tells != "everything":
            return ()
        self._refill()
        return tuple(
            Allowance(
                limit=kind,
                per_minute=60 * per_second,
                remaining=max(0, int(self._levels[kind])),
                reset_seconds=self._until_reset(kind),
            )
            for kind, per_second in self.per_second.items()
        )

    def _until_reset(self, kind: LimitKind) -> float:
        if self._window_seconds is not None:
            return self._window_seconds - anyio.current_time() % self._window_seconds
        return (self._capacity(kind) - self._levels[kind]) / self.per_second[kind]

    def _capacity(self, kind: LimitKind) -> float:
        held_seconds = self._window_seconds or self._burst_seconds
        return max(1.0, self.per_second[kind] * held_seconds)

    def _give_back(self, kind: LimitKind, amount: float) -> None:
        if kind in self._levels:
            self._refill()
            self._levels[kind] = min(self._capacity(kind), self._levels[kind] + amount)

    def _refill(self) -> None:
        now = anyio.current_time()
        before = now if self._levels_at is None else self._levels_at
        self._levels_at = now
        for kind, per_second in self.per_second.items():
            gained = (now - before) * per_second
            if self._window_seconds is not None:
                windows = now // self._window_seconds - before // self._window_seconds
                gained = windows * self._capacity(kind)
            self._levels[kind] = min(self._capacity(kind), self._levels[kind] + gained)


@dataclass
class Simulation:
    """What happened; times are seconds since the beginning."""

    provider: SimulatedProvider
    limiter: AccountLimiter
    began: float
    waits: list[tuple[int, float]] = field(default_factory=list)
    """Tokens of each call that was answered, and how long it waited, in order of admission."""
    states: list[tuple[int, float]] = field(default_factory=list)
    """Each half second: the most calls in flight, and the requests a minute in force."""

    def admitted(self, start: float = 10, end: float = math.inf) -> int:
        return sum(start <= at - self.began < end for at, _ in self.provider.admitted)

    def tokens(self, start: float = 10, end: float = math.inf) -> int:
        return sum(n for at, n in self.provider.admitted if start <= at - self.began < end)

    def refused_share(self, start: float = 10, end: float = math.inf) -> float:
        refused = sum(start <= at - self.began < end for at in self.provider.refused)
        return refused / max(self.admitted(start, end), 1)


Change = tuple[float, Callable[[], None]]
Sizes = Callable[[random.Random], tuple[int, int]]


async def _load(
    simulation: Simulation, workers: int, sizes: Sizes, one_way_seconds: tuple[float, float]
) -> None:
    """Ask for ever, each worker one call after another, and again when it is refused."""

    async def work(seed: int) -> None:
        # Of its own: what a worker asks does not depend on when the others do.
        chance = random.Random(seed)
        while True:
            input_tokens, output_tokens = sizes(chance)
            asked = anyio.current_time()
            while True:
                if await attempt(chance, input_tokens, output_tokens, asked):
                    break
                await anyio.sleep(chance.uniform(0.01, 0.05))

    async def attempt(
        chance: random.Random, input_tokens: int, output_tokens: int, asked: float
    ) -> bool:
        with await simulation.limiter.reserve(input_tokens, output_tokens, (0,)) as reservation:
            waited = reservation.sent_at - asked
            await anyio.sleep(chance.uniform(*one_way_seconds))
            try:
                usage, allowances = await simulation.provider.serve(input_tokens, output_tokens)
            except RateLimited as error:
                await anyio.sleep(one_way_seconds[0])
                reservation.refused(error)
                return False
            except ProviderError as error:
                reservation.failed(error.allowances)
                return False
            reservation.settle(usage, role="assistant", allowances=allowances)
            simulation.waits.append((input_tokens + output_tokens, waited))
            return True

    async with anyio.create_task_group() as tg:
        for seed in range(workers):
            tg.start_soon(work, seed)


async def _watch(simulation: Simulation) -> None:
    while True:
        await anyio.sleep(0.5)
        rate = simulation.limiter.per_minute.get("requests", math.inf)
        simulation.states.append((simulation.limiter.max_in_flight, rate))


async def _change(began: float, changes: Sequence[Change]) -> None:
    for at, change in changes:
        await anyio.sleep(began + at - anyio.current_time())
        change()


@pytest.fixture(scope="session")
def in_virtual_time() -> Callable[[Callable[[], Awaitable[Any]]], Any]:
    """Run an async function on a clock of its own, as often as a test likes."""
    return run_virtually


@pytest.fixture(scope="session")
def simulated_provider() -> type[SimulatedProvider]:
    """Build a provider; see `SimulatedProvider`."""
    return SimulatedProvider


@pytest.fixture(scope="session")
def simulate() -> Callable[..., Simulation]:
    """Put a provider under constant load through a limiter, and give what happened.

    The remaining keywords are the limits that the limiter is told.
    """

    def run(
        provider: SimulatedProvider,
        *,
        workers: int = 400,
        seconds: float = 30,
        sizes: Sizes = lambda _: (250, 50),
        one_way_seconds: tuple[float, float] = (0.001, 0.005),
        changes: Sequence[Change] = (),
        **limits: Any,
    ) -> Simulation:
        async def main() -> Simulation:
            simulation = Simulation(provider, AccountLimiter(**limits), anyio.current_time())
            with anyio.move_on_after(seconds):
                async with anyio.create_task_group() as tg:
                    tg.start_soon(_watch, simulation)
                    tg.start_soon(_change, simulation.began, changes)
                    tg.start_soon(partial(_load, simulation, workers, sizes, one_way_seconds))
            return simulation

        return run_virtually(main)

    return run
