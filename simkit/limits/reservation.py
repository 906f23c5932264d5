"""A call's share of an account's limits."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from simkit.traces.calls import Allowance, Usage
from simkit.traces.provider_errors import RateLimited


class Account(Protocol):
    """What a reservation tells its limiter."""

    def settled(
        self,
        reservation: Reservation,
        usage: Usage,
        role: str,
        allowances: Sequence[Allowance],
    ) -> None:
        """The call succeeded."""
        ...

    def refused(self, reservation: Reservation, error: RateLimited) -> None:
        """The call was refused as too fast."""
        ...

    def failed(self, reservation: Reservation, allowances: Sequence[Allowance]) -> None:
        """The provider failed."""
        ...

    def over(self, reservation: Reservation) -> None:
        """The call is over, however it ended; said once for each reservation."""
        ...


class Reservation:
    """Held inside its ``with`` while the call is made, and given back exactly once.

    Say how the call went with one of `settle`, `refused` and `failed`; a call that is cut off
    says none of them, and what it was expected to use counts as used.
    """

    __slots__ = ("_account", "_ended", "amounts", "in_flight", "marks", "sent_at", "waited_seconds")

    def __init__(
        self,
        account: Account,
        amounts: tuple[float, ...],
        *,
        sent_at: float,
        waited_seconds: float,
        in_flight: int,
        marks: tuple[float, ...],
    ) -> None:
        self._account = account
        self._ended = False
        self.amounts = amounts
        """What is charged on each meter."""
        self.sent_at = sent_at
        self.waited_seconds = waited_seconds
        """How long it was waited for."""
        self.in_flight = in_flight
        """How many calls were in flight when it was admitted, itself included."""
        self.marks = marks
        """What each meter had admitted by then, itself included."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended = True
        self._account.over(self)

    def settle(self, usage: Usage, *, role: str, allowances: Sequence[Allowance] = ()) -> None:
        """The call succeeded: correct the estimate, and learn from the answer.

        Args:
            usage: Tokens that were used; all 0 is a provider's silence and keeps the estimate.
            role: Calls of one role are alike in how long they take.

        Raises:
            RuntimeError: It was said already how the call went, or it is over.
        """
        self._end()
        self._account.settled(self, usage, role, allowances)

    def refused(self, error: RateLimited) -> None:
        """The provider says that we ask too fast.

        Raises:
            RuntimeError: It was said already how the call went, or it is over.
        """
        self._end()
        self._account.refused(self, error)

    def failed(self, allowances: Sequence[Allowance] = ()) -> None:
        """The provider failed for another reason; what it has counted is not known.

        Raises:
            RuntimeError: It was said already how the call went, or it is over.
        """
        self._end()
        self._account.failed(self, allowances)

    def _end(self) -> None:
        if self._ended:
            raise RuntimeError("a reservation ends once, and only while it is held")
        self._ended = True
