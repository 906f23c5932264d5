"""The only owner of retries."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import anyio
from tenacity import RetryCallState, retry_if_exception_type
from tenacity.asyncio import AsyncRetrying

from simkit.traces.calls import Answer, ChatClient, ChatRequest
from simkit.traces.events import CallRetried
from simkit.traces.provider_errors import ProviderUnavailable, RateLimited, Retryable


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how patiently a call is repeated.

    Rate limits have a budget of their own and use up no attempts: how fast an account may
    be asked must not decide which conversations succeed.
    """

    attempts: int = 8
    """Calls in all for a request that the provider fails to answer; at least 1."""
    min_pause_seconds: float = 1.0
    max_pause_seconds: float = 60.0
    """Longest pause after a failure, also when the provider asks for more."""
    rate_limit_patience_seconds: float = 6 * 3600.0
    """Pauses in all for a request that the provider refuses as too fast: long, since giving
    up would make a failed conversation of what is only a slow one."""


class Retrying:
    """Any client, made to repeat calls that are worth another try.

    Pauses are drawn from *jitter*, which decides when things happen, never what. *on_retry*
    is told before each pause.
    """

    def __init__(
        self,
        inner: ChatClient,
        policy: RetryPolicy,
        *,
        jitter: random.Random,
        on_retry: Callable[[CallRetried], None] | None = None,
    ) -> None:
        self._inner = inner
        self._policy = policy
        self._jitter = jitter
        self._on_retry = on_retry

    @property
    def model(self) -> str:
        return self._inner.model

    async def complete(self, request: ChatRequest) -> Answer:
        """Ask until there is an answer or the policy's budget is spent; see `ChatClient`.

        Raises:
            Retryable: The last attempt's error; its message says how many there were.
        """
        asked = anyio.current_time()
        budget = _Budget(self._policy, self._jitter)
        attempts = AsyncRetrying(
            sleep=anyio.sleep,
            retry=retry_if_exception_type(Retryable),
            wait=budget.pause_seconds,
            stop=budget.is_spent,
            before_sleep=partial(self._announce, request),
            reraise=True,
        )
        try:
            answer: Answer = await attempts(self._inner.complete, request)
        except Retryable as error:
            error.args = (f"{error} (gave up after {_count(budget.calls)})",)
            raise
        finally:
            # tenacity's state refers to itself. Broken here, it goes at once, and takes the
            # request and the reply with it; thousands of them would wait for the collector.
            attempts.iter_state.reset()
        return _timed(answer, budget, total=anyio.current_time() - asked)

    def _announce(self, request: ChatRequest, state: RetryCallState) -> None:
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


class _Budget:
    """What is left of a policy for one request; tenacity asks for the pause, then for the end."""

    def __init__(self, policy: RetryPolicy, jitter: random.Random) -> None:
        self._policy = policy
        self._jitter = jitter
        self._failures = 0
        self._refusals = 0
        self._waited_seconds = 0.0
        """Pauses for rate limits so far, the coming one included."""
        self.queued_seconds = 0.0
        """What the failed attempts had waited for the limits."""

    @property
    def calls(self) -> int:
        """Attempts that ended in an error so far."""
        return self._failures + self._refusals

    def pause_seconds(self, state: RetryCallState) -> float:
        error = _error(state)
        self.queued_seconds += error.queued_seconds
        if isinstance(error, RateLimited):
            self._refusals += 1
            pause = max(error.retry_after_seconds or 0.0, self._backoff(self._refusals))
            self._waited_seconds += pause
            return pause
        self._failures += 1
        asked = error.retry_after_seconds if isinstance(error, ProviderUnavailable) else None
        longest = self._policy.max_pause_seconds
        return max(min(asked or 0.0, longest), self._backoff(self._failures))

    def is_spent(self, state: RetryCallState) -> bool:
        if isinstance(_error(state), RateLimited):
            return self._waited_seconds > self._policy.rate_limit_patience_seconds
        return self._failures >= self._policy.attempts

    def _backoff(self, count: int) -> float:
        """Full jitter: anything from the shortest pause to one that doubles each time.

        The spread keeps calls that failed together from coming back together.
        """
        shortest, longest = self._policy.min_pause_seconds, self._policy.max_pause_seconds
        # Doubling more than 30 times changes nothing but overflows in the end.
        return self._jitter.uniform(shortest, min(longest, shortest * 2 ** min(count, 30)))


def _error(state: RetryCallState) -> Retryable:
    """The error of the attempt that was just made; asked for only where there is one."""
    error = state.outcome.exception() if state.outcome is not None else None
    assert isinstance(error, Retryable)  # noqa: S101 - the retry condition has checked it
    return error


def _count(calls: int) -> str:
    return "1 attempt" if calls == 1 else f"{calls} attempts"


def _timed(answer: Answer, budget: _Budget, *, total: float) -> Answer:
    # The answer's own start is that of the last attempt; both ended at the same moment.
    ended_at = answer.times.started_at + answer.times.total_seconds
    times = replace(
        answer.times,
        started_at=ended_at - total,
        queued_seconds=answer.times.queued_seconds + budget.queued_seconds,
        total_seconds=total,
        attempts=budget.calls + 1,
    )
    return replace(answer, times=times)
