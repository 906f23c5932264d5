"""Several accounts as one client, on an exact virtual clock."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import anyio
import pytest
import structlog.testing

from simkit.clients.limited import Limited
from simkit.clients.pool import Member, Pool
from simkit.clients.retrying import Retrying, RetryPolicy
from simkit.clients.scripted import Line, Scripted
from simkit.limits import AccountLimiter
from simkit.traces.calls import Answer, ChatRequest
from simkit.traces.events import CallRetried
from simkit.traces.provider_errors import (
    BalanceExhausted,
    BudgetSpent,
    KeyRefused,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    UnusableReply,
)

ARequest = Callable[..., ChatRequest]

DOWN = ProviderUnavailable("down")


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


class Account:
    """A model whose next answers are given, and after these its name; counts its calls."""

    def __init__(self, name: str, *next_lines: Line, seconds: float = 1.0) -> None:
        self.name = name
        self.next_lines = list(next_lines)
        self.down = False
        self.in_flight = 0
        self.asked: list[int] = []
        self._script = Scripted(self._line, model=name, seconds=seconds)

    @property
    def model(self) -> str:
        return self.name

    def _line(self, request: ChatRequest) -> Line:
        if self.down:
            return ProviderUnavailable("down")
        return self.next_lines.pop(0) if self.next_lines else self.name

    async def complete(self, request: ChatRequest) -> Answer:
        self.asked.append(request.scenario)
        self.in_flight += 1
        try:
            return await self._script.complete(request)
        finally:
            self.in_flight -= 1

    def member(self, weight: float = 1.0) -> Member[ChatRequest, Answer]:
        return Member(client=self, backlog=lambda: self.in_flight, weight=weight)


def pool(*accounts: Account, fallbacks: tuple[Account, ...] = ()) -> Pool[ChatRequest, Answer]:
    return Pool(
        [account.member() for account in accounts], [account.member() for account in fallbacks]
    )


async def who_answers(client: Pool[ChatRequest, Answer], request: ChatRequest) -> str:
    try:
        return (await client.complete(request)).completion.content
    except ProviderError as error:
        return error.cause


async def make_sick(client: Pool[ChatRequest, Answer], account: Account, request: Any) -> None:
    """Have *account* fail three calls of a conversation that is its own."""
    account.next_lines[:0] = [ProviderUnavailable("down") for _ in range(3)]
    for _ in range(3):
        assert await who_answers(client, request) == "provider_unavailable"


async def test_a_conversation_stays_with_its_member(a_request: ARequest) -> None:
    a, b = Account("a"), Account("b")
    client = pool(a, b)
    chance = random.Random(1)

    async def talk(scenario: int) -> None:
        for turn in range(5):
            await anyio.sleep(chance.random())
            await client.complete(a_request(scenario, turn=turn))

    async with anyio.create_task_group() as tg:
        for scenario in range(40):
            tg.start_soon(talk, scenario)
    assert set(a.asked).isdisjoint(b.asked)
    assert set(Counter(a.asked + b.asked).values()) == {5}


@pytest.mark.parametrize("at_once", [1, 64])
async def test_calls_divide_by_weight(a_request: ARequest, at_once: int) -> None:
    a, b, c = Account("a"), Account("b"), Account("c")
    client = Pool([a.member(1), b.member(3), c.member(4)])
    scenarios = iter(range(1600))

    async def work() -> None:
        for scenario in scenarios:
            for turn in range(3):
                await client.complete(a_request(scenario, turn=turn))

    async with anyio.create_task_group() as tg:
        for _ in range(at_once):
            tg.start_soon(work)
    assert [len(x.asked) / 600 for x in (a, b, c)] == pytest.approx([1, 3, 4], rel=0.1)


async def test_a_member_with_a_slow_limiter_does_not_hold_the_others_back(
    a_request: ARequest,
) -> None:
    slow, fast = Account("slow"), Account("fast")
    members = []
    for account, per_minute in ((slow, 30), (fast, 1800)):
        limiter = AccountLimiter(requests_per_minute=per_minute)
        members.append(
            Member(
                client=Limited(account, limiter),
                backlog=lambda limiter=limiter: limiter.waiting + limiter.open_reservations,
            )
        )
    client = Pool(members)
    scenarios = iter(range(3000))

    async def work() -> None:
        for scenario in scenarios:
            await client.complete(a_request(scenario))

    began = anyio.current_time()
    async with anyio.create_task_group() as tg:
        for _ in range(100):
            tg.start_soon(work)
    # Half an hour's limit of both is 30.5 calls a second: all quota is used. At the end the
    # slow one has what was sent to it last.
    assert anyio.current_time() - began < 3000 / 30.5 * 1.05 + 100
    assert len(fast.asked) > 2800


async def test_three_failures_in_a_row_send_a_members_conversations_elsewhere(
    a_request: ARequest,
) -> None:
    a, b = Account("a", DOWN, UnusableReply("HTML"), "a", DOWN, DOWN), Account("b")
    client = pool(a, b)
    answers = [await who_answers(client, a_request(1)) for _ in range(5)]
    assert answers[2] == "a"  # an answer in between: two in a row are not three
    assert await who_answers(client, a_request(1)) == "a"

    await make_sick(client, a, a_request(1))
    assert await who_answers(client, a_request(1)) == "b"
    await anyio.sleep(500)
    assert await who_answers(client, a_request(1)) == "b"  # it stays there


async def test_one_call_at_a_time_finds_out_whether_a_member_is_well(a_request: ARequest) -> None:
    a, b = Account("a"), Account("b")
    client = pool(a, b)
    await make_sick(client, a, a_request(0))
    await anyio.sleep(4.9)
    a.asked.clear()
    assert await who_answers(client, a_request(1)) == "b"

    await anyio.sleep(0.2)
    async with anyio.create_task_group() as tg:
        for scenario in range(10, 20):
            tg.start_soon(client.complete, a_request(scenario))
    assert len(a.asked) == 1
    async with anyio.create_task_group() as tg:  # it is: all that is new is shared again
        for scenario in range(20, 30):
            tg.start_soon(client.complete, a_request(scenario))
    assert len(a.asked) >= 1 + 5


async def test_a_rest_doubles_up_to_two_minutes(a_request: ARequest) -> None:
    a, b = Account("a"), Account("b", seconds=0)
    client = pool(a, b)
    await make_sick(client, a, a_request(0))
    a.down = True
    began, scenario, probes = anyio.current_time(), 1, []
    while len(probes) < 7:
        before = len(a.asked)
        await who_answers(client, a_request(scenario))
        if len(a.asked) > before:
            probes.append(anyio.current_time() - began - 1)
        scenario += 1
        await anyio.sleep(0.25)
    gaps = [later - earlier - 1 for earlier, later in zip([-1.0, *probes], probes, strict=False)]
    assert gaps == pytest.approx([5, 10, 20, 40, 80, 120, 120], abs=0.6)


async def test_a_probe_that_is_cancelled_lets_another_go(a_request: ARequest) -> None:
    a, b = Account("a"), Account("b")
    client = pool(a, b)
    await make_sick(client, a, a_request(0))
    await anyio.sleep(6)
    with anyio.move_on_after(0.5):
        await client.complete(a_request(1))
    assert await who_answers(client, a_request(2)) == "a"


async def test_a_spent_budget_says_nothing_about_health(a_request: ARequest) -> None:
    a, b = Account("a"), Account("b")
    client = pool(a, b)
    await make_sick(client, a, a_request(0))
    await anyio.sleep(6)
    a.next_lines = [BudgetSpent("spent"), ProviderUnavailable("down")]
    answers = [await who_answers(client, a_request(scenario)) for scenario in range(1, 6)]
    # New conversations go by turns: what is not spent on the probe is another probe's.
    assert answers == ["b", "budget_spent", "b", "provider_unavailable", "b"]


async def test_what_older_calls_tell_does_not_end_or_lengthen_a_rest(a_request: ARequest) -> None:
    a, b = Account("a"), Account("b")
    client = pool(a, b)
    a.next_lines = [ProviderUnavailable("down") for _ in range(9)]

    async def ask() -> None:
        await who_answers(client, a_request(0))

    async with anyio.create_task_group() as tg:
        for _ in range(10):  # nine fail together, one of them succeeds a little later
            tg.start_soon(ask)
    assert a.asked == [0] * 10
    assert await who_answers(client, a_request(1)) == "b"
    await anyio.sleep(5)
    assert await who_answers(client, a_request(2)) == "a"


async def test_a_quota_that_is_used_up_for_long_makes_sick_for_so_long(
    a_request: ARequest,
) -> None:
    a = Account("a", RateLimited("slow down", retry_after_seconds=30))
    b = Account("b")
    client = pool(a, b)
    assert await who_answers(client, a_request(0)) == "rate_limited"
    assert await who_answers(client, a_request(0)) == "a"  # the limiter's to wait for
    a.next_lines = [RateLimited("tomorrow", retry_after_seconds=3600)]
    assert await who_answers(client, a_request(0)) == "rate_limited"
    assert await who_answers(client, a_request(0)) == "b"
    await anyio.sleep(3590)
    assert await who_answers(client, a_request(1)) == "b"
    await anyio.sleep(10)
    assert await who_answers(client, a_request(2)) == "a"


async def test_an_account_with_a_problem_is_out_and_others_answer(a_request: ARequest) -> None:
    a, b = (
        Account("a", *[KeyRefused("the key in A_KEY is refused") for _ in range(3)]),
        Account("b"),
    )
    client = pool(a, b)
    answers: list[str] = []

    async def ask(scenario: int) -> None:
        answers.append(await who_answers(client, a_request(scenario)))

    with structlog.testing.capture_logs() as logs:
        async with anyio.create_task_group() as tg:
            for scenario in range(6):
                tg.start_soon(ask, scenario)
        await anyio.sleep(10_000)
        await ask(7)
    assert answers == ["b"] * 7
    assert len(a.asked) == 3
    assert [(line["log_level"], line["problem"]) for line in logs] == [
        ("warning", "the key in A_KEY is refused")
    ]


async def test_when_all_are_out_the_first_ones_problem_is_raised(a_request: ARequest) -> None:
    a, b, c = Account("a", KeyRefused("no")), Account("b", KeyRefused("no")), Account("c")
    a.next_lines = [BalanceExhausted("a is out of credit")]
    c.next_lines = [KeyRefused("no")]
    client = pool(a, b, fallbacks=(c,))
    for _ in range(2):
        with pytest.raises(BalanceExhausted, match="a is out of credit"):
            await client.complete(a_request())
    assert [len(x.asked) for x in (a, b, c)] == [1, 1, 1]


async def test_fallbacks_are_used_in_order_while_no_member_can_be(a_request: ARequest) -> None:
    a, b, c = Account("a"), Account("b"), Account("c")
    client = pool(a, fallbacks=(b, c))
    assert client.model == "a"
    await make_sick(client, a, a_request(0))
    assert await who_answers(client, a_request(0)) == "b"
    await make_sick(client, b, a_request(0))
    assert await who_answers(client, a_request(0)) == "c"
    await anyio.sleep(100)
    assert await who_answers(client, a_request(0)) == "c"  # a conversation stays where it is
    assert await who_answers(client, a_request(1)) == "a"  # a new one is the members'


async def test_when_all_are_sick_the_first_to_return_is_asked(a_request: ARequest) -> None:
    a, b = Account("a"), Account("b")
    client = pool(a, b)
    await make_sick(client, a, a_request(0))
    await anyio.sleep(2)
    await make_sick(client, b, a_request(0))
    a.asked.clear()
    b.asked.clear()
    a.down = True
    assert await who_answers(client, a_request(1)) == "provider_unavailable"
    assert await who_answers(client, a_request(1)) == "b"  # a's rest has doubled
    assert await who_answers(client, a_request(2)) == "b"  # and b was well
    assert (len(a.asked), len(b.asked)) == (1, 2)


async def test_when_all_rest_as_told_calls_wait_for_the_first_to_return_and_ask_nobody(
    a_request: ARequest,
) -> None:
    # A limiter that knows nothing lets four go at first.
    a = Account("a", *[RateLimited("tomorrow", retry_after_seconds=900) for _ in range(4)])
    b = Account("b", *[RateLimited("soon", retry_after_seconds=400) for _ in range(4)])
    limiters = [AccountLimiter(release_after_seconds=30) for _ in (a, b)]
    members = [
        Member(client=Limited(account, limiter), backlog=lambda: 0.0)
        for account, limiter in zip((a, b), limiters, strict=True)
    ]
    retried: list[CallRetried] = []
    client = Retrying(
        Pool(members), RetryPolicy(), jitter=random.Random(1), on_retry=retried.append
    )
    answers: list[Answer] = []

    async def ask(scenario: int) -> None:
        answers.append(await client.complete(a_request(scenario)))

    began = anyio.current_time()
    async with anyio.create_task_group() as tg:
        for scenario in range(100):
            tg.start_soon(ask, scenario)
    assert {answer.completion.content for answer in answers} == {"b"}
    assert anyio.current_time() - began == pytest.approx(400, abs=30)
    assert len(retried) <= 2 * 100
    assert sorted(answer.times.queued_seconds for answer in answers)[50] >= 390


async def test_a_pool_of_one_passes_everything_on(a_request: ARequest) -> None:
    lines: list[Line] = [DOWN] * 5 + [RateLimited("no", retry_after_seconds=99), "x", DOWN, "y"]
    a = Account("a", *lines)
    client = pool(a)
    answers = [await who_answers(client, a_request(0)) for _ in lines]
    assert answers == [line if isinstance(line, str) else line.cause for line in lines]
    assert len(a.asked) == len(lines)


async def test_a_retried_call_goes_to_another_member(a_request: ARequest) -> None:
    a, b = Account("a"), Account("b")
    a.down = True
    client = Retrying(pool(a, b), RetryPolicy(), jitter=random.Random(1))
    answer = await client.complete(a_request())
    assert (answer.completion.content, answer.times.attempts) == ("b", 4)


async def test_only_so_many_conversations_are_remembered(a_request: ARequest) -> None:
    a, b = Account("a"), Account("b")
    client = Pool([a.member(), b.member()], conversations_remembered=2)
    answers = [await who_answers(client, a_request(scenario)) for scenario in (1, 2, 1, 3, 1, 2)]
    # 2 is the longest unused when 3 comes, and is new again afterwards.
    assert answers == ["a", "b", "a", "a", "a", "b"]
    answers = [await who_answers(client, a_request(scenario)) for scenario in (1, 2)]
    assert answers == ["a", "b"]


def test_a_pool_needs_a_member() -> None:
    with pytest.raises(ValueError, match="at least one member"):
        Pool([])
