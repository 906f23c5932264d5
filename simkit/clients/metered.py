"""A client whose every paid call is counted."""

from __future__ import annotations

from typing import Generic, TypeVar

import anyio

from simkit.prices import Price
from simkit.spending import Ledger, OpenCall
from simkit.traces.calls import Answered, Client, Request, Usage
from simkit.traces.provider_errors import UnusableReply

RequestT = TypeVar("RequestT", bound=Request)
AnswerT = TypeVar("AnswerT", bound=Answered)


class Metered(Generic[RequestT, AnswerT]):
    """Any client, with what its calls cost entered in *ledger*.

    It belongs right around a transport: what is paid for counts, also when nobody uses it
    in the end.

    Args:
        inner: Makes one call, without retries.
        price: None when it is not known; then only tokens are counted.
    """

    def __init__(
        self, inner: Client[RequestT, AnswerT], ledger: Ledger, price: Price | None
    ) -> None:
        self._inner = inner
        self._ledger = ledger
        self._price = price

    @property
    def model(self) -> str:
        return self._inner.model

    async def complete(self, request: RequestT) -> AnswerT:
        """Ask, and count what it has cost; see `Client`.

        A call that is cancelled or whose reply cannot be used counts with what it was
        expected to use: the provider did the work and may bill it. So does one whose
        answer does not tell its usage. Other failures cost nothing.

        Raises:
            BudgetSpent: A limit leaves no room for the call, which is not made.
        """
        call = self._ledger.open_call(request, self.model, self._price)
        paid: Usage | None = None
        try:
            answer = await self._inner.complete(request)
            paid = _told(answer, call)
        except (UnusableReply, anyio.get_cancelled_exc_class()):
            paid = call.expected
            raise
        finally:
            self._ledger.settle(call, paid)
        return answer


def _told(answer: Answered, call: OpenCall) -> Usage:
    usage = answer.usage
    return usage if usage.input_tokens or usage.output_tokens else call.expected
