"""What a stand-in provider enforces, and where it listens."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from typing import Literal, get_args

from simkit.standin.meters import window_share
from simkit.traces.calls import LimitKind

Hints = Literal["all", "retry_after", "none"]
"""What answers tell of the limits; see `StandinSettings.hints`."""

LIMIT_NAMES: dict[LimitKind, str] = {
    "requests": "rpm",
    "tokens": "tpm",
    "input_tokens": "itpm",
    "output_tokens": "otpm",
}
"""The setting of each limit per minute."""


class StandinError(Exception):
    """The stand-in provider cannot start as asked; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandinSettings:
    """How one stand-in provider behaves.

    Raises:
        StandinError: A value is out of range, or the host is not a loopback address.
    """

    host: str = "127.0.0.1"
    """A loopback address; the stand-in is not made to face a network."""
    port: int = 0
    """0 takes a free one."""
    seed: int = 0
    """Root of every reply, latency and fault."""
    rpm: float | None = None
    """Requests a minute; None is no limit."""
    tpm: float | None = None
    """Tokens a minute, of requests and replies together; None is no limit."""
    itpm: float | None = None
    """Tokens of requests a minute; None is no limit."""
    otpm: float | None = None
    """Tokens of replies a minute; None is no limit."""
    concurrency: int | None = None
    """Requests at once; None is no limit."""
    window_seconds: float | None = None
    """Count in fixed windows of this length, as many gateways do; None refills continuously."""
    hints: Hints = "all"
    """``all``: limit headers on every answer, and each 429 names its limit and a time to wait.
    ``retry_after``: a bare 429 with that time. ``none``: a bare 429."""
    refused_requests_cost: bool = True
    """Whether a request that is refused with 429 uses up requests, as many hosts count."""
    latency_seconds: float = 0.0
    """Median time to a short reply."""
    slowdown_at: float | None = None
    """Requests in flight that double every latency; twice as many treble it, and so on."""
    faults: float = 0.0
    """Share of admitted attempts that fail, in [0, 1]."""
    hangs: bool = False
    """Whether some faults are answers that never come; they cost the client's time-out."""
    hang_share: float = 0.0
    """Share of admitted attempts that are never answered, in [0, 1], whatever the faults."""
    mistakes: float = 0.0
    """Share of replies with a mistake, in [0, 1]; for whoever makes the brain."""
    judge_faults: float = 0.0
    """Share of judges' replies that are no ruling, in [0, 1]; for whoever makes the brain."""
    judge_always: int | None = None
    """What judges rule whatever they are shown; for whoever makes the brain."""
    models: tuple[str, ...] = ("standin",)
    api_key: str | None = None
    """When set, requests without it are answered 401."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "host", _loopback(self.host))
        _require(self.judge_always in (None, 0, 1), "judge_always", "be 0 or 1", self)
        for name in ("faults", "mistakes", "hang_share", "judge_faults"):
            _require(0 <= getattr(self, name) <= 1, name, "be between 0 and 1", self)
        for name in (*LIMIT_NAMES.values(), "concurrency", "window_seconds", "slowdown_at"):
            limit = getattr(self, name)
            usable = limit is None or (limit > 0 and math.isfinite(limit))
            _require(usable, name, "be above 0, or left out for no limit", self)
        if self.window_seconds is not None:
            self._check_windows(self.window_seconds)
        _require(self.hints in get_args(Hints), "hints", f"be one of {get_args(Hints)}", self)
        sane = 0 <= self.latency_seconds < math.inf
        _require(sane, "latency_seconds", "be 0 or more seconds", self)
        _require(0 <= self.port <= 65535, "port", "be between 0 and 65535", self)
        _require(bool(self.models) and all(self.models), "models", "hold a name", self)

    def per_minute(self) -> dict[LimitKind, float | None]:
        """The limits per minute, by kind."""
        return {kind: getattr(self, name) for kind, name in LIMIT_NAMES.items()}

    def _check_windows(self, seconds: float) -> None:
        for name in LIMIT_NAMES.values():
            limit = getattr(self, name)
            fits = limit is None or window_share(limit, seconds) >= 1
            _require(fits, name, f"permit at least 1 in a window of {seconds:g} s", self)


def _require(holds: bool, name: str, rule: str, settings: StandinSettings) -> None:
    if not holds:
        value = getattr(settings, name)
        raise StandinError(f"the stand-in's {name} must {rule}; it is {value!r}")


def _loopback(host: str) -> str:
    # A name may stand for two addresses, and port 0 would then mean two different ports.
    address = "127.0.0.1" if host == "localhost" else host
    try:
        loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise StandinError(
            f"the stand-in listens on loopback addresses only, not on {host!r}; "
            "use 127.0.0.1 or ::1"
        )
    return address
