"""One admission decision for all limits of one account."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal

import anyio

from simkit.limits.bucket import Bucket
from simkit.limits.cool_down import CoolDown

Limit = Literal["requests", "tokens", "concurrency", "cool-down"]


class Reservation:
    """A call's share of an account's limits, held while the call is made."""

    def __init__(self, limiter: AccountLimiter, tokens: int, admitted_at: float) -> None:
        self._limiter = limiter
        self._admitted_at = admitted_at
        self._settled = False
        self.tokens = tokens
        """What is charged: the estimate, and after `settle` what was used."""

    def settle(self, used_tokens: int) -> None:
        """The call succeeded and used so much: give the rest back, or take the debt.

        Raises:
            RuntimeError: It is settled or released already.
        """
        if self._settled:
            raise RuntimeError("a reservation can be settled once, and only while it is held")
        self._settled = True
        surplus, self.tokens = self.tokens - used_tokens, used_tokens
        self._limiter._settle(surplus, self._admitted_at)

    def refused(self, retry_after_seconds: float | None) -> None:
        """The provider says that we ask too fast: the whole account rests for a while.

        Args:
            retry_after_seconds: What it asks for; None when it gives no hint, then rests
                double with each refusal.
        """
        self._limiter._refused(self._admitted_at, retry_after_seconds)

    def _release(self) -> None:
        self._settled = True


class _Waiter:
    """A call that waits for its turn."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.admitted_at: float | None = None
        self.withdrawn = False
        self.wake = anyio.Event()
        self.alarm = anyio.CancelScope()
        """Wakes the call at its deadline; only the head of the queue has one."""


