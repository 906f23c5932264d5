"""The only owner of retries."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

import anyio
from tenacity import RetryCallState, retry_if_exception_type
from tenacity.asyncio import AsyncRetrying

from simkit.clients.retry_budget import RetryBudget
from simkit.clients.silence import Silence
from simkit.traces.calls import Answered, AnswerT, Client, RequestT
from simkit.traces.events import CallRetried
from simkit.traces.provider_errors import (
    BudgetSpent,
    ProviderUnavailable,
    RateLimited,
    Refused,
    Retryable,
    StoppedAnswering,
    UnusableReply,
)

AnyAnswer = TypeVar("AnyAnswer", bound=Answered)

_REFUSAL_PAUSE_SECONDS = (0.01, 0.05)
"""After a rate limit: the limiter below does the waiting; this keeps one that does not
wait from spinning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how patiently a call is repeated.

    Rate limits use up no attempts: how fast an account may be asked must not decide which
    conversations succeed.
    """

    attempts: int = 8
    """Calls in all for a request that the provider fails to answer; at least 1."""
    unusable_attempts: int = 4
    """Of these, calls that may bring an unusable reply: each is paid for."""
    min_pause_seconds: float = 1.0
    max_pause_seconds: float = 60.0
    """Longest pause after a failure, also when the provider asks for more."""
    rate_limit_patience_seconds: float = 36 * 3600.0
    """How long after its first refusal a request may still be refused as too fast: more than
    a day, since some quotas come back daily, and giving up would make a failed conversation
    of what is only a slow one."""

    def longest_pause_seconds(self, failures: int) -> float:
        """Longest pause after so many failures of a call, unless its provider asks for more."""
        # Doubling more than 30 times changes nothing but overflows in the end.
        return min(self.max_pause_seconds, self.min_pause_seconds * 2.0 ** min(failures, 30))

    @property
    def patience_seconds(self) -> float:
        """All pauses of a call that fails to the end, at their longest."""
        return sum(map(self.longest_pause_seconds, range(1, self.attempts)))


class Retrying(Generic[RequestT, AnswerT]):
    """Any client, made to repeat calls that are worth another try.

    After a rate limit the call goes straight back to *inner*, whose limiter knows when the
    account may be asked again and lets older conversations go first. After a failure there
    is a pause that doubles, and then a token of *budget* is waited for. Once nobody has
    answered for so long that no call can be expected to succeed (`Silence`), the next failure
    is that of the account.

    Args:
        budget: Shared by all calls of an account; None: this client has one of its own.
        jitter: Draws the pauses: it decides when things happen, never what.
        on_retry: Told before each pause.
        clock: Measures patience and silence, in seconds; one that stands still while the run
            is paused. None: anyio's.
    """

    def __init__(
        self,
        inner: Client[RequestT, AnswerT],
        policy: RetryPolicy,
        *,
        jitter: random.Random,
        budget: RetryBudget | None = None,
        on_retry: Callable[[CallRetried], None] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._inner = inner
        self._policy = policy
        self._jitter = jitter
        self._budget = budget or RetryBudget()
        self._on_retry = on_retry
        self._silence = Silence(policy.patience_seconds)
        self._clock = clock or anyio.current_time

    @property
    def model(self) -> str:
        return self._inner.model

    async def complete(self, request: RequestT) -> AnswerT:
        """Ask until there is an answer or the policy is exhausted; see `Client`.

        Raises:
            Retryable: The last attempt's error; its message says how many there were.
            StoppedAnswering: Nobody has answered this or any other call for long.
        """
        asked_at = anyio.current_time()
        try:
            answer = await self._ask(request)
        except Retryable as error:
            history = _History(self._policy, self._jitter, error, self._clock)
            if not isinstance(error, RateLimited):
                self._silence.call_failed(self._clock())
        else:
            # Nearly every call ends here, having cost nothing of tenacity's.
            self._budget.answered()
            return answer
        return await self._repeat(request, history, asked_at)

    async def _ask(self, request: RequestT) -> AnswerT:
        """One attempt; whatever shows that there is somebody who answers ends the silence."""
        try:
            answer = await self._inner.complete(request)
        except (RateLimited, Refused) as error:
            if not isinstance(error, BudgetSpent):  # which is ours
                self._silence.end()
            raise
        self._silence.end()
        return answer

    async def _repeat(self, request: RequestT, history: _History, asked_at: float) -> AnswerT:
        attempts = AsyncRetrying(
            sleep=anyio.sleep,
            retry=retry_if_exception_type(Retryable),
            wait=history.pause_seconds,
            stop=history.is_exhausted,
            before_sleep=partial(self._announce, request),
            reraise=True,
        )
        try:
            answer: AnswerT = await attempts(self._attempt, request, history)
        except Retryable as error:
            error.args = (f"{error} (gave up after {_count(history.calls)})",)
            if not isinstance(error, RateLimited):
                self._silence.call_lost(self._clock())
                self._stop_if_lost(error)
            raise
        finally:
            # tenacity's state refers to itself. Broken here, it goes at once, and takes the
            # request and the reply with it; thousands of them would wait for the collector.
            attempts.iter_state.reset()
        return _timed(answer, history, total=anyio.current_time() - asked_at)

    async def _attempt(self, request: RequestT, history: _History) -> AnswerT:
        """One attempt of tenacity's; its first is the one that has failed already."""
        history.raise_first()
        if not history.failures:  # it was only refused
            answer = await self._ask(request)
        else:
            answer = await self._attempt_with_token(request)
        self._budget.answered()
        return answer

    async def _attempt_with_token(self, request: RequestT) -> AnswerT:
        await self._budget.withdraw()
        spent = False
        try:
            return await self._ask(request)
        except (ProviderUnavailable, UnusableReply) as error:
            spent = True
            self._stop_if_lost(error)
            raise
        finally:
            if not spent:
                self._budget.give_back()

    def _stop_if_lost(self, error: Retryable) -> None:
        now = self._clock()
        if self._silence.is_final(now):
            raise StoppedAnswering(
                f"{self.model} has given no usable answer since {self._silence.told(now)}: {error}"
            ) from error

    def _announce(self, request: RequestT, state: RetryCallState) -> None:
        if self._on_retry is not None:
            self._on_retry(
                CallRetried(
                    scenario=request.scenario,
                    role=request.role,
                    cause=_error(state).cause,
                    attempt=state.attempt_number,
                    pause_seconds=state.upcoming_sleep,
                )
            )


