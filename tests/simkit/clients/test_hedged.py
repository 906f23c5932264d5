"""Second asks of calls that hang, on an exact virtual clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import anyio
import pytest

from simkit.clients.hedged import Hedged, HedgePolicy, RunningPercentile
from simkit.clients.scripted import Line, Scripted
from simkit.traces.calls import Answer, CallSite, ChatRequest
from simkit.traces.provider_errors import ProviderUnavailable, RateLimited, RequestRefused

ARequest = Callable[..., ChatRequest]

FOR_EVER = 10.0**9


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


class Asks:
    """A model whose calls take the times of a list, and then 2 s each."""

    model = "m"

    def __init__(self, *plan: tuple[Line, float]) -> None:
        self.plan = list(plan)
        self.begun = 0
        self.cancelled = 0

    async def complete(self, request: ChatRequest) -> Answer:
        self.begun += 1
        line, seconds = self.plan.pop(0) if self.plan else ("usual", 2.0)
        try:
            return await Scripted([line], seconds=seconds).complete(request)
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise


async def hedged(
    a_request: ARequest,
    first: Sequence[tuple[Line, float]],
    again: Sequence[tuple[Line, float]] = (),
    policy: HedgePolicy | None = None,
) -> tuple[Hedged[ChatRequest, Answer], Asks, Asks]:
    """A hedging client that has learned that calls take 2 s, so 6 s are slow."""
    one, other = Asks(), Asks(*again)
    client = Hedged(one, other, policy or HedgePolicy())
    for _ in range(RunningPercentile.FIRST):
        await client.complete(a_request())
    one.plan = list(first)
    one.begun = 0
    return client, one, other


async def test_a_call_that_hangs_is_asked_again_and_the_hanging_one_ends(
    a_request: ARequest,
) -> None:
    client, first, again = await hedged(a_request, [("never", FOR_EVER)])
    began = anyio.current_time()
    answer = await client.complete(a_request())
    assert answer.completion.content == "usual"
    assert anyio.current_time() - began == pytest.approx(6 + 2)
    assert answer.times.total_seconds == 2
    assert (first.begun, first.cancelled) == (1, 1)
    assert (again.begun, again.cancelled) == (1, 0)


async def test_a_call_of_usual_length_is_asked_once(a_request: ARequest) -> None:
    client, first, again = await hedged(a_request, [("slow, but not too slow", 5.9)])
    began = anyio.current_time()
    await client.complete(a_request())
    assert anyio.current_time() - began == pytest.approx(5.9)
    assert (first.begun, again.begun) == (1, 0)


async def test_the_first_answer_wins_whichever_it_is(a_request: ARequest) -> None:
    client, first, again = await hedged(a_request, [("late", 7)], [("later", 9)])
    assert (await client.complete(a_request())).completion.content == "late"
    assert (first.cancelled, again.cancelled) == (0, 1)


async def test_when_one_ask_fails_the_other_decides(a_request: ARequest) -> None:
    down = ProviderUnavailable("down")
    client, first, _ = await hedged(a_request, [("late", 10)], [(down, 1)])
    assert (await client.complete(a_request())).completion.content == "late"
    assert first.cancelled == 0

    client, _, _ = await hedged(a_request, [(down, 7)], [("again", 3)])
    assert (await client.complete(a_request())).completion.content == "again"


async def test_when_both_fail_the_first_error_is_raised(a_request: ARequest) -> None:
    first, again = ProviderUnavailable("one"), RateLimited("other")
    for seconds in (1.0, 3.0):  # the second fails before the first, and after it
        client, *_ = await hedged(a_request, [(first, 8)], [(again, seconds)])
        with pytest.raises(ProviderUnavailable, match=r"^one$"):
            await client.complete(a_request())


async def test_a_call_that_fails_early_is_not_asked_again(a_request: ARequest) -> None:
    client, _, again = await hedged(a_request, [(RequestRefused("no"), 1)])
    began = anyio.current_time()
    with pytest.raises(RequestRefused, match=r"^no$"):
        await client.complete(a_request())
    assert anyio.current_time() - began == 1
    assert again.begun == 0


async def test_a_second_ask_that_cannot_start_does_not_hold_up_a_failure(
    a_request: ARequest,
) -> None:
    """It may be queued behind the very reservation that this call holds."""
    down = ProviderUnavailable("down")
    client, _, again = await hedged(a_request, [(down, 10)], [("queued", FOR_EVER)])
    began = anyio.current_time()
    with pytest.raises(ProviderUnavailable, match=r"^down$"):
        await client.complete(a_request())
    assert anyio.current_time() - began == pytest.approx(10 + 6)
    assert again.cancelled == 1


async def test_a_cancelled_call_ends_both_asks(a_request: ARequest) -> None:
    client, first, again = await hedged(a_request, [("a", FOR_EVER)], [("b", FOR_EVER)])
    with anyio.move_on_after(10) as scope:
        await client.complete(a_request())
    assert scope.cancelled_caught
    assert (first.cancelled, again.cancelled) == (1, 1)


async def test_nothing_is_asked_again_before_the_usual_time_of_the_role_is_known(
    a_request: ARequest,
) -> None:
    client, *_, again = await hedged(a_request, [("page", 60)] * 20 + [("page", 100)])
    judge = CallSite(scenario=0, role="judge", turn=1)
    for _ in range(21):
        await client.complete(a_request(site=judge))
    assert again.begun == 0


async def test_no_call_is_slow_before_the_shortest_time(a_request: ARequest) -> None:
    first, again = Asks(*[("quick", 0.01)] * 20, ("slower", 0.9)), Asks()
    client = Hedged(first, again, HedgePolicy(min_seconds=1))
    for _ in range(21):
        await client.complete(a_request())
    assert again.begun == 0


async def test_no_more_than_the_share_is_asked_again(a_request: ARequest) -> None:
    """A provider that becomes slow for all must not get twice the calls."""
    calls = 500
    hang: list[tuple[Line, float]] = [("never", FOR_EVER)] * calls
    policy = HedgePolicy(share=0.1, burst=5)
    client, first, again = await hedged(a_request, hang, hang, policy)
    for _ in range(calls):
        with anyio.move_on_after(60):
            await client.complete(a_request())
    assert first.begun == calls
    assert again.begun == pytest.approx(5 + 0.1 * calls, abs=1)


async def test_second_asks_that_come_at_once_are_few(a_request: ARequest) -> None:
    client, _, again = await hedged(a_request, [("slow", 100)] * 500)
    async with anyio.create_task_group() as tg:
        for _ in range(500):
            tg.start_soon(client.complete, a_request())
    assert again.begun == 5


async def test_the_last_calls_come_soon_after_the_99th_of_a_hundred(a_request: ARequest) -> None:
    """With one call in 500 hanging for ever, the run ends when nearly all of it has."""
    chance = random.Random(3)
    plan: list[tuple[Line, float]] = [
        ("hello", FOR_EVER if chance.random() < 0.002 else chance.lognormvariate(0.5, 0.4))
        for _ in range(5000)
    ]
    hanging = sum(seconds == FOR_EVER for _, seconds in plan)
    client, first, again = await hedged(a_request, plan)
    took: list[float] = []

    async def work() -> None:
        while first.plan:
            began = anyio.current_time()
            await client.complete(a_request())
            took.append(anyio.current_time() - began)

    async with anyio.create_task_group() as tg:
        for _ in range(50):
            tg.start_soon(work)
    took.sort()
    assert hanging > 5
    assert len(took) == 5000
    assert hanging <= again.begun <= 0.01 * 5000 + 5
    assert took[-1] < 5 * took[len(took) * 99 // 100]


def test_the_percentile_finds_its_place_and_follows() -> None:
    chance = random.Random(2)
    percentile = RunningPercentile()
    for scale in (1.0, 10.0, 0.1):
        for _ in range(3000):
            percentile.learn(scale * chance.expovariate(1.0))
        assert percentile.value == pytest.approx(3.0 * scale, rel=0.35)  # ln 20 = 3.0


def test_the_percentile_does_not_speak_too_early() -> None:
    percentile = RunningPercentile()
    for seconds in range(19):
        percentile.learn(seconds)
        assert percentile.value is None
    percentile.learn(7)
    assert percentile.value == 18
