"""How OpenAI-compatible APIs take keys, tell of limits and word errors."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence

import orjson

from simkit.standin.durations import decimal_seconds, duration
from simkit.standin.invalid_request import InvalidRequest, error_json
from simkit.standin.limits import LimitExceeded, LimitLevel

_BARE_429 = orjson.dumps({"error": {"message": "Too many requests", "type": "rate_limit_error"}})


class OpenAIStyle:
    """An `ApiStyle`."""

    def check_key(self, headers: Mapping[str, str], key: str) -> None:
        """See `ApiStyle`."""
        given = headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {key}".encode()):
            raise InvalidRequest(
                None,
                "Incorrect API key provided; send it as the header Authorization: Bearer KEY",
                status=401,
                code="invalid_api_key",
            )

    def limit_headers(self, levels: Sequence[LimitLevel]) -> dict[str, str]:
        """``x-ratelimit-*``; the limit is the one per minute, whatever the window."""
        found: dict[str, str] = {}
        for level in levels:
            kind = level.kind.replace("_", "-")
            found[f"x-ratelimit-limit-{kind}"] = f"{level.per_minute:.0f}"
            found[f"x-ratelimit-remaining-{kind}"] = str(level.remaining)
            found[f"x-ratelimit-reset-{kind}"] = duration(level.full_in_seconds)
        return found

    def rate_limited(self, exceeded: LimitExceeded | None) -> bytes:
        """See `ApiStyle`."""
        if exceeded is None:
            return _BARE_429
        per_minute = "" if exceeded.kind == "concurrency" else " per minute"
        message = (
            f"Rate limit reached for {exceeded.kind}: the limit is {exceeded.limit:g}{per_minute}; "
            f"please try again in {decimal_seconds(exceeded.retry_after_seconds)}s"
        )
        return orjson.dumps(error_json(message, exceeded.kind, code="rate_limit_exceeded"))

    def invalid(self, fault: InvalidRequest) -> bytes:
        """See `ApiStyle`."""
        return orjson.dumps(fault.as_json())

    def server_error(self, message: str) -> bytes:
        """See `ApiStyle`."""
        return orjson.dumps(error_json(message, "server_error"))


OPENAI = OpenAIStyle()
