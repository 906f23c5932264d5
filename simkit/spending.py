"""What a run has spent, on what, and what it may spend still."""

from __future__ import annotations

import math
from dataclasses import dataclass

from simkit.conversation_costs import ConversationCosts
from simkit.prices import Price
from simkit.traces.calls import Request, Usage
from simkit.traces.provider_errors import BudgetSpent

TOKENS = "tokens"

FIRST_CONVERSATIONS = 8
"""In flight before half as many have ended, when hardly anything is known of their cost."""
MARGIN_SDS = 1.28
"""Standard deviations kept in reserve: what is in flight fits nine times in ten."""
_FORECAST_CONVERSATIONS = 8
_CHARACTERS_PER_TOKEN = 4
_FIRST_OUTPUT_TOKENS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """How far one budget is, for people who watch."""

    unit: str
    """``"tokens"``, or the currency."""
    spent: float
    limit: float | None
    forecast: float | None
    """What the run will have spent in the end if nothing stops it; None while unknown."""


@dataclass(slots=True)
class Paid:
    """What the calls of one model for one role have cost."""

    calls: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    money: float | None = 0.0
    """None when the model has no price."""


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that is being made, and what it is expected to use."""

    scenario: int
    role: str
    model: str
    price: Price | None
    expected: Usage


class BudgetLine:
    """What is spent in one unit: money, or tokens of input and output together."""

    def __init__(self, unit: str, limit: float | None) -> None:
        self.unit = unit
        self.limit = limit
        self.spent = 0.0
        self.reserved = 0.0
        """For calls that are being made."""
        self.costs = ConversationCosts()

    @property
    def left(self) -> float:
        """Not spent yet; infinite without a limit."""
        return math.inf if self.limit is None else self.limit - self.spent

    def has_room(self, amount: float) -> bool:
        """Whether a call of *amount* fits beside those that are being made."""
        return self.reserved + amount <= self.left

    def has_room_for_another_conversation(self) -> bool:
        """Whether one more is likely to fit, with all that is needed to finish the others."""
        if self.limit is None:
            return True
        expected = self.costs.expected()
        if expected is None or expected.ended < FIRST_CONVERSATIONS // 2:
            return self.costs.in_flight < FIRST_CONVERSATIONS
        return expected.with_another(MARGIN_SDS) <= self.left

    def forecast(self, to_start: int) -> float | None:
        """What will have been spent when those in flight, and *to_start* more, have ended."""
        expected = self.costs.expected()
        if expected is None or expected.ended < _FORECAST_CONVERSATIONS:
            return None
        return self.spent + expected.rest + to_start * expected.mean

    def amount(self, value: float) -> str:
        """*value* with its unit, for people."""
        return f"{value:,.0f} tokens" if self.unit == TOKENS else f"{value:,.2f} {self.unit}"


class Ledger:
    """Counts every paid call, and refuses one when a limit is reached.

    A call is refused when it would not fit beside those that are being made, each at what
    it is expected to use. So a limit is passed only by as much as those calls, all
    together, turn out dearer than expected.

    Args:
        tokens: Most tokens, input and output together; None: no limit.
        money: Most money; None: no limit.
        currency: Of the prices; None: money is not counted, since some model has no price.
    """

    def __init__(
        self, *, tokens: int | None = None, money: float | None = None, currency: str | None = None
    ) -> None:
        self.tokens = BudgetLine(TOKENS, tokens)
        self.money = None if currency is None else BudgetLine(currency, money)
        self.paid: dict[tuple[str, str], Paid] = {}
        """By model and role."""
        self.refused_calls = 0

    @property
    def lines(self) -> tuple[BudgetLine, ...]:
        return (self.tokens,) if self.money is None else (self.tokens, self.money)

    @property
    def is_limited(self) -> bool:
        return any(line.limit is not None for line in self.lines)

    def open_call(self, request: Request, model: str, price: Price | None) -> OpenCall:
        """Reserve what *request* is expected to use; to be settled exactly once.

        Raises:
            BudgetSpent: A limit leaves no room for it.
        """
        expected = self._expected(request, model)
        call = OpenCall(request.scenario, request.role, model, price, expected)
        for line in self.lines:
            if not line.has_room(self._amount(line, call, expected)):
                self.refused_calls += 1
                raise BudgetSpent(_refusal(line))
        for line in self.lines:
            line.reserved += self._amount(line, call, expected)
        return call

    def settle(self, call: OpenCall, usage: Usage | None) -> None:
        """The end of *call*: it has used *usage*; None: nothing, it is not paid for."""
        for line in self.lines:
            line.reserved -= self._amount(line, call, call.expected)
        if usage is None:
            return
        for line in self.lines:
            amount = self._amount(line, call, usage)
            line.spent += amount
            line.costs.spend(call.scenario, amount)
        self._note(call, usage)

    def carry(self, model: str, role: str, calls: int, usage: Usage, price: Price | None) -> None:
        """Enter what *calls* of an earlier part of the run have cost, all together."""
        self.tokens.spent += usage.input_tokens + usage.output_tokens
        money = None if price is None else price.of(usage)
        if self.money is not None:
            self.money.spent += money or 0.0
        self.paid[model, role] = Paid(
            calls=calls,
            input_tokens=usage.input_tokens,
            cached_input_tokens=usage.cached_input_tokens,
            output_tokens=usage.output_tokens,
            money=money,
        )

    def begin(self, scenario: int) -> None:
        """A conversation starts."""
        for line in self.lines:
            line.costs.begin(scenario)

    def end(self, scenario: int) -> None:
        """A conversation is over, judged and all."""
        for line in self.lines:
            line.costs.end(scenario)

    def _amount(self, line: BudgetLine, call: OpenCall, usage: Usage) -> float:
        if line is self.tokens:
            return usage.input_tokens + usage.output_tokens
        return 0.0 if call.price is None else call.price.of(usage)

    def _expected(self, request: Request, model: str) -> Usage:
        paid = self.paid.get((model, request.role))
        output = paid.output_tokens // paid.calls if paid else _FIRST_OUTPUT_TOKENS
        if request.max_output_tokens is not None:
            output = min(output, request.max_output_tokens)
        input_tokens = math.ceil(request.input_characters / _CHARACTERS_PER_TOKEN)
        return Usage(input_tokens=input_tokens, output_tokens=output)

    def _note(self, call: OpenCall, usage: Usage) -> None:
        paid = self.paid.setdefault((call.model, call.role), Paid())
        paid.calls += 1
        paid.input_tokens += usage.input_tokens
        paid.cached_input_tokens += usage.cached_input_tokens
        paid.output_tokens += usage.output_tokens
        if call.price is None or paid.money is None:
            paid.money = None
        else:
            paid.money += call.price.of(usage)


def _refusal(line: BudgetLine) -> str:
    option = "tokens" if line.unit == TOKENS else "money"
    assert line.limit is not None  # noqa: S101 - else nothing is refused
    return (
        f"the budget of {line.amount(line.limit)} does not reach: {line.amount(line.spent)} are "
        f"spent and {line.amount(max(line.reserved, 0))} are needed by calls that are being made; "
        f"raise `{option}` under [budget] to go on"
    )
