"""Limits in the headers of answers: many forms, and nonsense in each of them."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from simkit.clients.limit_headers import allowances
from simkit.traces.calls import Allowance


class Nonsense(list[str]):
    """Collects the names of headers that made no sense."""

    def __call__(self, header: str, value: str) -> None:
        self.append(header)


def read(**headers: str) -> tuple[tuple[Allowance, ...], list[str]]:
    nonsense = Nonsense()
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return allowances(named, nonsense), nonsense


def test_headers_without_limits_tell_nothing() -> None:
    assert read(Date="Wed, 01 Jan 2025 00:00:00 GMT", Content_Type="application/json") == ((), [])


def test_requests_and_tokens_are_read_as_openai_writes_them() -> None:
    told, nonsense = read(
        x_ratelimit_limit_requests="5000",
        x_ratelimit_remaining_requests="4999",
        x_ratelimit_reset_requests="12ms",
        X_RateLimit_Limit_Tokens="160000",
        X_RateLimit_Remaining_Tokens="159976",
        X_RateLimit_Reset_Tokens="1m0s",
    )
    assert told == (
        Allowance(limit="requests", per_minute=5000, remaining=4999, reset_seconds=0.012),
        Allowance(limit="tokens", per_minute=160000, remaining=159976, reset_seconds=60),
    )
    assert nonsense == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("6m0s", 360),
        ("12ms", 0.012),
        ("1h2m3.5s", 3723.5),
        ("340µs", 0.00034),
        ("1d", 86400),
        ("7", 7),
        ("59.7", 59.7),
        ("1735689630", 30),
        ("1735689630000", 30),
        ("2025-01-01T00:00:30Z", 30),
        ("2025-01-01T01:00:30+01:00", 30),
        ("Wed, 01 Jan 2025 00:00:30 GMT", 30),
        ("2024-12-31T23:59:00Z", 0),
    ],
)
def test_a_reset_is_understood_in_every_form(text: str, seconds: float) -> None:
    told, _ = read(x_ratelimit_reset_requests=text, Date="Wed, 01 Jan 2025 00:00:00 GMT")
    assert told[0].reset_seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("header", "kind", "per_minute"),
    [
        ("x_ratelimit_limit_requests_second", "requests", 6000),
        ("x_ratelimit_limit_requests_minute", "requests", 100),
        ("x_ratelimit_limit_req_minute", "requests", 100),
        ("x_ratelimit_limit_minute", "requests", 100),
        ("x_ratelimit_limit_tokens_hour", "tokens", None),
        ("x_ratelimit_limit_tokens_day", "tokens", None),
        ("x_ratelimit_limit_tokens_prompt", "input_tokens", 100),
        ("x_ratelimit_limit_tokens_generated", "output_tokens", 100),
        ("anthropic_ratelimit_requests_limit", "requests", 100),
        ("anthropic_ratelimit_input_tokens_limit", "input_tokens", 100),
        ("anthropic_ratelimit_output_tokens_limit", "output_tokens", 100),
        ("x_ratelimit_limit_concurrent", "concurrency", 100),
    ],
)
def test_kind_and_period_are_read_from_the_name(
    header: str, kind: str, per_minute: float | None
) -> None:
    told, _ = read(**{header: "100"})
    assert [(it.limit, it.per_minute) for it in told] == [(kind, per_minute)]


def test_limits_of_two_periods_stay_apart() -> None:
    told, _ = read(
        x_ratelimit_limit_requests_day="14400",
        x_ratelimit_remaining_requests_day="7",
        x_ratelimit_limit_requests_minute="30",
        x_ratelimit_remaining_requests_minute="29",
    )
    assert told == (
        Allowance(limit="requests", remaining=7),
        Allowance(limit="requests", per_minute=30, remaining=29),
    )


def test_a_limit_that_takes_longer_than_a_minute_to_come_back_is_none_by_the_minute() -> None:
    told, _ = read(
        x_ratelimit_limit_requests="200",
        x_ratelimit_remaining_requests="198",
        x_ratelimit_reset_requests="14m24s",
    )
    assert told == (Allowance(limit="requests", remaining=198, reset_seconds=864),)


def test_anthropic_resets_are_relative_to_the_date_of_the_answer() -> None:
    told, _ = read(
        Date="Wed, 01 Jan 2025 00:00:00 GMT",
        anthropic_ratelimit_tokens_limit="80000",
        anthropic_ratelimit_tokens_remaining="79000",
        anthropic_ratelimit_tokens_reset="2025-01-01T00:00:45Z",
    )
    assert told == (Allowance(limit="tokens", per_minute=80000, remaining=79000, reset_seconds=45),)


@pytest.mark.parametrize(
    ("policy", "per_minute"),
    [("100;w=60", 100), ("100; w=1", 6000), ("900;w=3600", None), ("10;w=60, 99;w=3600", None)],
)
def test_a_simple_policy_gives_the_period(policy: str, per_minute: float | None) -> None:
    told, _ = read(
        RateLimit_Policy=policy,
        RateLimit_Limit="100",
        RateLimit_Remaining="9",
        RateLimit_Reset="5",
    )
    assert told == (
        Allowance(limit="requests", per_minute=per_minute, remaining=9, reset_seconds=5),
    )


@pytest.mark.parametrize(
    "value", ["-1", "nan", "inf", "abc", "", "1e13", "9" * 400, "99999h", "-5s", "\ud800", "1;w=0"]
)
@pytest.mark.parametrize("told", ["limit", "remaining", "reset"])
def test_nonsense_counts_as_not_sent_and_is_told(told: str, value: str) -> None:
    header = f"x_ratelimit_{told}_requests"
    other = "x_ratelimit_remaining_tokens"
    assert read(**{header: value, other: "5"}) == (
        (Allowance(limit="tokens", remaining=5),),
        [header.replace("_", "-")],
    )


@pytest.mark.parametrize("count", ["0", "1e-9", "0.5"])
def test_a_limit_of_less_than_one_is_no_limit(count: str) -> None:
    assert read(x_ratelimit_limit_tokens=count) == ((), ["x-ratelimit-limit-tokens"])
    assert read(ratelimit_policy=f"{float(count):.9f};w=60") == ((), ["ratelimit-policy"])


@pytest.mark.parametrize("header", ["x_ratelimit_limit_cats", "x_ratelimit_bypass", "ratelimit"])
def test_limits_of_what_we_do_not_use_are_skipped(header: str) -> None:
    assert read(**{header: "5"}) == ((), [])
