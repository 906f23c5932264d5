"""What failing answers mean, in the words that several providers use."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from multidict import CIMultiDict

from simkit.clients.endpoint import Endpoint
from simkit.clients.http_failures import failure
from simkit.traces.provider_errors import (
    BalanceExhausted,
    ContentRefused,
    KeyRefused,
    ModelUnknown,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
    Unreachable,
)


def endpoint() -> Endpoint:
    return Endpoint(
        base_url="https://api.acme.example/v1",
        model="m",
        api_key="k" * 20,
        extra_headers={},
        key_hint=None,
    )


def fails(status: int, error: Any, **headers: str) -> ProviderError:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return failure(status, named, orjson.dumps({"error": error}), endpoint())


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        ({"type": "tokens", "code": "rate_limit_exceeded", "message": "Slow down"}, "tokens"),
        ({"type": "requests", "message": "Limit for tokens? No."}, "requests"),
        ({"message": "Limit on tokens per min (TPM): 30000. Requested 900."}, "tokens"),
        ({"message": "The request is too large for the tokens per day (TPD) of m"}, "tokens"),
        ({"message": "You have passed the token rate limit of your tier"}, "tokens"),
        ({"message": "Limit on requests per min (RPM): 500 of 500 used"}, "requests"),
        ({"message": "RPD quota reached; come back tomorrow"}, "requests"),
        ({"message": "More than 3 requests/s are not in your plan"}, "requests"),
        ({"message": "You have passed the call rate limit of your tier"}, "requests"),
        (
            {
                "type": "rate_limit_error",
                "message": "This request would exceed your limit of 40,000 input tokens a minute",
            },
            "input_tokens",
        ),
        ({"message": "8,000 output tokens per minute is what you may have"}, "output_tokens"),
        ({"message": "Number of concurrent connections passes your limit"}, "concurrency"),
        ({"message": "Max parallel requests reached for this key: 8"}, "concurrency"),
        ({"code": "concurrency_limit", "message": "Too many requests"}, "concurrency"),
        ({"message": "Too many requests"}, None),
        ({"code": "too_many_requests", "message": "Slow down, please"}, None),
        ({}, None),
    ],
)
def test_the_exceeded_limit_is_found_in_the_complaint(error: Any, limit: str | None) -> None:
    found = fails(429, error)
    assert isinstance(found, RateLimited)
    assert found.limit == limit


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        ({"message": "Used up. Please try again in 1.2s. See your account."}, 1.2),
        ({"message": "Please try again in 340ms."}, 0.34),
        ({"message": "Try again in 1h2m3s."}, 3723),
        ({"message": "Please retry after 27 seconds."}, 27),
        ({"message": "Wait for 2 minutes"}, 120),
        ({"message": "Retry your request after 20 s."}, 20),
        ({"message": "Retry in 250 milliseconds"}, 0.25),
        ({"message": "Your quota resets in 5h30m"}, 19800),
        ({"message": "x", "details": [{"retryDelay": "34s"}]}, 34),
        ({"message": "Try again in 400 hours."}, None),
        ({"message": "Try again in 5 apples."}, None),
        ({"message": "Try again in a while."}, None),
        ({"message": "try again in " + "9" * 5000}, None),
    ],
)
def test_a_wait_in_words_counts_where_no_header_names_one(
    error: Any, seconds: float | None
) -> None:
    found = fails(429, error)
    assert isinstance(found, RateLimited)
    assert found.retry_after_seconds == pytest.approx(seconds)
    with_header = fails(429, error, Retry_After="3")
    assert isinstance(with_header, RateLimited)
    assert with_header.retry_after_seconds == 3


BALANCE = [
    (429, {"code": "insufficient_quota", "message": "Look at your plan and billing"}),
    (429, {"type": "exceeded_current_quota_error"}),
    (402, {"message": "Insufficient Balance"}),
    (400, {"type": "invalid_request_error", "message": "Your credit balance is too low to ask"}),
    (400, {"type": "billing_error"}),
    (403, {"message": "You are out of credits."}),
    (429, {"code": "1113", "message": "Insufficient balance or no package"}),
]


@pytest.mark.parametrize(("status", "error"), BALANCE)
def test_an_empty_account_is_told_apart_by_the_body(status: int, error: Any) -> None:
    assert type(fails(status, error)) is BalanceExhausted
    assert type(fails(status, error, Retry_After="20")) is BalanceExhausted


@pytest.mark.parametrize(("status", "error"), BALANCE)
def test_a_quota_that_says_when_it_comes_back_is_a_rate_limit(status: int, error: Any) -> None:
    found = fails(status, error, Retry_After="7200")
    assert isinstance(found, RateLimited)
    assert found.retry_after_seconds == 7200


def test_a_daily_limit_is_no_empty_account() -> None:
    error = {"status": "RESOURCE_EXHAUSTED", "message": "Over quota; look at plan and billing"}
    assert type(fails(429, error)) is RateLimited


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (403, {"code": "unsupported_country_region_territory", "message": "no"}, Unreachable),
        (403, {"message": "This is not available in your region"}, Unreachable),
        (400, {"message": "User location is not supported for the API use."}, Unreachable),
        (403, {"message": "The prompt was flagged by our safety policy"}, ContentRefused),
        (403, {"message": "Blocked by content policy"}, ContentRefused),
        (400, {"code": "content_policy_violation"}, ContentRefused),
        (403, {"code": "model_not_found", "message": "no access to m"}, ModelUnknown),
        (403, {"message": "The key may not do this"}, KeyRefused),
        (400, {"message": "allowed values for temperature"}, RequestRefused),
        (498, {"code": "capacity_exceeded"}, ProviderUnavailable),
        (529, {"type": "overloaded_error"}, ProviderUnavailable),
    ],
)
def test_a_refusal_is_not_blamed_on_the_key_when_it_is_about_something_else(
    status: int, error: Any, kind: type[ProviderError]
) -> None:
    assert type(fails(status, error)) is kind
