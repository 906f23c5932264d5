"""What a probe sees of its provider: every attempt that is sent, and what became of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Literal

import anyio

from simkit.accounts import Transport
from simkit.traces.calls import Allowance, Answer, ChatRequest, LimitKind
from simkit.traces.provider_errors import ProviderError, RateLimited

Outcome = Literal["answered", "refused", "failed"]

_CHARACTERS_PER_TOKEN = 4
"""Of English; only until the provider has counted once."""
_EPISODE_SECONDS = 0.5
"""What is refused within it of another was sent before anybody knew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call as it was sent; times are seconds of the event loop's clock."""

    sent_at: float
    ended_at: float
    role: str
    question: Hashable = None
    """The same for all attempts at one call; None where that is not known."""
    number: int
    """Counts the attempts of the account in the order in which they were sent."""
    in_flight: int
    """Calls at once when it was sent, itself included."""
    outcome: Outcome
    input_tokens: int
    """As the provider counted, else estimated from the size."""
    output_tokens: int = 0
    limit: LimitKind | None = None
    """What refused it, where the provider said so."""
    retry_after_seconds: float | None = None
    problem: str = ""
    """Of a failed one, what happened."""

    @property
    def seconds(self) -> float:
        return self.ended_at - self.sent_at


@dataclass(slots=True)
class AttemptLog:
    """The attempts of one account, in the order in which they ended."""

    attempts: list[Attempt] = field(default_factory=list)
    announced: dict[LimitKind, float] = field(default_factory=dict)
    """Limits that the provider's answers told last."""
    sent: int = 0
    in_flight: int = 0
    answered: int = 0
    _tokens: int = 0
    _characters: int = 0

    @contextmanager
    def sending(self) -> Iterator[tuple[int, int]]:
        """A call is being made; gives its number, and how many there are, itself included."""
        self.sent += 1
        self.in_flight += 1
        try:
            yield self.sent, self.in_flight
        finally:
            self.in_flight -= 1

    def hear(self, allowances: tuple[Allowance, ...]) -> None:
        """An answer told of the limits."""
        for allowance in allowances:
            if allowance.per_minute is not None:
                self.announced[allowance.limit] = allowance.per_minute

    def learn(self, characters: int, tokens: int) -> None:
        """The provider counted so many input *tokens* for so many *characters*."""
        if tokens:
            self._tokens += tokens
            self._characters += characters

    def estimate(self, characters: int) -> int:
        """Input tokens of a request that the provider did not count."""
        if not self._characters:
            return max(1, characters // _CHARACTERS_PER_TOKEN)
        return max(1, round(characters * self._tokens / self._characters))


class Watched:
    """A transport whose attempts are noted in *log*; nothing else changes.

    Args:
        on_sending: Told of each attempt before it is sent.
    """

    def __init__(
        self,
        inner: Transport[ChatRequest, Answer],
        log: AttemptLog,
        on_sending: Callable[[], None] = lambda: None,
    ) -> None:
        self._inner = inner
        self._log = log
        self._on_sending = on_sending

    @property
    def model(self) -> str:
        return self._inner.model

    async def check(self) -> None:
        """See `Transport`."""
        await self._inner.check()

    async def complete(self, request: ChatRequest) -> Answer:
        """Ask, and note how it went; see `Client`. A cancelled call is not noted."""
        self._on_sending()
        log, characters = self._log, request.input_characters
        sent_at = anyio.current_time()
        with log.sending() as (number, in_flight):
            attempt = partial(
                Attempt,
                sent_at=sent_at,
                role=request.role,
                question=request.site,
                number=number,
                in_flight=in_flight,
            )
            try:
                answer = await self._inner.complete(request)
            except ProviderError as error:
                log.hear(error.allowances)
                log.attempts.append(_failed(attempt, error, log.estimate(characters)))
                raise
        usage = answer.usage
        log.hear(answer.allowances)
        log.learn(characters, usage.input_tokens)
        log.answered += 1
        answered = attempt(
            ended_at=anyio.current_time(),
            outcome="answered",
            input_tokens=usage.input_tokens or log.estimate(characters),
            output_tokens=usage.output_tokens,
        )
        log.attempts.append(answered)
        return answer


def _failed(attempt: partial[Attempt], error: ProviderError, input_tokens: int) -> Attempt:
    ended_at = anyio.current_time()
    if not isinstance(error, RateLimited):
        return attempt(
            ended_at=ended_at, outcome="failed", input_tokens=input_tokens, problem=str(error)
        )
    return attempt(
        ended_at=ended_at,
        outcome="refused",
        input_tokens=input_tokens,
        limit=error.limit,
        retry_after_seconds=error.retry_after_seconds,
    )


def episodes(attempts: Iterable[Attempt]) -> int:
    """Moments at which *attempts* were refused; refusals of one burst count once."""
    times = sorted(attempt.sent_at for attempt in attempts if attempt.outcome == "refused")
    return sum(after - before > _EPISODE_SECONDS for before, after in pairwise([-math.inf, *times]))
