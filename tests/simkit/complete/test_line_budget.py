"""What requests may spend: who is let through, who waits, who is refused."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from simkit.clients.metered import Metered
from simkit.clients.raw_chat import RawAnswer, RawRequest
from simkit.complete.line_budget import LineBudget, Releasing
from simkit.spending import Ledger
from simkit.traces.calls import CallTimes, Usage
from simkit.traces.provider_errors import BudgetSpent

FIRST_EXPECTED_TOKENS = 310
"""For a request of 40 bytes, before any reply has told how long replies are."""


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


class Model:
    """Answers after a second, with 10 tokens in and 10 out."""

    model = "m"

    async def complete(self, request: RawRequest) -> RawAnswer:
        await anyio.sleep(1.0)
        usage = Usage(input_tokens=10, output_tokens=10)
        return RawAnswer(times=CallTimes(started_at=0.0), reply=b"{}", counted=usage)


def request(number: int) -> RawRequest:
    return RawRequest(number=number, body=b" " * 40)


def budget(tokens: int) -> LineBudget:
    return LineBudget(Ledger(tokens=tokens), "m", None)


async def answer_all(budget: LineBudget, count: int) -> list[int]:
    """Ask *count* requests as fast as *budget* lets them; gives those that it refused."""
    client = Releasing(Metered(Model(), budget.ledger, None), budget)
    refused = []

    async def answer(asked: RawRequest) -> None:
        await client.complete(asked)
        budget.end(asked)

    async with anyio.create_task_group() as calls:
        for number in range(count):
            try:
                await budget.set_aside(request(number))
            except BudgetSpent:
                refused.append(number)
            else:
                calls.start_soon(answer, request(number))
    return refused


async def test_a_guess_that_is_too_high_makes_requests_wait_and_refuses_none() -> None:
    """
    Two fit at what is guessed at first, fifty at what they really use.
    """
    spender = budget(2 * FIRST_EXPECTED_TOKENS + 400)

    assert await answer_all(spender, 50) == []
    assert spender.ledger.tokens.spent == 50 * 20
    assert spender.ledger.tokens.reserved == 0


async def test_what_is_used_never_passes_the_limit_and_nearly_reaches_it() -> None:
    spender = budget(1_000)
    refused = await answer_all(spender, 200)

    assert refused == list(range(50, 200))
    assert spender.ledger.tokens.spent == 1_000


async def test_a_request_waits_for_those_before_it_and_says_so() -> None:
    spender = budget(FIRST_EXPECTED_TOKENS)
    await spender.set_aside(request(1))
    async with anyio.create_task_group() as waiting:
        waiting.start_soon(spender.set_aside, request(2))
        for _ in range(5):
            await checkpoint()
        waited = spender.is_waited_for
        spender.end(request(1))
    spender.end(request(2))

    assert waited
    assert not spender.is_waited_for
    assert spender.ledger.tokens.reserved == 0


async def test_a_request_that_cannot_fit_is_refused_at_once() -> None:
    with pytest.raises(BudgetSpent, match="budget of 100 tokens"):
        await budget(100).set_aside(request(1))


async def test_a_request_that_gives_up_waiting_leaves_nothing_behind() -> None:
    spender = budget(FIRST_EXPECTED_TOKENS)
    await spender.set_aside(request(1))
    with anyio.move_on_after(1.0):
        await spender.set_aside(request(2))
    spender.end(request(1))

    assert not spender.is_waited_for
    assert spender.ledger.tokens.reserved == 0
