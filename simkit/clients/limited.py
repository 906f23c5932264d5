"""A client that waits for its turn."""

from __future__ import annotations

from dataclasses import replace
from typing import Generic, TypeVar

from simkit.limits import AccountLimiter
from simkit.limits.limiter import Share
from simkit.traces.calls import Answered, Client, Request, Usage
from simkit.traces.provider_errors import RateLimited, Retryable

RequestT = TypeVar("RequestT", bound=Request)
AnswerT = TypeVar("AnswerT", bound=Answered)


class Limited(Generic[RequestT, AnswerT]):
    """Any client, made to reserve its share of an account's limits before each call.

    What a call will use is estimated from its size and from earlier replies, and settled
    when the provider has counted. Older conversations go first; judges have a share of
    their own.
    """

    def __init__(self, inner: Client[RequestT, AnswerT], limiter: AccountLimiter) -> None:
        self._inner = inner
        self._limiter = limiter
        self._expectation = TokenExpectation()

    @property
    def model(self) -> str:
        return self._inner.model

    async def complete(self, request: RequestT) -> AnswerT:
        """Wait for a share of the limits, then ask; see `Client`.

        Adds the time in the queue to the answer's ``queued_seconds``, or to the error's.
        """
        role = request.role
        share: Share = "filters" if role == "judge" else "generation"
        characters = request.input_characters
        expected = self._expectation.of(request, characters)
        with await self._limiter.reserve(
            expected.input_tokens, expected.output_tokens, (request.scenario,), share
        ) as reservation:
            waited = reservation.waited_seconds
            try:
                answer = await self._inner.complete(request)
            except Retryable as error:
                error.queued_seconds += waited
                if isinstance(error, RateLimited):
                    reservation.refused(error)
                else:
                    reservation.failed(error.allowances)
                raise
            usage = answer.usage
            reservation.settle(usage, role=role, allowances=answer.allowances)
            self._expectation.learn(request, characters, usage)
        return after_waiting(answer, waited)


def after_waiting(answer: AnswerT, seconds: float) -> AnswerT:
    """*answer* to a call that had waited for the limits for *seconds* before it was sent."""
    if seconds <= 0:
        return answer
    times = replace(
        answer.times,
        started_at=answer.times.started_at - seconds,
        queued_seconds=answer.times.queued_seconds + seconds,
        total_seconds=answer.times.total_seconds + seconds,
    )
    return replace(answer, times=times)


class TokenExpectation:
    """How many tokens a call will use, learned from what calls have used."""

    FIRST_CHARACTERS_PER_TOKEN = 4.0
    FIRST_OUTPUT_TOKENS = 300.0
    WEIGHT = 0.05
    """Of the newest reply in the running means: they follow conversations as these grow."""

    def __init__(self) -> None:
        self._tokens_per_character = 1 / self.FIRST_CHARACTERS_PER_TOKEN
        # Apart by role: a judge says "yes" where an assistant writes a page.
        self._output_tokens: dict[str, float] = {}

    def of(self, request: Request, characters: int) -> Usage:
        """The expected tokens of *request*, of so many input *characters*; at least 1 in."""
        output = self._output_tokens.get(request.role, self.FIRST_OUTPUT_TOKENS)
        if request.max_output_tokens is not None:
            output = min(output, request.max_output_tokens)
        sent = max(round(characters * self._tokens_per_character), 1)
        return Usage(input_tokens=sent, output_tokens=round(output))

    def learn(self, request: Request, characters: int, usage: Usage) -> None:
        """Take in what a call has used; counts of 0 are a provider's silence and ignored."""
        if usage.input_tokens and characters:
            ratio = usage.input_tokens / characters
            self._tokens_per_character += self.WEIGHT * (ratio - self._tokens_per_character)
        if usage.output_tokens:
            mean = self._output_tokens.get(request.role, self.FIRST_OUTPUT_TOKENS)
            self._output_tokens[request.role] = mean + self.WEIGHT * (usage.output_tokens - mean)
