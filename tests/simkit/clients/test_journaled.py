"""The journal's side of a call, and the whole stack of clients."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import pytest

from simkit.clients.journaled import Journaled
from simkit.clients.limited import Limited
from simkit.clients.retrying import Retrying, RetryPolicy
from simkit.clients.scripted import Line, Scripted
from simkit.limits import AccountLimiter
from simkit.traces.calls import Answer, ChatRequest, Completion, Usage
from simkit.traces.events import CallAnswered
from simkit.traces.provider_errors import (
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
    UnusableReply,
)

ARequest = Callable[..., ChatRequest]


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


class MemoryJournal:
    """A journal that takes its time, as a disk does."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.answers: dict[bytes, Answer] = {}

    def recorded_call(self, fingerprint: bytes) -> Answer | None:
        return self.answers.get(fingerprint)

    async def record_call(
        self, fingerprint: bytes, request: ChatRequest, model: str, answer: Answer
    ) -> None:
        assert fingerprint == request.fingerprint(model)
        assert fingerprint not in self.answers
        await anyio.sleep(self.seconds)
        self.answers[fingerprint] = answer


async def test_a_reply_is_recorded_before_it_is_returned_and_then_told(
    a_request: ARequest,
) -> None:
    told: list[CallAnswered] = []
    journal = MemoryJournal(seconds=3)

    def note(event: CallAnswered) -> None:
        assert len(journal.answers) == 1
        told.append(event)

    inner = Scripted([Completion(content="a", usage=Usage(input_tokens=5))], seconds=1)
    answer = await Journaled(inner, journal, note).complete(a_request(8))
    assert list(journal.answers.values()) == [answer]
    assert told == [
        CallAnswered(
            scenario=8,
            role="assistant",
            model="scripted",
            usage=Usage(input_tokens=5),
            times=answer.times,
        )
    ]


async def test_a_recorded_reply_is_served_without_asking_or_telling(a_request: ARequest) -> None:
    told: list[CallAnswered] = []
    inner = Scripted(["a"], seconds=1)
    client = Journaled(inner, MemoryJournal(), told.append)
    first = await client.complete(a_request())
    began = anyio.current_time()
    assert await client.complete(a_request()) == first
    assert anyio.current_time() == began
    assert len(inner.requests) == len(told) == 1


async def test_another_model_is_another_question(a_request: ARequest) -> None:
    journal = MemoryJournal()
    for model in ("small", "large"):
        client = Journaled(Scripted([model], model=model), journal)
        assert (await client.complete(a_request())).completion.content == model


async def test_a_failure_is_not_recorded(a_request: ARequest) -> None:
    journal = MemoryJournal()
    client = Journaled(Scripted([RequestRefused("no"), "a"]), journal)
    with pytest.raises(RequestRefused):
        await client.complete(a_request())
    assert journal.answers == {}
    assert (await client.complete(a_request())).completion.content == "a"


async def test_a_cancellation_cannot_lose_a_reply_that_has_arrived(a_request: ARequest) -> None:
    journal = MemoryJournal(seconds=10)
    client = Journaled(Scripted(["paid for"], seconds=1), journal)
    with anyio.move_on_after(5) as scope:  # in the middle of the recording
        await client.complete(a_request())
        await anyio.sleep(0.5)
    assert scope.cancelled_caught
    assert [answer.completion.content for answer in journal.answers.values()] == ["paid for"]


async def test_a_disk_that_fails_lets_no_reply_through(a_request: ARequest) -> None:
    class FullDisk(MemoryJournal):
        async def record_call(self, *_: Any) -> None:
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        await Journaled(Scripted(["a"]), FullDisk()).complete(a_request())


class RoughProvider:
    """Fails a quarter of the calls, in the ways that are worth another try."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def __call__(self, request: ChatRequest) -> Line:
        roll = self._chance.random()
        if roll < 0.10:
            return ProviderUnavailable("down")
        if roll < 0.15:
            return UnusableReply("HTML")
        if roll < 0.25:
            return RateLimited("slow", retry_after_seconds=self._chance.choice([None, 2.0]))
        usage = Usage(input_tokens=self._chance.randrange(80), output_tokens=20)
        return Completion(content=f"reply to {request.site.scenario}", usage=usage)


@pytest.mark.parametrize("seed", range(3))
async def test_the_whole_stack_loses_nothing(a_request: ARequest, seed: int) -> None:
    """
    Through failures, limits and a run that is cancelled halfway, each request is answered,
    recorded once, asked for no more than it failed, and no share of a limit stays taken.
    """
    journal = MemoryJournal(seconds=0.1)
    inner = Scripted(RoughProvider(seed), seconds=1)
    limiter = AccountLimiter(requests_per_minute=300, tokens_per_minute=60_000, max_in_flight=20)
    retries = 0

    def count(_: object) -> None:
        nonlocal retries
        retries += 1

    policy = RetryPolicy(attempts=12)
    limited = Limited(inner, limiter)
    client = Journaled(
        Retrying(limited, policy, jitter=random.Random(seed), on_retry=count), journal
    )
    replies: dict[int, str] = {}

    async def ask(scenario: int) -> None:
        answer = await client.complete(a_request(scenario))
        replies[scenario] = answer.completion.content

    async def run() -> None:
        async with anyio.create_task_group() as tg:
            for scenario in range(200):
                tg.start_soon(ask, scenario)

    with anyio.move_on_after(20):
        await run()
    assert limiter.open_reservations == limiter.waiting == 0
    cut_short = len(inner.requests) - retries - len(journal.answers)
    assert 0 < len(journal.answers) < 200

    await run()
    assert replies == {scenario: f"reply to {scenario}" for scenario in range(200)}
    assert len(journal.answers) == 200
    assert limiter.open_reservations == limiter.waiting == 0
    assert len(inner.requests) == 200 + retries + cut_short
    assert 0 <= cut_short <= 20  # in flight when the first run was cancelled


async def test_waiting_calls_can_all_be_cancelled(a_request: ARequest) -> None:
    limiter = AccountLimiter(requests_per_minute=1)
    client = Limited(Scripted(lambda _: "a"), limiter)
    with anyio.move_on_after(30):
        async with anyio.create_task_group() as tg:
            for scenario in range(100):
                tg.start_soon(partial(client.complete, a_request(scenario)))
    assert limiter.waiting == limiter.open_reservations == 0
