"""What retries may cost an account: a storm of them is impossible by construction."""

from __future__ import annotations

import anyio

_ALMOST_ONE = 1 - 1e-6
"""Rounding in sums of fractions must not make a whole token wait for ever."""


class RetryBudget:
    """Tokens for repeating failed calls, shared by all calls of an account.

    A retry takes a token before it goes, and waits while there is none. One that fails has
    spent it; one that gets an answer gives it back. Each answer also brings `ratio` of a
    token, and time brings `drip_per_second`, up to `capacity`. So at every moment::

        failed retries <= reserve + ratio * answers + drip_per_second * seconds

    With the default ratio, up to about 35 % of the attempts may fail without a retry having
    to wait; in an outage there is hardly more than the drip, and after it the tokens given
    back bring the normal pace within moments.

    Args:
        reserve: Tokens at the start, at least 1.
        capacity: Most tokens at any time; None: *reserve*. Retries hold a token while they
            are made, so with many calls in flight a small capacity slows them down even
            where most succeed: about half the calls in flight is ample.

    For one event loop; every change is made between two awaits, so there are no locks.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(
        self,
        *,
        ratio: float = 0.2,
        drip_per_second: float = 1.0,
        reserve: float = 50.0,
        capacity: float | None = None,
    ) -> None:
        if ratio < 0 or drip_per_second <= 0 or reserve < 1:
            raise ValueError(
                "expected ratio >= 0, drip_per_second > 0 and reserve >= 1, found "
                f"{ratio}, {drip_per_second} and {reserve}"
            )
        if capacity is not None and capacity < reserve:
            raise ValueError(f"capacity ({capacity}) must not be below reserve ({reserve})")
        self._ratio = ratio
        self._drip_per_second = drip_per_second
        self._capacity = reserve if capacity is None else capacity
        self._tokens = reserve
        self._dripped_at: float | None = None
        self._first_in_line = anyio.Lock()  # fair: whoever came first is served first
        self._grown: anyio.Event | None = None
        """Set when tokens come in while the first in line waits."""

    def answered(self) -> None:
        """A call got its answer."""
        self._deposit(self._ratio)

    def give_back(self) -> None:
        """A retry that took a token has not failed after all, or was never made."""
        self._deposit(1.0)

    async def withdraw(self) -> None:
        """Wait for a token, in order of arrival, and take it; cancelled, nothing is taken."""
        async with self._first_in_line:
            while not self._withdraw_nowait():
                self._grown = anyio.Event()
                with anyio.move_on_after((1 - self._tokens) / self._drip_per_second):
                    await self._grown.wait()
            self._grown = None

    def _withdraw_nowait(self) -> bool:
        # The drip may be counted late: it and deposits add up to the same in any order,
        # capped or not, as long as it is counted before tokens are taken.
        now = anyio.current_time()
        if self._dripped_at is not None:
            self._add((now - self._dripped_at) * self._drip_per_second)
        self._dripped_at = now
        if self._tokens < _ALMOST_ONE:
            return False
        self._tokens -= 1
        return True

    def _deposit(self, tokens: float) -> None:
        self._add(tokens)
        if self._grown is not None:
            self._grown.set()

    def _add(self, tokens: float) -> None:
        self._tokens = min(self._tokens + tokens, self._capacity)
