"""Every paid call is counted, whoever uses its reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from simkit.clients.metered import Metered
from simkit.clients.scripted import Scripted
from simkit.prices import Price
from simkit.spending import Ledger
from simkit.traces.calls import ChatRequest, Completion, Usage
from simkit.traces.provider_errors import (
    BudgetSpent,
    ProviderUnavailable,
    RateLimited,
    Retryable,
    UnusableReply,
)

ARequest = Callable[..., ChatRequest]
PRICE = Price(models=("m",), input=1.0, output=2.0)
REPLY = Completion(content="yes", usage=Usage(input_tokens=100_000, output_tokens=50_000))


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


async def test_tokens_and_money_are_counted_by_model_and_role(a_request: ARequest) -> None:
    ledger = Ledger(currency="USD")
    client = Metered(Scripted([REPLY, REPLY], model="m"), ledger, PRICE)
    await client.complete(a_request(1))
    await client.complete(a_request(2))

    assert ledger.tokens.spent == 300_000
    assert ledger.money is not None
    assert ledger.money.spent == pytest.approx(0.4)
    paid = ledger.paid["m", "assistant"]
    assert (paid.calls, paid.input_tokens, paid.output_tokens) == (2, 200_000, 100_000)
    assert paid.money == pytest.approx(0.4)


async def test_without_a_price_only_tokens_are_counted(a_request: ARequest) -> None:
    ledger = Ledger()
    await Metered(Scripted([REPLY], model="m"), ledger, None).complete(a_request())
    assert ledger.money is None
    assert ledger.paid["m", "assistant"].money is None


@pytest.mark.parametrize("error", [RateLimited("slow down"), ProviderUnavailable("down")])
async def test_a_call_that_got_no_reply_costs_nothing(
    a_request: ARequest, error: Retryable
) -> None:
    ledger = Ledger()
    with pytest.raises(type(error)):
        await Metered(Scripted([error]), ledger, None).complete(a_request())
    assert (ledger.tokens.spent, ledger.tokens.reserved) == (0, 0)


async def test_a_reply_that_cannot_be_read_or_tells_no_usage_counts_as_expected(
    a_request: ARequest,
) -> None:
    ledger = Ledger()
    script = [UnusableReply("cut off"), Completion(content="no usage told")]
    client = Metered(Scripted(script), ledger, None)
    with pytest.raises(UnusableReply):
        await client.complete(a_request())
    after_one = ledger.tokens.spent
    assert after_one > 0
    await client.complete(a_request())
    assert ledger.tokens.spent == 2 * after_one
    assert ledger.tokens.reserved == 0


async def test_a_call_that_lost_a_race_counts_as_expected(a_request: ARequest) -> None:
    """It is cancelled on our side; the provider may go on, and bill it."""
    ledger = Ledger()
    client = Metered(Scripted([REPLY], seconds=60), ledger, None)
    with anyio.move_on_after(1):
        await client.complete(a_request(max_output_tokens=20))
    assert 20 < ledger.tokens.spent < 100
    assert ledger.tokens.reserved == 0


async def test_a_spent_budget_is_told_before_anything_is_asked(a_request: ARequest) -> None:
    ledger = Ledger(money=0.2, currency="USD")
    model = Scripted([REPLY, REPLY], model="m")
    client = Metered(model, ledger, PRICE)
    await client.complete(a_request())
    with pytest.raises(
        BudgetSpent, match=r"0\.20 USD does not reach: 0\.20 USD are spent"
    ) as raised:
        await client.complete(a_request())
    assert "raise `money` under [budget]" in str(raised.value)
    assert len(model.requests) == 1
