"""A budget lets a run land softly: used up, never passed, and few conversations cut off."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from simkit.budget import Budget, open_budget
from simkit.clients.metered import Metered
from simkit.config import ConfigError, RunConfig
from simkit.config_file import load_config
from simkit.conversation_costs import ConversationCosts
from simkit.prices import Prices
from simkit.scheduler import work_through
from simkit.spending import FIRST_CONVERSATIONS, Ledger
from simkit.traces.calls import Answered, CallTimes, Usage
from simkit.traces.provider_errors import BudgetSpent
from simkit.traces.records import Scenario


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


@pytest.fixture
def scenarios(a_scenario: Callable[..., Scenario]) -> Callable[[int], Iterator[Scenario]]:
    def first(count: int) -> Iterator[Scenario]:
        return (a_scenario(number) for number in range(count))

    return first


CALL_TOKENS = 1_000
NO_PRICES = Prices.model_validate(
    {"currency": "USD", "source": "made up", "date": "2026-01-01", "prices": ()}
)


@dataclass(frozen=True)
class Ask:
    """A request of the size of `CALL_TOKENS`."""

    scenario: int
    role: str = "user"
    input_characters: int = 4 * (CALL_TOKENS - 300)
    max_output_tokens: int | None = None


@dataclass(frozen=True, kw_only=True)
class Reply(Answered):
    used: Usage

    @property
    def usage(self) -> Usage:
        return self.used


class SlowModel:
    """Answers after a while, at a cost that varies by a third."""

    model = "m"

    def __init__(self, randomness: random.Random) -> None:
        self._random = randomness
        self.sent = 0
        self.most_at_once = 0
        self._now = 0

    async def complete(self, request: Ask) -> Reply:
        self.sent += 1
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            await anyio.sleep(self._random.uniform(0.5, 2.0))
        finally:
            self._now -= 1
        size = self._random.uniform(0.67, 1.33)
        usage = Usage(
            input_tokens=round((CALL_TOKENS - 300) * size), output_tokens=round(300 * size)
        )
        return Reply(times=CallTimes(started_at=0.0), used=usage)


@dataclass
class Played:
    """How it went."""

    budget: Budget
    model: SlowModel
    whole: int = 0
    cut_off: int = 0

    @property
    def used(self) -> float:
        """Share of the token budget that was spent."""
        line = self.budget.ledger.tokens
        assert line.limit is not None
        return line.spent / line.limit


async def play(
    scenarios: Callable[[int], Iterator[Scenario]],
    *,
    seed: int,
    tokens: int,
    wanted: int,
    concurrency: int,
    calls: Callable[[random.Random], int],
) -> Played:
    """Play up to *wanted* conversations of a number of calls that *calls* draws.

    As in a run, a conversation is over some time after its worker is free: a judge has
    the last call.
    """
    randomness = random.Random(seed)
    budget = Budget(Ledger(tokens=tokens), NO_PRICES, wanted=wanted)
    model = SlowModel(randomness)
    client: Metered[Ask, Reply] = Metered(model, budget.ledger, None)
    played = Played(budget, model)

    async with anyio.create_task_group() as judging:

        async def judge(scenario: int) -> None:
            try:
                await client.complete(Ask(scenario, role="judge"))
                played.whole += 1
            except BudgetSpent:
                played.cut_off += 1
            budget.end(scenario)

        async def converse(scenario: Scenario) -> None:
            budget.begin(scenario.number)
            try:
                for _ in range(calls(randomness)):
                    await client.complete(Ask(scenario.number))
            except BudgetSpent:
                played.cut_off += 1
                budget.end(scenario.number)
                return
            judging.start_soon(judge, scenario.number)

        await work_through(
            scenarios(wanted), converse, concurrency=concurrency, may_start=budget.may_start
        )
    return played


MEAN_CALLS = 20
LENGTHS: dict[str, Callable[[random.Random], int]] = {
    "all alike": lambda _: MEAN_CALLS,
    "evenly spread": lambda r: r.randint(5, 35),
    "a long tail": lambda r: 1 + int(r.lognormvariate(math.log(16), 0.6)),
}


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("seed", range(4))
async def test_a_budget_is_used_up_and_not_passed_and_few_conversations_are_cut_off(
    scenarios: Callable[[int], Iterator[Scenario]], lengths: str, seed: int
) -> None:
    tokens = 150 * (MEAN_CALLS + 1) * CALL_TOKENS
    played = await play(
        scenarios, seed=seed, tokens=tokens, wanted=2_000, concurrency=40, calls=LENGTHS[lengths]
    )
    assert 0.85 < played.used < 1.01
    assert played.cut_off <= 0.1 * played.whole
    assert played.whole + played.cut_off + played.budget.not_started == 2_000


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("seed", range(4))
async def test_a_small_budget_is_not_blown_by_a_concurrency_of_a_thousand(
    scenarios: Callable[[int], Iterator[Scenario]], lengths: str, seed: int
) -> None:
    tokens = 30 * (MEAN_CALLS + 1) * CALL_TOKENS
    played = await play(
        scenarios, seed=seed, tokens=tokens, wanted=1_000, concurrency=1_000, calls=LENGTHS[lengths]
    )
    assert 0.85 < played.used < 1.01
    assert played.model.most_at_once <= 40
    assert played.cut_off <= 6


async def test_a_budget_that_is_large_enough_holds_nothing_back(
    scenarios: Callable[[int], Iterator[Scenario]],
) -> None:
    played = await play(
        scenarios, seed=1, tokens=10**9, wanted=300, concurrency=100, calls=lambda _: MEAN_CALLS
    )
    assert (played.whole, played.cut_off, played.budget.not_started) == (300, 0, 0)
    assert played.model.most_at_once >= 100


async def test_calls_in_flight_do_not_pass_a_hard_limit_together() -> None:
    ledger = Ledger(tokens=10 * CALL_TOKENS)
    model = SlowModel(random.Random(3))
    client: Metered[Ask, Reply] = Metered(model, ledger, None)
    refused: list[int] = []

    async def ask(number: int) -> None:
        try:
            await client.complete(Ask(number))
        except BudgetSpent:
            refused.append(number)

    async with anyio.create_task_group() as group:
        for number in range(100):
            group.start_soon(ask, number)
    assert model.sent == 10  # all 100 were asked at once, before anything was spent
    assert len(refused) == ledger.refused_calls == 90
    assert ledger.tokens.reserved == 0


async def test_few_start_before_the_cost_of_a_conversation_is_known() -> None:
    budget = Budget(Ledger(tokens=10**9), NO_PRICES, wanted=100)
    for number in range(FIRST_CONVERSATIONS):
        assert await budget.may_start()
        budget.begin(number)
    with anyio.move_on_after(60) as waiting:
        await budget.may_start()
    assert waiting.cancelled_caught
    assert budget.is_holding_back
    assert budget.not_started == 0  # that is still open


async def test_without_a_limit_conversations_start_at_once_and_only_spending_is_told() -> None:
    budget = Budget(Ledger(), NO_PRICES, wanted=100)
    for number in range(100):
        assert await budget.may_start()
        budget.begin(number)
    (tokens,) = budget.spending()
    assert (tokens.unit, tokens.spent, tokens.limit, tokens.forecast) == ("tokens", 0, None, None)


async def test_a_forecast_is_right_about_the_whole_run_once_some_have_ended() -> None:
    budget = Budget(Ledger(), NO_PRICES, wanted=1_000)
    client: Metered[Ask, Reply] = Metered(SlowModel(random.Random(5)), budget.ledger, None)
    for number in range(60):
        budget.begin(number)
        for _ in range(4 + number % 3):
            await client.complete(Ask(number))
        if number < 50:
            budget.end(number)
    (tokens,) = budget.spending()
    assert tokens.forecast == pytest.approx(1_000 * 5 * CALL_TOKENS, rel=0.1)


def test_conversations_in_flight_keep_the_short_ones_from_deciding_the_mean() -> None:
    """The first to end are cheap; that they are the first is taken into account."""
    costs = ConversationCosts()
    for number in range(30):
        costs.begin(number)
        costs.spend(number, 10.0)
    for number in range(10):
        costs.end(number)
    for number in range(10, 30):
        costs.spend(number, 30.0)
    expected = costs.expected()
    assert expected is not None
    assert expected.mean > 40  # a third cost 10, two thirds more than 40


def test_the_expected_cost_is_the_mean_when_all_have_ended() -> None:
    costs = ConversationCosts()
    for number in range(100):
        costs.begin(number)
        costs.spend(number, 5.0)
        costs.spend(number, float(number))
        costs.end(number)
    expected = costs.expected()
    assert expected is not None
    assert expected.mean == pytest.approx(54.5, rel=0.02)
    assert expected.sd == pytest.approx(28.9, rel=0.02)
    assert expected.rest == 0


def config(tmp_path: Path, text: str = "", **overrides: Any) -> RunConfig:
    path = tmp_path / "run.toml"
    provider = '[providers.default]\nbase_url = "http://127.0.0.1:1/v1"\n'
    path.write_text(f'{provider}[model]\nname = "standin"\n{text}')
    return load_config(path, {f"budget.{name}": value for name, value in overrides.items()})


def test_a_money_budget_needs_a_price_for_every_model(tmp_path: Path) -> None:
    text = '[budget]\nmoney = 1.0\n[roles.user]\nmodel = "gpt-5-mini"'
    with pytest.raises(ConfigError) as raised:
        open_budget(config(tmp_path, text))
    (problem,) = raised.value.problems
    assert problem.startswith(
        'budget.money: the model "standin" of [providers.default] has no price'
    )
    assert "budget.prices" in problem


def test_a_file_of_prices_makes_a_money_budget_possible(tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(
        'currency = "EUR"\nsource = "made up"\ndate = 2026-01-01\n'
        'prices = [{ models = ["stand*"], input = 1, output = 2 }]\n'
    )
    budget = open_budget(config(tmp_path, money=1.0, prices=prices))
    assert [(line.unit, line.limit) for line in budget.spending()] == [
        ("tokens", None),
        ("EUR", 1.0),
    ]


def test_without_a_money_budget_an_unknown_price_leaves_only_the_tokens(tmp_path: Path) -> None:
    budget = open_budget(config(tmp_path))
    assert [line.unit for line in budget.spending()] == ["tokens"]
