"""Makes requests wait while the rest of a budget may be needed by those before them."""

from __future__ import annotations

import anyio

from simkit.clients.raw_chat import RawAnswer, RawRequest
from simkit.prices import Price
from simkit.spending import Ledger, OpenCall
from simkit.traces.calls import Client
from simkit.traces.provider_errors import BudgetSpent


class LineBudget:
    """What all requests together may spend.

    What a request is expected to use is set aside for it from when it is taken up until it
    is paid for, at the limits and at the provider. So a request is refused only when it does
    not fit into what is left once all before it have ended.

    Args:
        ledger: Holds the limits; whoever makes the calls enters them there.
        model: Whose replies tell how long the next ones will be.
        price: Of the dearest model that may be asked; None when money is not counted.
    """

    def __init__(self, ledger: Ledger, model: str, price: Price | None) -> None:
        self.ledger = ledger
        self._model = model
        self._price = price
        self._set_aside: dict[int, OpenCall] = {}
        """By number of the request."""
        self._one_ended = anyio.Event()
        self.is_waited_for = False
        """Whether a request could be asked but for the budget."""

    async def set_aside(self, request: RawRequest) -> None:
        """Set aside what *request* may use, as soon as there is room for it.

        One request at a time may wait; `end` must follow. Safe to cancel.

        Raises:
            BudgetSpent: There will be no room for it.
        """
        try:
            while not self._has_set_aside(request):
                self.is_waited_for = True
                await self._one_ended.wait()
        finally:
            self.is_waited_for = False

    def release(self, request: RawRequest) -> None:
        """*request* is paid for from here on, or not made at all."""
        call = self._set_aside.pop(request.number, None)
        if call is not None:
            self.ledger.settle(call, None)

    def end(self, request: RawRequest) -> None:
        """*request* has its answer, or fails."""
        self.release(request)
        self._one_ended.set()
        self._one_ended = anyio.Event()

    def _has_set_aside(self, request: RawRequest) -> bool:
        try:
            call = self.ledger.open_call(request, self._model, self._price)
        except BudgetSpent:
            if not self.ledger.tokens.reserved:  # nobody will leave anything
                raise
            return False
        self._set_aside[request.number] = call
        return True


class Releasing:
    """A client that pays for its calls, with what was set aside for each until then.

    Nothing can come in between: *paying* reserves what a call may use before it first waits.
    """

    def __init__(self, paying: Client[RawRequest, RawAnswer], budget: LineBudget) -> None:
        self._paying = paying
        self._budget = budget

    @property
    def model(self) -> str:
        return self._paying.model

    async def complete(self, request: RawRequest) -> RawAnswer:
        """Ask and pay; see `Client`."""
        self._budget.release(request)
        return await self._paying.complete(request)
