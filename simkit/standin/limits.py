"""Rate limits as a provider enforces them: by refusing, never by waiting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simkit.standin.meters import Bucket, Meter, Window
from simkit.standin.settings import StandinSettings
from simkit.traces.calls import LimitKind

CONCURRENCY_RETRY_SECONDS = 0.25
"""Advice to a caller above the concurrency limit: nobody knows when a place gets free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitExceeded:
    """Why a request is not admitted, and when another try makes sense."""

    kind: LimitKind
    limit: float
    retry_after_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitLevel:
    """One limit per minute as it stands: what an answer's headers are written from."""

    kind: LimitKind
    per_minute: float
    remaining: int
    """At least 0."""
    full_in_seconds: float
    """Until all of it is left again: refilled, or the window's end."""


class ProviderLimits:
    """All limits of one account; every admitted request must `leave` once."""

    def __init__(self, settings: StandinSettings, now: float) -> None:
        self._refused_cost = settings.refused_requests_cost
        self._meters: dict[LimitKind, Meter] = {}
        self._concurrency: int | None = None
        self.in_flight = 0
        self.peak_in_flight = 0
        self.change(settings, now)

    def change(self, settings: StandinSettings, now: float) -> None:
        """Enforce the limits of *settings* from now on; limits that stay keep their level."""
        self._concurrency = settings.concurrency
        before, self._meters = self._meters, {}
        for kind, per_minute in settings.per_minute().items():
            if per_minute is None:
                continue
            meter = before.get(kind)
            if meter is None:
                meter = _meter(per_minute, settings.window_seconds, now)
            elif meter.per_minute != per_minute:
                meter.change(per_minute, now)
            self._meters[kind] = meter

    def admit(self, input_tokens: int, now: float) -> LimitExceeded | None:
        """Admit a request of *input_tokens* and count it, or say which limit forbids it.

        A refused request takes no tokens. It does take a request, down to none left, when
        the settings say so: then hammering keeps the hammerer out.
        """
        exceeded = self._exceeded(input_tokens, now)
        if exceeded is None:
            self._count(input_tokens, now)
        elif self._refused_cost and (requests := self._meters.get("requests")):
            requests.take(1, now, floor=0)
        return exceeded

    def take_output(self, tokens: int, now: float) -> None:
        """Charge a reply; its size is only known after its request was admitted."""
        for kind in ("tokens", "output_tokens"):
            if meter := self._meters.get(kind):
                meter.take(tokens, now)

    def leave(self) -> None:
        """An admitted request is over."""
        self.in_flight -= 1

    def levels(self, now: float) -> list[LimitLevel]:
        """The limits per minute that there are, as they stand."""
        return [
            LimitLevel(
                kind=kind,
                per_minute=meter.per_minute,
                remaining=max(0, int(meter.level(now))),
                full_in_seconds=meter.seconds_until(meter.capacity, now),
            )
            for kind, meter in self._meters.items()
        ]

    def as_json(self, now: float) -> dict[str, Any]:
        """The limits per minute in the form of ``GET /stats``.

        What could have been used between two moments is what was ``remaining`` at the first
        and the difference of ``permitted`` since.
        """
        return {
            kind: {
                "per_minute": meter.per_minute,
                "remaining": meter.level(now),
                "permitted": meter.permitted(now),
            }
            for kind, meter in self._meters.items()
        }

    def _exceeded(self, input_tokens: int, now: float) -> LimitExceeded | None:
        limit = self._concurrency
        if limit is not None and self.in_flight >= limit:
            return LimitExceeded(
                kind="concurrency", limit=limit, retry_after_seconds=CONCURRENCY_RETRY_SECONDS
            )
        longest, exceeded = 0.0, None
        for kind, meter in self._meters.items():
            wait = meter.seconds_until(_needed(kind, input_tokens), now)
            if wait > longest:
                longest = wait
                exceeded = LimitExceeded(
                    kind=kind, limit=meter.per_minute, retry_after_seconds=wait
                )
        return exceeded

    def _count(self, input_tokens: int, now: float) -> None:
        for kind, meter in self._meters.items():
            if kind != "output_tokens":
                meter.take(_needed(kind, input_tokens), now)
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)


def _meter(per_minute: float, window_seconds: float | None, now: float) -> Meter:
    if window_seconds is None:
        return Bucket(per_minute, now)
    return Window(per_minute, window_seconds, now)


def _needed(kind: LimitKind, input_tokens: int) -> int:
    """What must be left; of output, whose size nobody knows yet, a first token."""
    return input_tokens if kind in ("tokens", "input_tokens") else 1
