"""What an endpoint brings to the account: how its API says things, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from simkit.standin.invalid_request import InvalidRequest
from simkit.standin.limits import LimitExceeded, LimitLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One admitted attempt of a request."""

    raw: bytes
    """The body as it came."""
    body_hash: bytes
    """16 bytes of *raw*: what replies, ids and chance may depend on."""
    input_tokens: int
    """As charged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An endpoint's answer, before its latency has passed."""

    body: bytes
    output_tokens: int
    mistake: str | None = None
    """Label of the mistake that was made on purpose, if any."""
    content_type: str = "application/json"


Write = Callable[[Asked], Written]
"""Checks a request and answers it; raises InvalidRequest for one that is wrong."""


class ApiStyle(Protocol):
    """How one vendor's API takes keys, tells of limits and words errors."""

    def check_key(self, headers: Mapping[str, str], key: str) -> None:
        """Raise InvalidRequest with status 401 unless *headers* (any case) carry *key*."""
        ...

    def limit_headers(self, levels: Sequence[LimitLevel]) -> dict[str, str]:
        """The headers of every answer that tell of limits."""
        ...

    def rate_limited(self, exceeded: LimitExceeded | None) -> bytes:
        """The body of a 429; one that names no limit when *exceeded* is not told."""
        ...

    def invalid(self, fault: InvalidRequest) -> bytes:
        """The body of the answer to a request that is wrong."""
        ...

    def server_error(self, message: str) -> bytes:
        """The body of a 5xx."""
        ...
