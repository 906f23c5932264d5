"""One admission decision for all limits of one account."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import anyio

from simkit.limits.cool_down import CoolDown
from simkit.limits.latency import LatencyGauge
from simkit.limits.meter import Meter
from simkit.limits.record import AccountRecord
from simkit.limits.refusal_cause import RefusalCause
from simkit.limits.reservation import Reservation
from simkit.limits.trouble import Trouble
from simkit.limits.turns import Order, Turns
from simkit.limits.window import ConcurrencyWindow
from simkit.traces.calls import Allowance, Usage
from simkit.traces.provider_errors import RateLimited

Share = Literal["generation", "filters"]
Limit = Literal[
    "requests", "tokens", "input_tokens", "output_tokens", "concurrency", "cool-down", "paused"
]

SHARES: Mapping[Share, float] = {"generation": 1.0, "filters": 1.0}
"""Weights of those who share an account, while both have calls waiting."""

Metered = Literal["requests", "tokens", "input_tokens", "output_tokens"]

_METERED: tuple[Metered, ...] = ("requests", "tokens", "input_tokens", "output_tokens")
_REST_FOR_CONCURRENCY_SECONDS = 1.0
"""A shorter rest asked for because of concurrency is not taken: a smaller window heals it."""
_HEARD_SECONDS = 0.01
"""Headers are listened to so often: at thousands of answers a second most say nothing new."""
_QUOTA_REST_SECONDS = 90.0
"""Resting for so long has to do with a quota, and says nothing about the pace."""
_LONG_REST_SECONDS = 300.0
"""Resting for so long means that a quota is used up, which is worth telling."""


class _Waiter:
    """A call that waits for its turn."""

    __slots__ = ("alarm", "amounts", "reservation", "since", "wake")

    def __init__(self, amounts: tuple[float, ...], now: float) -> None:
        self.amounts = amounts
        self.since = now
        self.reservation: Reservation | None = None
        self.wake: anyio.Event | None = None
        """Set to have it look again; None while it is not asleep."""
        self.alarm: anyio.CancelScope | None = None
        """Wakes it at a deadline; only the head of the queue has one."""


class AccountLimiter:
    """The limits of one account: an endpoint, a key and a model.

    Requests and tokens per minute, calls in flight and cool-downs are joined in one decision,
    so a call never holds one of them while it waits for another. Calls wait by the age of
    their conversation, generation and filters each with a share of their own; only the first
    can be next, so none starves, and it goes at the moment at which it can: the head of the
    queue holds the only timer.

    Limits that are not told are learned: from what answers announce, and from refusals
    (`Meter`, `ConcurrencyWindow`). Limits that are told hold over any period, plus half a
    second's worth (`Bucket`): tokens are counted when a call is admitted, by estimate, and
    corrected when it is settled. So in a minute real use may exceed the limit by what the
    calls in flight at its start were underestimated by.

    For one event loop; every change is made between two awaits, so there are no locks.

    Args:
        max_in_flight: Most calls at once; None to learn it.
        connections: Never more calls at once than this, whatever is learned.
        release_after_seconds: While the account rests for longer than this, calls are not
            kept waiting but get `RateLimited`: for those who can ask elsewhere.
        on_pause: Told when the provider asks for a rest of more than five minutes, with its
            seconds and the provider's words.

    Raises:
        ValueError: A limit is not positive. None means that nobody has told it.
    """

    def __init__(
        self,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        input_tokens_per_minute: float | None = None,
        output_tokens_per_minute: float | None = None,
        max_in_flight: int | None = None,
        connections: float = math.inf,
        release_after_seconds: float | None = None,
        on_pause: Callable[[float, str], None] | None = None,
    ) -> None:
        self._meters: dict[Metered, Meter] = {
            "requests": Meter(requests_per_minute),
            "tokens": Meter(tokens_per_minute),
            "input_tokens": Meter(input_tokens_per_minute),
            "output_tokens": Meter(output_tokens_per_minute),
        }
        self._metered = tuple(self._meters.values())
        self._window = ConcurrencyWindow(told=_at_least_one(max_in_flight), ceiling=connections)
        if requests_per_minute is not None:
            self._window.expect(requests_per_minute / 60)
        self._cool_down = CoolDown()
        self._latency = LatencyGauge()
        self._cause = RefusalCause()
        self.connections = connections
        """The most calls that there may ever be at once."""
        self.record = AccountRecord()
        """What became of the calls so far."""
        self._release_after = math.inf if release_after_seconds is None else release_after_seconds
        self._on_pause = on_pause
        self._pause_told_until = -math.inf
        self._trouble = Trouble()
        self._heard_until = -math.inf
        self._in_flight = 0
        self._on_hold = False
        self._turns: Turns[Share, _Waiter] = Turns(SHARES)
        self._alarmed: _Waiter | None = None
        self._deadline = math.inf
        self._held_by: Limit | None = None
        self._held_since = 0.0
        self._seconds_waited: dict[Limit, float] = dict.fromkeys(
            (*_METERED, "concurrency", "cool-down", "paused"), 0.0
        )

    @property
    def open_reservations(self) -> int:
        """Calls in flight; 0 when a run has ended."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """Calls that wait for their turn; 0 when a run has ended."""
        return len(self._turns)

    @property
    def max_in_flight(self) -> int:
        """The most calls at once at present."""
        return self._window.size

    @property
    def per_minute(self) -> Mapping[Metered, float]:
        """The limits that are known or learned, a minute; calls keep to a little less."""
        rates = {kind: meter.per_minute for kind, meter in self._meters.items()}
        return {kind: rate for kind, rate in rates.items() if rate < math.inf}

    @property
    def seconds_waited(self) -> Mapping[Limit, float]:
        """For each limit, for how long calls were waiting and it held the first of them."""
        self._account(anyio.current_time())
        return dict(self._seconds_waited)

    def limiting(self) -> Limit | Literal["nothing"]:
        """What the first waiting call waits for: the last of its conditions to come true."""
        head = self._turns.head()
        return "nothing" if head is None else self._obstacle(head.amounts)[1]

    async def reserve(
        self, input_tokens: int, output_tokens: int, order: Order, share: Share = "generation"
    ) -> Reservation:
        """Wait for a share of every limit; enter the result at once, with ``with``.

        Args:
            input_tokens: Expected size of what is sent.
            output_tokens: Expected size of the reply. More than a burst is admitted when
                the bucket is full and leaves a debt.
            order: Calls of a share go lowest first; equal ones in order of arrival.

        Whoever is cancelled while waiting is charged nothing.

        Raises:
            RateLimited: The account rests for long, and was told not to keep calls waiting.
        """
        amounts = (
            1.0,
            float(input_tokens + output_tokens),
            float(input_tokens),
            float(output_tokens),
        )
        now = anyio.current_time()
        if not self._turns and self._obstacle(amounts)[0] <= now:
            return self._admit(amounts, now, waited=0.0)
        self._refuse_to_wait(now)
        waiter = _Waiter(amounts, now)
        ticket = self._turns.add(share, order, waiter)
        try:
            self._admit_ready()
            while waiter.reservation is None:
                await self._sleep(waiter)
                if waiter.reservation is None:
                    self._refuse_to_wait(anyio.current_time())
        except BaseException:
            self._withdraw(waiter, ticket)
            raise
        return waiter.reservation

    def pause(self, seconds: float) -> None:
        """Admit nobody for *seconds*; extends a cool-down under way, never shortens it."""
        self._cool_down.extend(seconds, anyio.current_time())
        self._admit_ready()

    def hold(self) -> None:
        """Admit nobody until `release`; calls in flight end, and nothing is learned of it."""
        self._on_hold = True
        self._admit_ready()

    def release(self) -> None:
        """Admit calls again."""
        self._on_hold = False
        self._admit_ready()

    def tell_rate(self, kind: Metered, per_minute: float | None) -> None:
        """Keep to another limit a minute from now on; None: nobody tells it any more.

        What refusals have taught stays. Of what waits, whoever can go by the new limit goes.

        Raises:
            ValueError: It is not positive.
        """
        now = anyio.current_time()
        self._account(now)
        self._meters[kind].tell(per_minute, now)
        if kind == "requests" and per_minute is not None:
            self._window.expect(per_minute / 60)
        self._admit_ready()

    def tell_max_in_flight(self, most: int | None) -> None:
        """Have no more than *most* calls at once from now on; None: learn how many.

        Those in flight beyond it end before another goes.

        Raises:
            ValueError: It is below 1.
        """
        self._account(anyio.current_time())
        self._window.tell(_at_least_one(most), ceiling=self.connections)
        self._admit_ready()

    def settled(
        self,
        reservation: Reservation,
        usage: Usage,
        role: str,
        allowances: Sequence[Allowance],
    ) -> None:
        """For reservations; see `Reservation.settle`."""
        now = anyio.current_time()
        self.record.answered += 1
        self._cool_down.accepted(reservation.sent_at)
        self._trouble.note(failed=False)
        self._cause.accepted(reservation.in_flight, now)
        self._latency.answered(role, now - reservation.sent_at, now)
        if self._held_by == "concurrency":
            self._window.answered(self._speed())
        both = usage.input_tokens + usage.output_tokens
        if both:
            # Hosts that count input apart do not count what their prompt cache served.
            read = usage.input_tokens - usage.cached_input_tokens
            used = (1, both, read, usage.output_tokens)
            for meter, expected, real in zip(self._metered, reservation.amounts, used, strict=True):
                meter.correct(expected - real, now)
        self._hear(reservation, allowances, now)
        self._admit_ready()

    def refused(self, reservation: Reservation, error: RateLimited) -> None:
        """For reservations; see `Reservation.refused`."""
        now = anyio.current_time()
        for kind, amount in zip(_METERED, reservation.amounts, strict=True):
            # Hosts count requests that they refuse, but no tokens of them.
            self._meters[kind].not_admitted(amount, now, charged=kind == "requests")
        rest = error.retry_after_seconds
        if rest is not None and rest >= _QUOTA_REST_SECONDS:
            self._cool_down.extend(rest, now)
            self.record.refused[error.limit or "quota"] += 1
            if rest >= _LONG_REST_SECONDS:
                self._tell_pause(rest, str(error), now)
        else:
            self._learn_from(reservation, error, now)
        if self._cool_down.until - now > self._release_after:
            for waiter in self._turns:
                if waiter.wake is not None:
                    waiter.wake.set()
        self._hear(reservation, error.allowances, now)
        self._admit_ready()

    def _learn_from(self, reservation: Reservation, error: RateLimited, now: float) -> None:
        rest = error.retry_after_seconds
        limit = error.limit or self._cause.of(
            reservation.in_flight, sent_at=reservation.sent_at, now=now
        )
        self.record.refused[limit] += 1
        if limit == "concurrency":
            self._window.refused(reservation.in_flight)
        else:
            self._meters[limit].cut(now, sent_at=reservation.sent_at)
            self._window.acquitted()
        if limit != "concurrency" or error.limit is None or reservation.in_flight == 1:
            self._cool_down.refused(reservation.sent_at, now, rest)
        elif rest is not None and rest >= _REST_FOR_CONCURRENCY_SECONDS:
            self._cool_down.extend(rest, now)

    def failed(self, reservation: Reservation, allowances: Sequence[Allowance]) -> None:
        """For reservations; see `Reservation.failed`."""
        now = anyio.current_time()
        self.record.note_failed(now - reservation.sent_at)
        self._trouble.note(failed=True)
        self._hear(reservation, allowances, now)

    def over(self, reservation: Reservation) -> None:
        """For reservations: a place is free."""
        self._in_flight -= 1
        self._admit_ready()

    def _hear(self, reservation: Reservation, allowances: Sequence[Allowance], now: float) -> None:
        if not allowances or now < self._heard_until:
            return  # the next answer says the same, or more
        self._heard_until = now + _HEARD_SECONDS
        for allowance in allowances:
            if allowance.limit == "concurrency":
                if allowance.per_minute is not None:
                    self._window.announced(allowance.per_minute)
            else:
                if allowance.limit == "requests" and allowance.per_minute is not None:
                    self._window.expect(allowance.per_minute / 60)
                mark = reservation.marks[_METERED.index(allowance.limit)]
                self._meters[allowance.limit].hear(
                    allowance, sent_at=reservation.sent_at, admitted=mark, now=now
                )

    def _refuse_to_wait(self, now: float) -> None:
        rest = self._cool_down.until - now
        if rest > self._release_after:
            raise RateLimited(
                f"the account rests for {rest:.0f} s more, as its provider has asked",
                retry_after_seconds=rest,
            )

    def _tell_pause(self, seconds: float, reason: str, now: float) -> None:
        # Once for all that were in flight when the quota was used up.
        if now + seconds >= self._pause_told_until + _LONG_REST_SECONDS:
            self._pause_told_until = now + seconds
            if self._on_pause is not None:
                self._on_pause(seconds, reason)

    async def _sleep(self, waiter: _Waiter) -> None:
        waiter.wake = anyio.Event()
        try:
            if waiter is self._alarmed:
                with anyio.CancelScope(deadline=self._deadline) as waiter.alarm:
                    await waiter.wake.wait()
                waiter.alarm = None
                if waiter.reservation is None:
                    self._admit_ready()
            else:
                await waiter.wake.wait()
        finally:
            waiter.wake = waiter.alarm = None

    def _withdraw(self, waiter: _Waiter, ticket: int) -> None:
        """Forget a call that was cancelled, perhaps after its turn had come."""
        if waiter.reservation is None:
            self._turns.withdraw(ticket)
        else:  # nothing was sent
            self._in_flight -= 1
            now = anyio.current_time()
            for meter, amount in zip(self._metered, waiter.amounts, strict=True):
                meter.correct(amount, now)
        self._admit_ready()

    def _admit_ready(self) -> None:
        """Admit from the head while it can go, and set the alarm of the one that cannot.

        Called after every change, so that whoever can go has gone.
        """
        if not self._turns and self._held_by is None:
            return
        now = anyio.current_time()
        self._account(now)
        self._held_by = None
        while (head := self._turns.head()) is not None:
            ready_at, limit = self._obstacle(head.amounts)
            if ready_at > now:
                self._held_by = limit
                self._arm(head, ready_at)
                return
            self._turns.pop(head.amounts[1] or 1.0)
            head.reservation = self._admit(head.amounts, now, waited=now - head.since)
            if head.wake is not None:
                head.wake.set()

    def _admit(self, amounts: tuple[float, ...], now: float, *, waited: float) -> Reservation:
        self._in_flight += 1
        self.record.admitted(self._in_flight)
        for meter, amount in zip(self._metered, amounts, strict=True):
            meter.take(amount, now)
        return Reservation(
            self,
            amounts,
            sent_at=now,
            waited_seconds=waited,
            in_flight=self._in_flight,
            marks=tuple([meter.admitted for meter in self._metered]),
        )

    def _obstacle(self, amounts: tuple[float, ...]) -> tuple[float, Limit]:
        """When a call can go at the earliest, and what it waits for until then."""
        if self._on_hold:
            return math.inf, "paused"
        if self._in_flight >= self._window.size:
            return math.inf, "concurrency"
        latest: float = self._cool_down.until
        limit: Limit = "cool-down"
        for kind, meter, amount in zip(_METERED, self._metered, amounts, strict=True):
            ready_at = meter.ready_at(amount)
            if ready_at > latest:
                latest, limit = ready_at, kind
        return latest, limit

    def _arm(self, head: _Waiter, deadline: float) -> None:
        if self._alarmed is not head:
            if self._alarmed is not None and self._alarmed.alarm is not None:
                self._alarmed.alarm.deadline = math.inf
            self._alarmed = head
        if self._deadline != deadline or head.alarm is None:
            self._deadline = deadline
            if head.alarm is not None:
                head.alarm.deadline = deadline
            elif head.wake is not None and deadline < math.inf:
                head.wake.set()  # asleep without an alarm: it lies down again with one

    def _account(self, now: float) -> None:
        """Note for how long what has held the first call, and let that grow."""
        held, seconds = self._held_by, now - self._held_since
        self._held_since = now
        if held is None or seconds <= 0:
            return
        self._seconds_waited[held] += seconds
        if held == "concurrency":
            self._window.grow(seconds, self._speed())
        elif held != "cool-down" and held != "paused":
            self._meters[held].grow(seconds, self._speed(), now)

    def _speed(self) -> float:
        """How fast limits may grow now."""
        return self._trouble.speed * self._latency.speed


def _at_least_one(most: int | None) -> int | None:
    if most is not None and most < 1:
        raise ValueError(f"max_in_flight must be at least 1, not {most}")
    return most