class AccountLimiter:
    """The limits of one account: an endpoint, a key and a model.

    Requests per minute, tokens per minute, calls in flight and cool-downs are joined in
    one decision, so a call never holds one of them while it waits for another. Calls wait
    in the order that they bring; only the first can be next, so none starves, and it goes
    at the moment at which it can: the head of the queue holds the only timer.

    The limits hold over any period, plus one second's worth (`Bucket`): tokens are counted
    when a call is admitted, by estimate, and corrected when it is settled. So in a minute
    real use may exceed the limit by what the calls in flight at its start were
    overestimated by.

    For one event loop; every change is made between two awaits, so there are no locks.

    Raises:
        ValueError: A limit is not positive. None means that there is no such limit.
    """

    def __init__(
        self,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        max_in_flight: int | None = None,
    ) -> None:
        if max_in_flight is not None and max_in_flight < 1:
            raise ValueError(f"max_in_flight must be at least 1, not {max_in_flight}")
        self._requests = None if requests_per_minute is None else Bucket(requests_per_minute)
        self._tokens = None if tokens_per_minute is None else Bucket(tokens_per_minute)
        self._max_in_flight = math.inf if max_in_flight is None else max_in_flight
        self._cool_down = CoolDown()
        self._in_flight = 0
        self._queue: list[tuple[tuple[int, ...], int, _Waiter]] = []
        self._arrivals = itertools.count()
        self._waiting = 0
        self._armed: _Waiter | None = None
        self._held_by: Limit | None = None
        self._held_since = 0.0
        self._seconds_waited: dict[Limit, float] = dict.fromkeys(
            ("requests", "tokens", "concurrency", "cool-down"), 0.0
        )

    @property
    def open_reservations(self) -> int:
        """Calls in flight; 0 when a run has ended."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """Calls that wait for their turn; 0 when a run has ended."""
        return self._waiting

    @property
    def seconds_waited(self) -> Mapping[Limit, float]:
        """For each limit, for how long calls were waiting and it held the first of them."""
        self._account(anyio.current_time())
        return dict(self._seconds_waited)

    def limiting(self) -> Limit | Literal["nothing"]:
        """What the first waiting call waits for: the last of its conditions to come true."""
        head = self._head()
        return "nothing" if head is None else self._obstacle(head.tokens)[1]

    @asynccontextmanager
    async def reserve(self, tokens: int, order: tuple[int, ...]) -> AsyncIterator[Reservation]:
        """Wait for a share of every limit and hold it for the time of the block.

        Args:
            tokens: Expected use, input and output together. More than the burst is
                admitted when the bucket is full and leaves a debt.
            order: Calls go lowest first; equal ones in order of arrival.

        A reservation that is not settled keeps its estimate as used. Whoever is cancelled
        while waiting is charged nothing.
        """
        reservation = await self._wait_turn(tokens, order)
        try:
            yield reservation
        finally:
            reservation._release()
            self._in_flight -= 1
            self._admit_ready()

    def pause(self, seconds: float) -> None:
        """Admit nobody for *seconds*; extends a cool-down under way, never shortens it."""
        self._cool_down.extend(seconds, anyio.current_time())
        self._admit_ready()

    async def _wait_turn(self, tokens: int, order: tuple[int, ...]) -> Reservation:
        waiter = _Waiter(tokens)
        heapq.heappush(self._queue, (order, next(self._arrivals), waiter))
        self._waiting += 1
        self._admit_ready()
        try:
            while waiter.admitted_at is None:
                with waiter.alarm:
                    await waiter.wake.wait()
                # The alarm has rung, or we are admitted. A scope that has ended cannot be
                # entered again, and the next deadline must find a fresh one.
                waiter.alarm = anyio.CancelScope()
                self._admit_ready()
        except BaseException:
            self._withdraw(waiter)
            raise
        return Reservation(self, tokens, waiter.admitted_at)

    def _withdraw(self, waiter: _Waiter) -> None:
        """Forget a call that was cancelled, perhaps after its turn had come."""
        if waiter.admitted_at is None:
            waiter.withdrawn = True
            self._waiting -= 1
        else:  # nothing was sent
            self._in_flight -= 1
            self._charge(-1, -waiter.tokens)
        self._admit_ready()

    def _settle(self, surplus: int, sent_at: float) -> None:
        self._cool_down.accepted(sent_at)
        self._charge(0, -surplus)
        self._admit_ready()

    def _refused(self, sent_at: float, retry_after_seconds: float | None) -> None:
        self._cool_down.refused(sent_at, anyio.current_time(), retry_after_seconds)
        self._admit_ready()

    def _charge(self, requests: int, tokens: int) -> None:
        now = anyio.current_time()
        if self._requests is not None:
            self._requests.take(requests, now)
        if self._tokens is not None:
            self._tokens.take(tokens, now)

    def _admit_ready(self) -> None:
        """Admit from the head while it can go, and set the alarm of the one that cannot.

        Called after every change, so that whoever can go has gone.
        """
        now = anyio.current_time()
        self._account(now)
        self._held_by = None
        while (head := self._head()) is not None:
            ready_at, limit = self._obstacle(head.tokens)
            if ready_at > now:
                self._held_by = limit
                self._arm(head, ready_at)
                return
            heapq.heappop(self._queue)
            self._admit(head, now)

    def _admit(self, waiter: _Waiter, now: float) -> None:
        self._waiting -= 1
        self._in_flight += 1
        self._charge(1, waiter.tokens)
        waiter.admitted_at = now
        waiter.wake.set()

    def _head(self) -> _Waiter | None:
        while self._queue and self._queue[0][2].withdrawn:
            heapq.heappop(self._queue)
        return self._queue[0][2] if self._queue else None

    def _obstacle(self, tokens: int) -> tuple[float, Limit]:
        """When a call for *tokens* can go at the earliest, and what it waits for until then."""
        full = self._in_flight >= self._max_in_flight
        obstacles: list[tuple[float, Limit]] = [
            (math.inf if full else -math.inf, "concurrency"),
            (self._cool_down.until, "cool-down"),
        ]
        if self._requests is not None:
            obstacles.append((self._requests.ready_at(1), "requests"))
        if self._tokens is not None:
            obstacles.append((self._tokens.ready_at(tokens), "tokens"))
        return max(obstacles)

    def _arm(self, head: _Waiter, deadline: float) -> None:
        if self._armed is not None and self._armed is not head:
            self._armed.alarm.deadline = math.inf
        self._armed = head
        if head.alarm.deadline != deadline:
            head.alarm.deadline = deadline

    def _account(self, now: float) -> None:
        if self._held_by is not None:
            self._seconds_waited[self._held_by] += now - self._held_since
        self._held_since = now
