"""How a provider that is only simulated behaves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Hints = Literal["all", "retry_after", "none"]
"""What answers tell of the limits; see `ProviderTerms.hints`."""


class TermsError(ValueError):
    """Terms that no provider can have; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTerms:
    """What one account enforces; None is no limit.

    Raises:
        TermsError: A value is out of range.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    """Input and output together."""
    input_tokens_per_minute: float | None = None
    output_tokens_per_minute: float | None = None
    max_calls_in_flight: int | None = None
    window_seconds: float | None = None
    """Counts in fixed windows of this length; None refills continuously."""
    hints: Hints = "all"
    """``all``: limits in the headers of each answer, and each refusal names its limit and a time
    to wait. ``retry_after``: a refusal tells only that time. ``none``: it tells nothing."""
    refused_requests_cost: bool = True
    """Whether a request that is refused uses up requests, as many hosts count."""
    latency_factor: float = 1.0
    """Times what the workload's latencies are."""
    doubled_at: float | None = None
    """Calls in flight that double every latency, instead of what the workload shows."""
    failure_share: float | None = None
    """Of the attempts, in [0, 1), instead of what the workload shows."""

    def __post_init__(self) -> None:
        for name in (
            "requests_per_minute",
            "tokens_per_minute",
            "input_tokens_per_minute",
            "output_tokens_per_minute",
            "max_calls_in_flight",
            "window_seconds",
            "doubled_at",
        ):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise TermsError(f"{name} must be above 0, or left out for no limit; it is {value}")
        if not 0 < self.latency_factor < math.inf:
            raise TermsError(f"latency_factor must be above 0; it is {self.latency_factor}")
        if self.failure_share is not None and not 0 <= self.failure_share < 1:
            raise TermsError(
                f"failure_share must be at least 0 and below 1; it is {self.failure_share}"
            )
