"""A client that waits for its turn."""

from __future__ import annotations

from dataclasses import replace

import anyio

from simkit.limits import AccountLimiter
from simkit.traces.calls import AgentRole, Answer, ChatClient, ChatRequest, Usage
from simkit.traces.provider_errors import RateLimited, Retryable


class Limited:
    """Any client, made to reserve its share of an account's limits before each call.

    What a call will use is estimated from its size and from earlier replies, and settled
    when the provider has counted. Older conversations go first.
    """

    def __init__(self, inner: ChatClient, limiter: AccountLimiter) -> None:
        self._inner = inner
        self._limiter = limiter
        self._expectation = TokenExpectation()

    @property
    def model(self) -> str:
        return self._inner.model

    async def complete(self, request: ChatRequest) -> Answer:
        """Wait for a share of the limits, then ask; see `ChatClient`.

        Adds the time in the queue to the answer's ``queued_seconds``, or to the error's.
        """
        asked = anyio.current_time()
        expected = self._expectation.of(request)
        order = (request.site.scenario,)
        async with self._limiter.reserve(expected, order) as reservation:
            waited = anyio.current_time() - asked
            try:
                answer = await self._inner.complete(request)
            except Retryable as error:
                error.queued_seconds += waited
                if isinstance(error, RateLimited):
                    reservation.refused(error.retry_after_seconds)
                raise
            usage = answer.completion.usage
            reservation.settle(usage.input_tokens + usage.output_tokens or expected)
            self._expectation.learn(request, usage)
        times = replace(
            answer.times,
            started_at=answer.times.started_at - waited,
            queued_seconds=answer.times.queued_seconds + waited,
            total_seconds=answer.times.total_seconds + waited,
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
        self._output_tokens: dict[AgentRole, float] = {}

    def of(self, request: ChatRequest) -> int:
        """The expected tokens of *request*, input and output together; at least 1."""
        output = self._output_tokens.get(request.site.role, self.FIRST_OUTPUT_TOKENS)
        if request.max_output_tokens is not None:
            output = min(output, request.max_output_tokens)
        return max(round(request.input_characters * self._tokens_per_character + output), 1)

    def learn(self, request: ChatRequest, usage: Usage) -> None:
        """Take in what a call has used; counts of 0 are a provider's silence and ignored."""
        if usage.input_tokens:
            ratio = usage.input_tokens / request.input_characters
            self._tokens_per_character += self.WEIGHT * (ratio - self._tokens_per_character)
        if usage.output_tokens:
            role = request.site.role
            mean = self._output_tokens.get(role, self.FIRST_OUTPUT_TOKENS)
            self._output_tokens[role] = mean + self.WEIGHT * (usage.output_tokens - mean)
