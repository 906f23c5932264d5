"""How Anthropic's API takes keys, tells of limits and words errors."""

from __future__ import annotations

import hmac
import math
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import orjson

from simkit.standin.invalid_request import InvalidRequest
from simkit.standin.limits import LimitExceeded, LimitLevel

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    413: "request_too_large",
}


class AnthropicStyle:
    """An `ApiStyle`."""

    def check_key(self, headers: Mapping[str, str], key: str) -> None:
        """See `ApiStyle`."""
        given = headers.get("x-api-key", "")
        if not hmac.compare_digest(given.encode(), key.encode()):
            raise InvalidRequest(None, "invalid x-api-key", status=401)

    def limit_headers(self, levels: Sequence[LimitLevel]) -> dict[str, str]:
        """``anthropic-ratelimit-*``; a reset is a moment, in whole seconds and never too early."""
        found: dict[str, str] = {}
        for level in levels:
            prefix = f"anthropic-ratelimit-{level.kind.replace('_', '-')}"
            found[f"{prefix}-limit"] = f"{level.per_minute:.0f}"
            found[f"{prefix}-remaining"] = str(level.remaining)
            found[f"{prefix}-reset"] = _moment(time.time() + level.full_in_seconds)
        return found

    def rate_limited(self, exceeded: LimitExceeded | None) -> bytes:
        """See `ApiStyle`."""
        if exceeded is None:
            return error("rate_limit_error", "Too many requests")
        if exceeded.kind == "concurrency":
            return error("rate_limit_error", "Number of concurrent connections has exceeded yours")
        kind = exceeded.kind.replace("_", " ")
        limit = f"{exceeded.limit:,.0f} {kind} per minute"
        return error("rate_limit_error", f"This request would exceed your rate limit of {limit}")

    def invalid(self, fault: InvalidRequest) -> bytes:
        """See `ApiStyle`."""
        message = str(fault)
        return error(_KINDS.get(fault.status, "invalid_request_error"), message)

    def server_error(self, message: str) -> bytes:
        """See `ApiStyle`."""
        return error("api_error", message)


def error(kind: str, message: str) -> bytes:
    """The body of an answer that is an error."""
    return orjson.dumps({"type": "error", "error": {"type": kind, "message": message}})


def _moment(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(math.ceil(epoch_seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


ANTHROPIC = AnthropicStyle()