class _History:
    """What has become of one request so far, starting with the failure of its first attempt.

    After each attempt tenacity asks for the pause, then for the end.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        jitter: random.Random,
        first: Retryable,
        clock: Callable[[], float],
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._jitter = jitter
        self._first: Retryable | None = first
        self._refusals = 0
        self._first_refused_at = 0.0
        self._unusable = 0
        self.failures = 0
        """Attempts that failed otherwise than by a rate limit."""
        self.queued_seconds = 0.0
        """What the failed attempts had waited for the limits."""

    @property
    def calls(self) -> int:
        """Attempts that ended in an error so far."""
        return self.failures + self._refusals

    def raise_first(self) -> None:
        """Raise the first attempt's error, once."""
        error, self._first = self._first, None
        try:
            if error is not None:
                raise error
        finally:
            del error  # it refers to this frame; see `Retrying._repeat` on cycles

    def pause_seconds(self, state: RetryCallState) -> float:
        error = _error(state)
        self.queued_seconds += error.queued_seconds
        if isinstance(error, RateLimited):
            if not self._refusals:
                self._first_refused_at = self._clock()
            self._refusals += 1
            return self._jitter.uniform(*_REFUSAL_PAUSE_SECONDS)
        self.failures += 1
        self._unusable += isinstance(error, UnusableReply)
        asked = error.retry_after_seconds if isinstance(error, ProviderUnavailable) else None
        longest = self._policy.max_pause_seconds
        return max(min(asked or 0.0, longest), self._backoff())

    def is_exhausted(self, state: RetryCallState) -> bool:
        policy = self._policy
        if isinstance(_error(state), RateLimited):
            refused_for = self._clock() - self._first_refused_at
            return refused_for > policy.rate_limit_patience_seconds
        return self.failures >= policy.attempts or self._unusable >= policy.unusable_attempts

    def _backoff(self) -> float:
        """A pause that doubles each time, with its upper half left to chance.

        The spread keeps calls that failed together from coming back together; the lower half
        has eight attempts outlast an outage of a minute, whatever is drawn.
        """
        most = self._policy.longest_pause_seconds(self.failures)
        return self._jitter.uniform(max(self._policy.min_pause_seconds, most / 2), most)


def _error(state: RetryCallState) -> Retryable:
    """The error of the attempt that was just made; asked for only where there is one."""
    error = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(error, Retryable)  # noqa: S101 - the retry condition has checked it
    return error


def _count(calls: int) -> str:
    return "1 attempt" if calls == 1 else f"{calls} attempts"


def _timed(answer: AnyAnswer, history: _History, *, total: float) -> AnyAnswer:
    # The answer's own start is that of the last attempt; both ended at the same moment.
    ended_at = answer.times.started_at + answer.times.total_seconds
    times = replace(
        answer.times,
        started_at=ended_at - total,
        queued_seconds=answer.times.queued_seconds + history.queued_seconds,
        total_seconds=total,
        attempts=history.calls + 1,
    )
    return replace(answer, times=times)
