"""What an error of Anthropic's Messages API means, in the words of the contract."""

from __future__ import annotations

from typing import Any

import orjson

from simkit.clients.endpoint import Endpoint
from simkit.clients.http_failures import failure
from simkit.traces.provider_errors import (
    BalanceExhausted,
    ContentRefused,
    ProviderError,
    RequestRefused,
)

_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


def reported_failure(report: dict[str, Any], endpoint: Endpoint) -> ProviderError:
    """The error that an answer tells of after it began with HTTP 200, as streams do.

    It counts as the status that the API has for such an error.
    """
    error = report.get("error")
    kind = error.get("type") if isinstance(error, dict) else None
    status = _STATUS.get(kind, 500) if isinstance(kind, str) else 500
    return failure(status, {}, orjson.dumps(report), endpoint)


def clarified(refused: RequestRefused) -> ProviderError:
    """What *refused* is by its words, where its status says only that the request is wrong.

    So it is at the spend limit that the owner of an account has set, which no later request
    of the run can pass, and where the content filter stops a reply.
    """
    said = f"{refused}".lower()
    clear: ProviderError = refused
    if "api usage limits" in said:
        clear = BalanceExhausted(f"{refused}. Raise the spend limit of the account, or wait.")
    elif "content filtering policy" in said:
        clear = ContentRefused(f"{refused}")
    clear.allowances = refused.allowances
    return clear
