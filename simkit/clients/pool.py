"""Several accounts that answer as one client."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

import anyio
import structlog

from simkit.clients.health import Health
from simkit.clients.limited import after_waiting
from simkit.traces.calls import AnswerT, Client, RequestT
from simkit.traces.provider_errors import AccountProblem, Retryable

_log = structlog.get_logger()

CONVERSATIONS_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Generic[RequestT, AnswerT]):
    """An account that a pool may ask."""

    client: Client[RequestT, AnswerT]
    backlog: Callable[[], float]
    """How many calls the account has, waiting and in flight."""
    weight: float = 1.0
    """Its share of the work, above 0."""


class Pool(Generic[RequestT, AnswerT]):
    """Accounts of one model, and fallbacks of other models, as one client.

    A conversation stays with the member that it began with, whose prompt cache knows it. A
    new one goes to the member with the least work for its weight; where that is equal, to
    the one that has been given the fewest conversations for its weight. Members that fail
    rest (`Health`) and their conversations go to others, and stay there. *fallbacks* are
    used, the first that can be, while no member can.

    An attempt that fails raises its error: whoever owns retries tries again, and is sent to
    another member if this one is sick by then. Only a member whose account has a problem is
    replaced at once; it is out for as long as the pool lives.

    Raises:
        ValueError: There is no member.
    """

    def __init__(
        self,
        members: Sequence[Member[RequestT, AnswerT]],
        fallbacks: Sequence[Member[RequestT, AnswerT]] = (),
        *,
        conversations_remembered: int = CONVERSATIONS_REMEMBERED,
    ) -> None:
        if not members:
            raise ValueError("a pool needs at least one member")
        self._members = [_Seat(member) for member in members]
        self._fallbacks = [_Seat(member) for member in fallbacks]
        self._seat_of: OrderedDict[int, _Seat[RequestT, AnswerT]] = OrderedDict()
        """Conversation to its member, the longest unused first."""
        self._conversations_remembered = conversations_remembered

    @property
    def model(self) -> str:
        """The members' model; a fallback's answer names its own."""
        return self._members[0].client.model

    async def complete(self, request: RequestT) -> AnswerT:
        """Ask the member that the conversation belongs to; see `Client`.

        While none can be used, the sick one whose rest ends first is asked: at once when it
        has only failed, and after its rest when its provider has asked for that.

        Raises:
            AccountProblem: Every member and fallback is out; this is the first one's.
        """
        waited = 0.0
        while True:
            seat = self._choose(request.scenario)
            rest = seat.health.told_rest(anyio.current_time())
            if rest > 0:
                await anyio.sleep(rest)
                waited += rest
                continue
            try:
                answer = await seat.complete(request)
            except AccountProblem as problem:
                seat.leave(problem)
            except Retryable as error:
                error.queued_seconds += waited
                raise
            else:
                return after_waiting(answer, waited)

    def _choose(self, scenario: int) -> _Seat[RequestT, AnswerT]:
        seat = self._seat_of.get(scenario)
        if seat is None or not seat.health.is_well:
            seat = self._best(anyio.current_time())
            if seat is None:
                return self._first_to_return()
            seat.conversations += 1
            self._seat_of[scenario] = seat
        self._seat_of.move_to_end(scenario)
        if len(self._seat_of) > self._conversations_remembered:
            self._seat_of.popitem(last=False)
        return seat

    def _best(self, now: float) -> _Seat[RequestT, AnswerT] | None:
        usable = [seat for seat in self._members if seat.health.may_be_asked(now)]
        if usable:
            return min(usable, key=_Seat.load)
        return next((seat for seat in self._fallbacks if seat.health.may_be_asked(now)), None)

    def _first_to_return(self) -> _Seat[RequestT, AnswerT]:
        """Who is asked when none is well; the conversation's own member stays remembered."""
        seats = self._members + self._fallbacks
        sick = [seat for seat in seats if seat.health.problem is None]
        if sick:
            return min(sick, key=lambda seat: seat.health.rests_until or 0.0)
        problem = self._members[0].health.problem
        assert problem is not None  # noqa: S101 - none is left, so the first is out
        # Raised for many calls, it must not collect what has led to each.
        raise problem.with_traceback(None)


class _Seat(Generic[RequestT, AnswerT]):
    """A member with what the pool knows about it."""

    def __init__(self, member: Member[RequestT, AnswerT]) -> None:
        self.client = member.client
        self._backlog = member.backlog
        self._weight = member.weight
        self.health = Health()
        self.conversations = 0
        """How many have been sent here."""

    def load(self) -> tuple[float, float]:
        """Work for its weight, now and so far: the lowest is next."""
        return self._backlog() / self._weight, self.conversations / self._weight

    async def complete(self, request: RequestT) -> AnswerT:
        spell = self.health.begin()
        try:
            answer = await self.client.complete(request)
        except Retryable as error:
            self.health.failed(spell, error, anyio.current_time())
            raise
        else:
            self.health.answered(spell)
            return answer
        finally:
            self.health.end(spell)

    def leave(self, problem: AccountProblem) -> None:
        """Be out for good; the first call to find out says so."""
        if self.health.problem is None:
            self.health.problem = problem
            _log.warning(
                "an account cannot be used and is left out of this run",
                model=self.client.model,
                cause=problem.cause,
                problem=str(problem),
            )
