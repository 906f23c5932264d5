"""Rate limits as a provider enforces them: by refusing, never by waiting.

Requests and tokens are buckets that refill continuously and hold one second's worth (at
least one request), so no minute sees more than the limit plus one second of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from simkit.standin.settings import StandinSettings

CONCURRENCY_RETRY_SECONDS = 0.25
"""Advice to a caller above the concurrency limit: nobody knows when a place gets free."""

_SLACK = 1e-9  # the refill is a sum of floats; a bucket may end up this short of full

LimitKind = Literal["requests", "tokens", "concurrency"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitExceeded:
    """Why a request is not admitted, and when another try makes sense."""

    kind: LimitKind
    limit: float
    retry_after_seconds: float


class Bucket:
    """One limit per minute, refilled continuously."""

    def __init__(self, per_minute: float) -> None:
        self.per_minute = per_minute
        self._per_second = per_minute / 60
        self.capacity = max(1.0, self._per_second)
        self._level = 0.0
        self._updated_at = -math.inf  # so that it is full when first looked at

    def level(self, now: float) -> float:
        """What is left; below 0 when replies have cost more than there was."""
        passed = now - self._updated_at
        self._level = min(self.capacity, self._level + passed * self._per_second)
        self._updated_at = now
        return self._level

    def seconds_until(self, amount: float, now: float) -> float:
        """Time until *amount* could be admitted; 0 when it can be now.

        More than the bucket holds is admitted when the bucket is full, and leaves it in
        debt; otherwise such a request could never be served.
        """
        missing = min(amount, self.capacity) - self.level(now)
        return 0.0 if missing <= _SLACK else missing / self._per_second

    def take(self, amount: float, now: float, *, floor: float = -math.inf) -> None:
        """Use up *amount*, but nothing below *floor*."""
        level = self.level(now)
        self._level = min(level, max(floor, level - amount))


class ProviderLimits:
    """All limits of one account; every admitted request must `leave` once."""

    def __init__(self, settings: StandinSettings) -> None:
        self._requests = Bucket(settings.rpm) if settings.rpm else None
        self._tokens = Bucket(settings.tpm) if settings.tpm else None
        self._concurrency = settings.concurrency
        self._refused_cost = settings.refused_requests_cost
        self.in_flight = 0
        self.peak_in_flight = 0

    def admit(self, tokens: int, now: float) -> LimitExceeded | None:
        """Admit a request of *tokens* and count it, or say which limit forbids it.

        A refused request takes no tokens. It does take a request, down to none left, when
        the settings say so: then hammering keeps the hammerer out.
        """
        exceeded = self._exceeded(tokens, now)
        if exceeded is None:
            self._count(tokens, now)
        elif self._refused_cost and self._requests:
            self._requests.take(1, now, floor=0)
        return exceeded

    def take_tokens(self, tokens: int, now: float) -> None:
        """Charge a reply; its size is only known after its request was admitted."""
        if self._tokens:
            self._tokens.take(tokens, now)

    def leave(self) -> None:
        """An admitted request is over."""
        self.in_flight -= 1

    def headers(self, now: float) -> dict[str, str]:
        """The ``x-ratelimit-*`` headers; only for limits that there are."""
        found: dict[str, str] = {}
        for kind, bucket in (("requests", self._requests), ("tokens", self._tokens)):
            if bucket:
                full_in = bucket.seconds_until(bucket.capacity, now)
                found[f"x-ratelimit-limit-{kind}"] = f"{bucket.per_minute:.0f}"
                found[f"x-ratelimit-remaining-{kind}"] = f"{max(0, int(bucket.level(now)))}"
                found[f"x-ratelimit-reset-{kind}"] = duration(full_in)
        return found

    def _exceeded(self, tokens: int, now: float) -> LimitExceeded | None:
        limit = self._concurrency
        if limit is not None and self.in_flight >= limit:
            return LimitExceeded(
                kind="concurrency", limit=limit, retry_after_seconds=CONCURRENCY_RETRY_SECONDS
            )
        waits: list[tuple[float, LimitKind, float]] = []
        if self._requests:
            wait = self._requests.seconds_until(1, now)
            waits.append((wait, "requests", self._requests.per_minute))
        if self._tokens:
            wait = self._tokens.seconds_until(tokens, now)
            waits.append((wait, "tokens", self._tokens.per_minute))
        wait, kind, per_minute = max(waits, default=(0.0, "requests", 0.0))
        if wait == 0:
            return None
        return LimitExceeded(kind=kind, limit=per_minute, retry_after_seconds=wait)

    def _count(self, tokens: int, now: float) -> None:
        if self._requests:
            self._requests.take(1, now)
        if self._tokens:
            self._tokens.take(tokens, now)
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)


def decimal_seconds(seconds: float) -> str:
    """Seconds for ``retry-after``: rounded up to a millisecond, so never too early."""
    return f"{math.ceil(seconds * 1000 - 1e-6) / 1000:.3f}"


def duration(seconds: float) -> str:
    """A duration as OpenAI's headers write it: ``12ms``, ``1.2s``, ``6m0s``."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(math.ceil(seconds * 1000) / 1000, 60)
    text = f"{rest:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{minutes:.0f}m{text}" if minutes else text
