"""A provider that enforces limits, takes its time and fails, without a network.

For virtual time. It counts as the stand-in provider does, and refuses as hosted ones do: at
once, telling as much about the limit as its terms say.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import anyio

from simkit.standin.limits import LimitExceeded, ProviderLimits
from simkit.standin.settings import StandinError, StandinSettings
from simkit.traces.calls import Allowance
from simkit.traces.provider_errors import ProviderUnavailable, RateLimited
from simkit.tuning.terms import ProviderTerms, TermsError

REFUSAL_SECONDS = 0.005
"""A refusal takes a round trip and no thinking."""
_TOLD_SECONDS = 0.01
"""Headers say nothing new more often than a limiter listens."""


class SimulatedProvider:
    """One account at a provider; made inside the event loop that asks it.

    Args:
        terms: What it enforces, and what it tells of that.
        failure_share: Of the attempts that no limit refuses; these fail with a server error.
        draw: Decides which.

    Raises:
        TermsError: The limits cannot be enforced, e.g. none in a window.
    """

    def __init__(
        self, terms: ProviderTerms, *, failure_share: float = 0.0, draw: random.Random
    ) -> None:
        self._terms = terms
        self._failure_share = failure_share
        self._draw = draw
        self._limits = ProviderLimits(_settings(terms), anyio.current_time())
        self._told_at = -_TOLD_SECONDS

    @property
    def in_flight(self) -> int:
        """Calls that are being answered."""
        return self._limits.in_flight

    async def serve(
        self, input_tokens: int, output_tokens: int, seconds: Callable[[int, bool], float]
    ) -> tuple[Allowance, ...]:
        """Take a call of so many tokens; returns when it is answered, with what headers tell.

        Args:
            seconds: Gives how long it takes with so many calls in flight, itself included, and
                whether it fails in the end.

        Raises:
            RateLimited: A limit forbids it now.
            ProviderUnavailable: It has failed.
        """
        exceeded = self._limits.admit(input_tokens, anyio.current_time())
        if exceeded is not None:
            await anyio.sleep(REFUSAL_SECONDS)
            raise self._refusal(exceeded)
        try:
            fails = bool(self._failure_share) and self._draw.random() < self._failure_share
            if not fails:
                self._limits.take_output(output_tokens, anyio.current_time())
            await anyio.sleep(seconds(self._limits.in_flight, fails))
        finally:
            self._limits.leave()
        if fails:
            failure = ProviderUnavailable("the simulated provider had an error")
            failure.allowances = self._headers()
            raise failure
        return self._headers()

    def _refusal(self, exceeded: LimitExceeded) -> RateLimited:
        hints = self._terms.hints
        refusal = RateLimited(
            f"the simulated provider takes no more: {exceeded.kind}",
            retry_after_seconds=None if hints == "none" else exceeded.retry_after_seconds,
            limit=exceeded.kind if hints == "all" else None,
        )
        refusal.allowances = self._headers()
        return refusal

    def _headers(self) -> tuple[Allowance, ...]:
        now = anyio.current_time()
        if self._terms.hints != "all" or now - self._told_at < _TOLD_SECONDS:
            return ()
        self._told_at = now
        return tuple(
            Allowance(
                limit=level.kind,
                per_minute=level.per_minute,
                remaining=level.remaining,
                reset_seconds=level.full_in_seconds,
            )
            for level in self._limits.levels(now)
        )


def _settings(terms: ProviderTerms) -> StandinSettings:
    try:
        return StandinSettings(
            rpm=terms.requests_per_minute,
            tpm=terms.tokens_per_minute,
            itpm=terms.input_tokens_per_minute,
            otpm=terms.output_tokens_per_minute,
            concurrency=terms.max_calls_in_flight,
            window_seconds=terms.window_seconds,
            refused_requests_cost=terms.refused_requests_cost,
        )
    except StandinError as error:
        raise TermsError(str(error)) from error
